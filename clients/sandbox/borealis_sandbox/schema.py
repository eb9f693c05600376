"""Which lists have items with an identity, and which values are replaced whole: what merging needs to know of types.

A path here is the names of the fields down to a value, without list positions. Pure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

FieldPath: TypeAlias = tuple[str, ...]

_KEYS: Mapping[str, tuple[str, ...]] = {
    "conditions": ("type",),
    "containers": ("name",),
    "containerStatuses": (),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ownerReferences": ("uid",),
    "podIPs": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
_SETS = frozenset({"finalizers"})
_ATOMIC_MAPS = frozenset({"selector", "nodeSelector", "matchLabels"})
_KEY_DEFAULTS = {"protocol": "TCP"}


def list_keys(path: FieldPath) -> tuple[str, ...]:
    """The fields that tell the items of the list at `path` apart; empty if the list is replaced whole."""
    if path[-1:] == ("ports",):
        return _port_keys(path)
    return _KEYS.get(path[-1], ()) if path else ()


def is_set(path: FieldPath) -> bool:
    """Whether the list at `path` is a set of plain values."""
    return path[-1:] != () and path[-1] in _SETS


def is_atomic_map(path: FieldPath) -> bool:
    """Whether server-side apply replaces the map at `path` whole."""
    return path[-1:] != () and path[-1] in _ATOMIC_MAPS


def item_key(item: Any, keys: tuple[str, ...]) -> str | None:  # Any: an item of a list of unknown type
    """The identity of `item` as canonical JSON; None if it has none."""
    if not keys or not isinstance(item, dict):
        return None
    found = {key: item.get(key, _KEY_DEFAULTS.get(key)) for key in keys}
    if None in found.values():
        return None
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def keyed(items: list[Any], keys: tuple[str, ...]) -> dict[str, Any] | None:
    """`items` by identity, in order; None if one has no identity or two share one."""
    found: dict[str, Any] = {}
    for item in items:
        key = item_key(item, keys)
        if key is None or key in found:
            return None
        found[key] = item
    return found


def _port_keys(path: FieldPath) -> tuple[str, ...]:
    if path == ("spec", "ports"):
        return ("port", "protocol")
    return ("containerPort", "protocol") if "containers" in path or "initContainers" in path else ()
