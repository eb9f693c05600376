"""What a cluster's refusal of an object means, in words that say what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_CONFLICT, _INVALID, _NOT_FOUND = 409, 422, 404
_IMMUTABLE: Final = (
    "field is immutable",
    "may not change once set",
    "is immutable after creation",
    "updates to statefulset spec for fields other than",
    "may not be changed",
)
_BY_MANAGER: Final = 'conflict with "'


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason of a refusal: the field it is about (may be empty), and the API's words."""

    field: str
    message: str


def explained(code: int, causes: Iterable[Cause], detail: str, label: str) -> str:
    """A sentence on why the object `label` was not applied and what to do; empty where the API's own words must do."""
    causes = tuple(causes)
    if code == _CONFLICT and any(_BY_MANAGER in cause.message for cause in causes):
        return _conflict(causes, label)
    fields = [cause.field for cause in causes if any(words in cause.message for words in _IMMUTABLE)]
    if code == _INVALID and fields:
        named = ", ".join(dict.fromkeys(fields))
        return (
            f"{label} cannot be changed in place: {named} is immutable ({causes[0].message}); "
            "give the object another name, or delete it and start again"
        )
    if code == _NOT_FOUND and "namespaces " in detail:
        return f"{label} needs a namespace that does not exist ({detail}): create it, or add it to the manifests"
    return ""


def managers_in(causes: Iterable[Cause]) -> frozenset[str]:
    """The field managers that a conflict names."""
    return frozenset(
        cause.message.partition(_BY_MANAGER)[2].partition('"')[0] for cause in causes if _BY_MANAGER in cause.message
    )


def _conflict(causes: tuple[Cause, ...], label: str) -> str:
    owned: dict[str, list[str]] = {}
    for cause in causes:
        for manager in managers_in([cause]):
            owned.setdefault(manager, []).append(cause.field)
    said = "; ".join(f"{', '.join(fields)} belongs to {manager}" for manager, fields in owned.items())
    return (
        f"{label} has fields of somebody else ({said}): take them out of the manifest, write the values they have, "
        "or let that manager give them up"
    )
