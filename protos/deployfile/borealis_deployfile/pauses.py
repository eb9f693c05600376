"""Pauses of a deploy file: for a time, or until a person approves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.durations import duration_s, read_duration
from borealis_deployfile.faults import Code
from borealis_deployfile.language.durations import EXPIRATION
from borealis_deployfile.language.steps import PAUSE
from borealis_deployfile.model import Pause
from borealis_deployfile.reader import is_blank

if TYPE_CHECKING:
    from borealis_deployfile.model import Origin
    from borealis_deployfile.reader import Place, Reader

_EXPIRY: Final = "approvalExpiration"
_ROLES: Final = "requiresRoles"


def read_pause(reader: Reader, place: Place, origin: Origin) -> Pause | None:
    """The pause at the place, or None with its faults noted; `origin` is where its step starts."""
    fields = reader.fields(place, PAUSE)
    if fields is None:
        return None
    errors_before = reader.errors
    is_approval = "untilApproved" in fields and reader.boolean(fields["untilApproved"], "untilApproved")
    expiry = fields.get(_EXPIRY)
    expires_after_s = read_duration(reader, expiry, _EXPIRY, EXPIRATION) if expiry else None
    waits_s = _timed_s(reader, fields)
    roles = _roles(reader, fields.get(_ROLES))
    if is_approval is not None:
        _check_form(reader, place, fields, is_approval=is_approval)
    if is_approval is None or reader.errors > errors_before:
        return None
    return Pause(
        duration_s=waits_s,
        until_approved=is_approval,
        requires_roles=roles,
        expires_after_s=expires_after_s,
        origin=origin,
        roles_origin=reader.origin(fields[_ROLES]) if roles else None,
    )


def _timed_s(reader: Reader, fields: dict[str, Place]) -> float | None:
    amount, unit = fields.get("duration"), fields.get("unit")
    if amount is not None and unit is not None:
        return duration_s(reader, amount, unit, "a pause")
    if amount is not None:
        message = "a pause with a duration needs a unit"
        reader.fault(Code.PAUSE_INVALID, amount, message, "write unit: seconds, minutes or hours")
    if unit is not None:
        reader.fault(Code.PAUSE_INVALID, unit, "a pause with a unit needs a duration", "write how many, as a number")
    return None


def _roles(reader: Reader, place: Place | None) -> tuple[str, ...]:
    if place is None:
        return ()
    if is_blank(place.node):
        message = "an empty list of roles is ambiguous: it may mean nobody or anybody"
        reader.fault(Code.PAUSE_INVALID, place, message, "name a role, or leave it out so that anybody may approve")
        return ()
    return tuple(word.text for word in reader.words(place, f"`{_ROLES}`"))


def _check_form(reader: Reader, place: Place, fields: dict[str, Place], *, is_approval: bool) -> None:
    is_timed = "duration" in fields or "unit" in fields
    if is_approval and is_timed:
        message = "a pause is either timed or until approved, not both"
        reader.fault(Code.PAUSE_INVALID, place, message, f"to limit the wait for an approval, write `{_EXPIRY}`")
    if not is_approval and not is_timed:
        message = "a pause needs a duration and a unit, or `untilApproved: true`"
        reader.fault(Code.PAUSE_INVALID, place, message, "write for example `pause: {duration: 5, unit: minutes}`")
    for name in (_EXPIRY, _ROLES):
        if name in fields and not is_approval:
            message = f"`{name}` is only for a pause that waits for an approval"
            reader.fault(Code.PAUSE_INVALID, fields[name], message, "add `untilApproved: true`")
