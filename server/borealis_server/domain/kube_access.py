"""What a request to a Kubernetes API needs, by its method and path. Owns the judgement; the agent and RBAC judge on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from borealis_server.domain.access import Permission
from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.roles import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_server.domain.roles import Role

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS: Final = _READS | {"DELETE", "PATCH", "POST", "PUT"}
_THROUGH: Final = frozenset({"attach", "exec", "portforward", "proxy"})
"""Subresources that lead into a container or a node, whatever the method."""
_DISCOVERY: Final = frozenset({"api", "apis", "openapi", "version"})
_PATH_BYTES: Final = 8192
_IDENTITIES: Final = ("impersonate-", "x-remote-")
_OF_THE_CONNECTION: Final = frozenset(
    {
        "authorization",
        "connection",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-client-cert",
        "x-forwarded-for",
    }
)


def needed_permission(method: str, path: str, *, is_upgrade: bool = False) -> Permission:
    """The permission that somebody needs for a request to a Kubernetes API.

    Discovery, which says what kinds a cluster has, needs no more than seeing the agent: clients take a refusal there
    for an empty cluster, and would hide what we have to say.

    Errors: InvalidArgument for a method or a path that is not one of a Kubernetes API.
    """
    segments = _segments(path)
    if method not in _METHODS:
        raise InvalidArgument.of("method", f"must be one of {', '.join(sorted(_METHODS))}, got {method[:20]!r}")
    if is_upgrade or method not in _READS or _leads_through(segments):
        return Permission.KUBE_WRITE
    return Permission.AGENTS_READ if _is_discovery(segments) else Permission.KUBE_READ


def _segments(path: str) -> list[str]:
    """The parts of the path as the API server sees them: it decodes first and splits then."""
    plain = unquote(path.partition("?")[0], errors="surrogateescape")
    is_clean = path.isascii() and not any(character <= " " or character in "\\#\x7f" for character in path)
    segments = plain.split("/")[1:]
    if not path.startswith("/") or len(path) > _PATH_BYTES or not is_clean or "\0" in plain or "\\" in plain:
        raise InvalidArgument.of("path", f"must start with / and be percent-encoded, at most {_PATH_BYTES} bytes")
    if "" in segments[:-1] or "." in segments or ".." in segments:
        raise InvalidArgument.of("path", "must have no empty segment, `.` or `..`")
    return segments if segments[-1] else segments[:-1]


def _is_discovery(segments: list[str]) -> bool:
    match segments:
        case ["openapi", *_]:
            return True
        case ["api", *rest]:
            return len(rest) <= 1
        case ["apis", *rest]:
            return len(rest) <= 2  # noqa: PLR2004 - group and version
        case _:
            return segments == ["version"] or not segments


def _leads_through(segments: list[str]) -> bool:
    """Whether the path ends up in a container, a pod, a service or a node."""
    match segments:
        case ["api", _, *rest] | ["apis", _, _, *rest]:
            pass
        case _:
            return False
    match rest:
        case ["proxy", *_]:  # of old releases
            return True
        case ["namespaces", _, _, _, *more]:
            pass
        case [_, _, *more]:
            pass
        case _:
            return False
    return bool(more) and more[0] in _THROUGH


def relayed_headers(headers: Iterable[tuple[str, str]], *, upgrade: str = "") -> tuple[tuple[str, str], ...]:
    """The header fields that go on to the agent: no credentials, and nothing about the caller's own connection.

    Shape: with `upgrade`, the two fields that ask to switch to that protocol.
    Errors: InvalidArgument where the request names an identity. To drop it would let `kubectl --as` act as the agent.
    """
    given = [(name.lower(), value) for name, value in headers]
    own = {word.strip().lower() for name, value in given if name == "connection" for word in value.split(",")}
    kept = []
    for name, value in given:
        if name.startswith(_IDENTITIES):
            raise InvalidArgument.of(
                name, "must not be sent: the cluster is told who you are by the agent (kubectl: leave out --as)"
            )
        if name not in _OF_THE_CONNECTION and name not in own:
            kept.append((name, value))
    return (*kept, ("connection", "Upgrade"), ("upgrade", upgrade)) if upgrade else tuple(kept)


def cluster_groups(roles: Iterable[Role]) -> tuple[str, ...]:
    """The groups of somebody with `roles`, as clusters know them: `borealis:admin`, `borealis:role:release-manager`.

    Roles of the organization, of a tenant and of the system are never taken for each other, whatever they are called.
    """
    return tuple(_group_of(role) for role in roles)


def _group_of(role: Role) -> str:
    if role.is_system:
        return f"borealis:{role.id}"
    name = quote(name_key(role.name).replace(" ", "-"), safe="")
    return f"borealis:{'tenant-' if role.tenant else ''}role:{name}"
