"""The nearest of several names, for messages that say what somebody may have meant."""

from __future__ import annotations

import difflib
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEAST_LIKENESS: Final = 0.6
_MOST_NAMES: Final = 8
_LONGEST_WORD: Final = 100
_MOST_CANDIDATES: Final = 300


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """A question that names the nearest of `names`; else a list of them; empty when there are none."""
    known = list(names)
    nearest = nearest_name(word, known)
    if nearest is not None:
        return f'did you mean "{nearest}"?'
    return f"there is: {listed(known)}" if known else ""


def nearest_name(word: str, names: Iterable[str]) -> str | None:
    """The name that looks most like `word`, if any looks like it; upper and lower case are alike."""
    if len(word) > _LONGEST_WORD:
        return None
    by_lower = {name.lower(): name for name in islice(names, _MOST_CANDIDATES)}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=_LEAST_LIKENESS)
    return by_lower[found[0]] if found else None


def listed(names: Iterable[str]) -> str:
    """The names in quotes, cut after a few."""
    known = [f'"{name}"' for name in names]
    return ", ".join([*known[:_MOST_NAMES], "..."] if len(known) > _MOST_NAMES else known)
