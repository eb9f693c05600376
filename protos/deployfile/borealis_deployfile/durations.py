"""Durations as the deploy file writes them: a number and a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code
from borealis_deployfile.language.durations import DURATION, LONGEST_S

if TYPE_CHECKING:
    from borealis_deployfile.language.shapes import Shape
    from borealis_deployfile.reader import Place, Reader

UNIT_SECONDS: Final = {"seconds": 1, "minutes": 60, "hours": 3600}
"""Seconds in a unit."""


def read_duration(reader: Reader, place: Place, what: str, shape: Shape = DURATION) -> float | None:
    """The seconds that a map of `duration` and `unit` means; both are required."""
    fields = reader.fields(place, shape)
    if fields is None:
        return None
    for name in ("duration", "unit"):
        if name not in fields:
            reader.missing(place, name, what)
    if len(fields) < len(shape.fields):
        return None
    return duration_s(reader, fields["duration"], fields["unit"], what)


def duration_s(reader: Reader, amount: Place, unit: Place, what: str) -> float | None:
    """The seconds that an amount of a unit means: at least 1, at most a year."""
    number = reader.integer(amount, f"the duration of {what}", "write a number, and the unit beside it")
    unit_s = _unit_s(reader, unit)
    if number is None or unit_s is None:
        return None
    if number < 1:
        reader.fault(Code.INVALID_VALUE, amount, f"the duration of {what} must be at least 1, not {number}")
        return None
    if number * unit_s > LONGEST_S:
        reader.fault(Code.INVALID_VALUE, amount, f"the duration of {what} is longer than a year")
        return None
    return float(number * unit_s)


def _unit_s(reader: Reader, unit: Place) -> int | None:
    text = reader.text(unit, "a unit")
    if text is None:
        return None
    unit_s = UNIT_SECONDS.get(text.lower())
    if unit_s is None:
        reader.fault(Code.INVALID_VALUE, unit, f'"{text}" is not a unit', "write seconds, minutes or hours")
    return unit_s
