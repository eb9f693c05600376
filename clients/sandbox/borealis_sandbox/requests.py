"""Reads what a request is about from its address: which kind, namespace, name and subresource. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_sandbox.custom_kinds import find_plural
from borealis_sandbox.errors import unknown_address
from borealis_sandbox.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_sandbox.kinds import Kind

_MOST_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a request is about."""

    kind: Kind
    """Kind of object."""
    namespace: str = ""
    """Empty for the whole cluster."""
    name: str = ""
    """Empty for the whole collection."""
    subresource: str = ""
    """`status`, `scale` or empty."""


def parse_address(path: str, kinds: Iterable[Kind] = KINDS) -> Address:
    """What `path` addresses among `kinds`, for example `/apis/apps/v1/namespaces/shop/deployments/web/scale`.

    Errors: not found, for anything this server does not serve.
    """
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            return _resource(kinds, "", version, rest)
        case ["apis", group, version, *rest]:
            return _resource(kinds, group, version, rest)
    raise unknown_address()


def _resource(kinds: Iterable[Kind], group: str, version: str, rest: list[str]) -> Address:
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) >= _MOST_PARTS and rest[2] != "status":
        namespace, rest = rest[1], rest[2:]
    kind = find_plural(kinds, group, version, rest[0]) if rest else None
    if kind is None or len(rest) > _MOST_PARTS or "" in rest:
        raise unknown_address()
    name, subresource = (*rest[1:], "", "")[:2]
    is_served = {"": True, "status": kind.has_status, "scale": kind.has_scale}.get(subresource, False)
    has_right_scope = kind.is_namespaced or not namespace
    needs_namespace = kind.is_namespaced and name and not namespace
    if not is_served or not has_right_scope or needs_namespace:
        raise unknown_address()
    return Address(kind=kind, namespace=namespace, name=name, subresource=subresource)
