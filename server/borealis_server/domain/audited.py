"""What of a request may be kept for audit: never what may be a secret."""

from __future__ import annotations

_KEPT = frozenset(
    {
        "allowWatchBookmarks", "container", "continue", "dryRun", "fieldManager", "fieldSelector", "fieldValidation",
        "follow", "force", "includeObject", "labelSelector", "limit", "limitBytes", "orphanDependents", "ports",
        "pretty", "previous", "propagationPolicy", "resourceVersion", "resourceVersionMatch", "sendInitialEvents",
        "sinceSeconds", "sinceTime", "stderr", "stdin", "stdout", "tailLines", "timeout", "timeoutSeconds",
        "timestamps", "tty", "watch",
    }
)  # fmt: skip
"""Parameters of the Kubernetes API that name or bound things; not `command` of exec, which may hold passwords."""


def audited_path(path: str) -> str:
    """The path with its query, where the value of every parameter that is not known to be harmless is `...`."""
    place, mark, query = path.partition("?")
    return place + mark + "&".join(_audited(part) for part in query.split("&"))


def _audited(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return parameter if not equals or name in _KEPT else f"{name}=..."
