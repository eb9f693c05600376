"""When signing keys change: which one signs, which ones are shown, when a new one is due, which ones may go.

Pure. A new key is shown for a while before it signs, so that nobody who keeps our keys meets a token of an unknown one;
an old one is shown for as long as a token of it may live.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySchedule:
    """How long keys do what."""

    signs_for: timedelta
    """How long a key signs."""
    shown_before: timedelta
    """How long it is shown before that."""
    shown_after: timedelta
    """How long it is shown afterwards: the longest life of a token, and then some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDuties:
    """What each key does at one moment; keys are named by when they were made."""

    signing: datetime
    """The one that signs."""
    shown: tuple[datetime, ...]
    """Those that tokens may be checked with, oldest first."""
    is_new_one_due: bool
    """Whether it is time to make another one."""


def duties(made_at: Iterable[datetime], now: datetime, schedule: KeySchedule) -> KeyDuties:
    """What the keys that were made at these moments do now. Errors: ValueError when there is none."""
    keys = sorted(made_at)
    if not keys:
        raise ValueError("there is no signing key")
    ripe = [key for key in keys[1:] if key + schedule.shown_before <= now]
    signing = ripe[-1] if ripe else keys[0]
    began = keys[0] if signing == keys[0] else signing + schedule.shown_before
    shown = tuple(
        key
        for key, successor in zip(keys, [*keys[1:], None], strict=True)
        if successor is None or now < successor + schedule.shown_before + schedule.shown_after
    )
    is_due = keys[-1] == signing and now >= began + schedule.signs_for - schedule.shown_before
    return KeyDuties(signing=signing, shown=shown, is_new_one_due=is_due)
