"""Words, durations and lines made of styled pieces; nothing from outside reaches the terminal as a control sequence."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime
    from enum import Enum

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86400


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line. Styles are our own words: ok, busy, wait, bad, quiet, bold."""

    text: str
    style: str = ""


Line = tuple[Span, ...]
"""One line of output."""


def plain(line: Line) -> str:
    """The line without styles."""
    return "".join(span.text for span in line).rstrip()


def printable(text: str) -> str:
    """`text` without control characters other than line breaks: messages may quote what strangers wrote."""
    return "".join(one if _is_harmless(one) else "\N{REPLACEMENT CHARACTER}" for one in text)


def one_line(text: str) -> str:
    """`text` on one line."""
    return printable(" ".join(text.split()))


def width(text: str) -> int:
    """Columns that `text` takes in a terminal."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text
    )


def fit(line: Line, columns: int, *, ellipsis: str) -> Line:
    """The line cut to `columns`, the cut marked."""
    if sum(width(span.text) for span in line) <= columns:
        return line
    left = columns - width(ellipsis)
    kept: list[Span] = []
    for span in line:
        text = ""
        for one in span.text:
            left -= width(one)
            if left < 0:
                return (*kept, Span(text + ellipsis, span.style))
            text += one
        kept.append(Span(text, span.style))
    return tuple(kept)


def word(state: Enum) -> str:
    """A state for people: `AWAITING APPROVAL`; what is newer than this client keeps its number."""
    return state.name.replace("_", " ") if state.name else f"UNKNOWN ({state.value})"


def duration(seconds: float) -> str:
    """The two largest units: `48s`, `6m12s`, `2h05m`, `3d04h`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE_S:
        return f"{whole}s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}m{whole % _MINUTE_S:02}s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S}h{whole % _HOUR_S // _MINUTE_S:02}m"
    return f"{whole // _DAY_S}d{whole % _DAY_S // _HOUR_S:02}h"


def elapsed(start: datetime | None, end: datetime | None, now: datetime) -> str:
    """How long it took, or takes so far; empty before the start."""
    return duration(((end or now) - start).total_seconds()) if start else ""


def timestamp(moment: datetime) -> str:
    """UTC to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def short_id(name: str) -> str:
    """The last segment of a resource name."""
    return name.rsplit("/", 1)[-1]


def _is_harmless(one: str) -> bool:
    return one == "\n" or not unicodedata.category(one).startswith("C")


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 target`, `3 targets`."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
