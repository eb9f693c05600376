"""The arithmetic of a Deployment's rolling update: how many replicas each ReplicaSet gets next. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_sandbox.objects import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_sandbox.objects import Object

HASH_LABEL = "pod-template-hash"
_HASH_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTH = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a rolling update may stray from the wanted number of pods."""

    surge: int
    """Pods above it."""
    unavailable: int
    """Pods below it that need not be available."""


def template_hash(template: Object, collisions: int) -> str:
    """A short text that differs between pod templates."""
    text = json.dumps([template, collisions], sort_keys=True)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest())
    letters = []
    for _ in range(_HASH_LENGTH):
        number, place = divmod(number, len(_HASH_LETTERS))
        letters.append(_HASH_LETTERS[place])
    return "".join(letters)


def is_same_template(one: Object, other: Object) -> bool:
    """Whether two pod templates differ in nothing but the label that tells ReplicaSets apart."""
    return _without_hash(one) == _without_hash(other)


def bounds_of(deployment: Object) -> Bounds:
    """The bounds that the Deployment's strategy sets."""
    wanted = deployment["spec"]["replicas"]
    rolling = deployment["spec"].get("strategy", {}).get("rollingUpdate") or {}
    surge = _share(rolling.get("maxSurge", "25%"), wanted, rounds_up=True)
    unavailable = _share(rolling.get("maxUnavailable", "25%"), wanted, rounds_up=False)
    # Both zero would stand still for ever.
    return Bounds(surge=surge, unavailable=unavailable if surge or unavailable else 1)


def next_new(deployment: Object, new: Object | None, old: Sequence[Object]) -> int:
    """How many replicas the new ReplicaSet may have now; None for `new` means that it is yet to be created."""
    wanted = int(deployment["spec"]["replicas"])
    current = new["spec"]["replicas"] if new else 0
    if current >= wanted:
        return wanted
    total = current + sum(each["spec"]["replicas"] for each in old)
    room = max(0, wanted + bounds_of(deployment).surge - total)
    return int(current + min(room, wanted - current))


def next_old(deployment: Object, new: Object, old: Sequence[Object]) -> dict[str, int]:
    """How many replicas each old ReplicaSet may keep now, by name: unhealthy ones go first, then the oldest."""
    least = deployment["spec"]["replicas"] - bounds_of(deployment).unavailable
    left = {name_of(each): int(each["spec"]["replicas"]) for each in old}
    missing = new["spec"]["replicas"] - _available(new)
    room = sum(left.values()) + new["spec"]["replicas"] - least - missing
    for each in old:
        unhealthy = left[name_of(each)] - _available(each)
        taken = max(0, min(room, unhealthy))
        left[name_of(each)] -= taken
        room -= taken
    spare = _available(new) + sum(min(left[name_of(each)], _available(each)) for each in old) - least
    for each in old:
        taken = max(0, min(spare, room, left[name_of(each)]))
        left[name_of(each)] -= taken
        spare -= taken
        room -= taken
    return left


def _available(replica_set: Object) -> int:
    return int(replica_set.get("status", {}).get("availableReplicas", 0))


def _share(value: int | str, total: int, *, rounds_up: bool) -> int:
    if isinstance(value, int):
        return value
    percent = int(str(value).removesuffix("%"))
    return -(-total * percent // 100) if rounds_up else total * percent // 100


def _without_hash(template: Object) -> Object:
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}
