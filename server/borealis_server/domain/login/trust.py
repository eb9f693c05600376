"""Whether a token of another issuer says what a rule asks for. Pure; that the token is genuine was checked before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def is_met(conditions: Mapping[str, Sequence[str]], claims: Mapping[str, object]) -> bool:
    """Whether for each claim one of its patterns fits; without any condition nothing is met."""
    return bool(conditions) and all(
        any(_fits(pattern, value) for pattern in patterns for value in _texts(claims.get(claim)))
        for claim, patterns in conditions.items()
    )


def _fits(pattern: str, value: str) -> bool:
    parts = re.split(r"(\*\*|\*)", pattern)
    known = {"**": ".*", "*": "[^/]*"}
    return re.fullmatch("".join(known.get(part) or re.escape(part) for part in parts), value, re.DOTALL) is not None


def _texts(value: object) -> tuple[str, ...]:
    """A claim as texts: numbers and booleans as JSON writes them, lists by their members."""
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, str | int):
        return (str(value),)
    if isinstance(value, list):
        return tuple(one for one in value if isinstance(one, str))
    return ()
