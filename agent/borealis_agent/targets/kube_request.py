"""What a request to the Kubernetes API asks for: verb, namespace and resource, as the API server reads them. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote

_VERBS: Final = {
    "DELETE": "delete",
    "GET": "get",
    "HEAD": "get",
    "OPTIONS": "get",
    "PATCH": "patch",
    "POST": "create",
    "PUT": "update",
}
_TRUE: Final = frozenset({"1", "t", "true"})
_ABOUT_NAMESPACE: Final = frozenset({"finalize", "status"})
"""What follows a namespace and is about the namespace itself."""


class KubeRequest(NamedTuple):
    """A request to the Kubernetes API."""

    verb: str
    """`get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`."""
    path: str
    """The path, decoded, without the query."""
    namespace: str = ""
    """Empty for what belongs to no namespace, and for requests over all namespaces."""
    resource: str = ""
    """Such as `pods` or `pods/exec`; empty for what is no resource, such as `/version`."""
    name: str = ""
    """Name of the object; empty for all."""


def parse_kube_request(method: str, path: str) -> KubeRequest:
    """What a request asks for.

    Source: RequestInfoFactory of k8s.io/apiserver; the old `/watch/` paths are a verb as there.
    """
    raw, _, query = path.partition("?")
    plain = unquote(raw)
    parts = plain.strip("/").split("/")
    verb = _VERBS.get(method, method.lower())
    rest = _behind_version(parts)
    if not rest:
        return KubeRequest(verb, plain)
    if rest[0] == "watch":
        rest, verb = rest[1:], "watch"
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _ABOUT_NAMESPACE:  # noqa: PLR2004 - /namespaces/name/resource
            rest = rest[2:]
    if not rest:
        return KubeRequest(verb, plain, namespace)
    name = rest[1] if len(rest) > 1 else ""
    resource = "/".join([rest[0], *rest[2:3]])
    if not name:
        verb = _verb_on_all(verb, query)
    return KubeRequest(verb, plain, namespace, resource, name)


def _behind_version(parts: list[str]) -> list[str]:
    """What follows `/api/v1` or `/apis/group/version`; empty if it is neither."""
    if parts[0] == "api":
        return parts[2:]
    return parts[3:] if parts[0] == "apis" else []


def _verb_on_all(verb: str, query: str) -> str:
    if verb == "get":
        return "watch" if _is_watch(query) else "list"
    return "deletecollection" if verb == "delete" else verb


def _is_watch(query: str) -> bool:
    return "watch" in query and any(
        value.lower() in _TRUE for value in parse_qs(query, keep_blank_values=True).get("watch", ())
    )
