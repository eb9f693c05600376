"""Records in a form in which two that behave the same are equal: counters, texts and times that tell nothing are gone.

The clock of a model always stands at `NOW`; time passes by moving every deadline towards it.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from borealis_server.domain.deployment import Deployment, TargetRun

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG = timedelta(days=2)

# Times that decisions compare with the present. A new field of type datetime must be placed in one of the two.
DECISIVE = {
    "limit_at",
    "ready_limit_at",
    "effect_limit_at",
    "intent_limit_at",
    "late_limit_at",
    "refused_since",
    "agent_lost_at",
    "due_at",
}
_SINCE = {"refused_since", "agent_lost_at"}
_TOLD_ONLY = {"since", "started_at", "ended_at", "at", "answered_at", "expires_at"}
# What changes with every write, and what only people read: whether a text is there matters, what it says does not.
_UNTOLD: dict[str, Any] = {
    "revision": 0,
    "sequence": 0,
    "new_available": 0,
    "old_available": 0,
    "asked_weight_percent": 0,
    "traffic_percent": None,
    "warnings": (),
    "context": (),
}
_TEXTS = {"message", "comment", "by", "at_limit", "ended_by"}

_PLAIN: dict[type, tuple[str, ...]] = {}


def canonical(record: Deployment) -> Deployment:
    """The same record, for comparing."""
    deployment: Deployment = _canonical(record)
    return deployment


def later(record: Deployment, by: timedelta) -> Deployment:
    """The record as it looks when `by` has passed; times that have passed long since are alike."""
    deployment: Deployment = _canonical(_shifted(record, by))
    return deployment


def deadlines(record: Any) -> set[datetime]:  # Any: a record or a part of one
    """Every limit in the record that is still to come."""
    found: set[datetime] = set()
    for name in _names(type(record)):
        value = getattr(record, name)
        if name in DECISIVE and name not in _SINCE and value is not None and value > NOW:
            found.add(value)
        for part in value if isinstance(value, tuple) else (value,):
            if is_dataclass(part):
                found |= deadlines(part)
    return found


def _canonical(value: Any) -> Any:  # Any: a record or a part of one
    if isinstance(value, tuple):
        return tuple(_canonical(part) for part in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes: dict[str, Any] = {}
    for name in _names(type(value)):
        old = getattr(value, name)
        new = _canonical_field(value, name, old)
        if new is not old and new != old:
            changes[name] = new
    return replace(value, **changes) if changes else value


def _canonical_field(owner: Any, name: str, value: Any) -> Any:  # Any: a field of any record
    if name in _UNTOLD:
        return _UNTOLD[name]
    if name in _TEXTS or (name == "what" and getattr(owner, "limit_at", None) is not None):
        return "x" if value else ""
    if isinstance(value, datetime):
        return _canonical_time(name, value)
    return _canonical(value)


def _canonical_time(name: str, value: datetime) -> datetime:
    if name in _TOLD_ONLY:
        return NOW
    if name not in DECISIVE:
        raise AssertionError(f"say in kit.checker.records whether {name} decides anything")
    if name in _SINCE:
        return max(value, NOW - LONG)
    return max(value, NOW)


def _shifted(value: Any, by: timedelta) -> Any:  # Any: a record or a part of one
    if isinstance(value, tuple):
        return tuple(_shifted(part, by) for part in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes: dict[str, Any] = {}
    for name in _names(type(value)):
        old = getattr(value, name)
        if isinstance(old, datetime):
            changes[name] = old - by if name in DECISIVE else old
        elif isinstance(old, tuple) or is_dataclass(old):
            changes[name] = _shifted(old, by)
    return replace(value, **changes) if changes else value


def _names(kind: type) -> tuple[str, ...]:
    if kind not in _PLAIN:
        _PLAIN[kind] = tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
    return _PLAIN[kind]


def stale(run: TargetRun) -> TargetRun:
    """The run as somebody remembers it who missed a change."""
    return replace(run, revision=-1)
