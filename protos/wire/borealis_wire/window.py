"""Arithmetic of credit: how far a sender may go, and when a receiver lets it go further. Nothing else.

Credit is absolute: a number of bytes counted from the first byte of the stream. A repeated or late grant does no harm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class SendWindow:
    """How much may still be sent on a stream."""

    limit_bytes: int
    """Granted by the peer, counted from the first byte."""
    sent_bytes: int = 0

    @property
    def available_bytes(self) -> int:
        """Bytes that may be sent now; never below 0."""
        return self.limit_bytes - self.sent_bytes

    def spend(self, size_bytes: int) -> None:
        """Note that `size_bytes` were sent. The caller never sends more than `available_bytes`."""
        assert size_bytes <= self.available_bytes, "sent beyond the credit"  # noqa: S101 - an invariant of ours
        self.sent_bytes += size_bytes

    def raise_to(self, limit_bytes: int) -> bool:
        """Take a grant of the peer; says whether it allows more than before."""
        if limit_bytes <= self.limit_bytes:
            return False
        self.limit_bytes = limit_bytes
        return True


@dataclass(slots=True)
class ReceiveWindow:
    """How much the peer may still send on a stream, and what of it still waits to be consumed."""

    limit_bytes: int
    """Granted to the peer, counted from the first byte."""
    window_bytes: int
    """What the peer may send before the first of it was consumed. Grows while that is what holds it up."""
    received_bytes: int = 0
    consumed_bytes: int = 0
    granted_at: float = -math.inf
    """When the last grant was made, by the clock of whoever makes them, in seconds."""

    @property
    def waiting_bytes(self) -> int:
        """Bytes received and not consumed yet."""
        return self.received_bytes - self.consumed_bytes

    @property
    def open_bytes(self) -> int:
        """Bytes that are, or may yet come to be, held here."""
        return self.limit_bytes - self.consumed_bytes

    @property
    def is_starved(self) -> bool:
        """Whether the peer used all its credit and everything was consumed: both wait for a grant to travel."""
        return self.received_bytes == self.limit_bytes == self.consumed_bytes

    def accept(self, size_bytes: int) -> bool:
        """Note that `size_bytes` arrived; False if the peer had no credit for them."""
        if self.received_bytes + size_bytes > self.limit_bytes:
            return False
        self.received_bytes += size_bytes
        return True

    def consume(self, size_bytes: int) -> None:
        """Note that the sink took `size_bytes`. It never takes more than waits."""
        assert size_bytes <= self.waiting_bytes, "consumed more than was received"  # noqa: S101 - an invariant of ours
        self.consumed_bytes += size_bytes

    def next_limit(self, window_bytes: int) -> int | None:
        """The grant to send for a window of `window_bytes`; None while it would add less than a quarter of it."""
        limit = self.consumed_bytes + window_bytes
        if limit - self.limit_bytes < window_bytes // 4:
            return None
        self.limit_bytes = limit
        return limit


def grown(window_bytes: int, *, round_trip_s: float, largest_bytes: int, bytes_per_s: int) -> int:
    """The window after a stream was held up by it: twice as large while the way is long enough for that to help.

    A window passes once in a round trip, so above `round_trip_s * bytes_per_s` it is not what limits a tunnel that
    moves at most `bytes_per_s`. A limit that knows round trips alone stops at twice the first window (go-yamux #136).
    """
    useful_bytes = min(largest_bytes, int(round_trip_s * bytes_per_s))
    return max(window_bytes, min(2 * window_bytes, useful_bytes))


class ReceiveBudget:
    """Bytes that peers may make this side hold: credit granted and not consumed. It may be part of a `whole`."""

    __slots__ = ("_limit_bytes", "_used_bytes", "_whole")

    def __init__(self, limit_bytes: int, whole: ReceiveBudget | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._whole = whole

    @property
    def used_bytes(self) -> int:
        """What is granted now."""
        return self._used_bytes

    def add(self, size_bytes: int) -> None:
        """Count more, or with a number below 0 less."""
        self._used_bytes += size_bytes
        if self._whole is not None:
            self._whole.add(size_bytes)

    def has_room_for(self, size_bytes: int) -> bool:
        """Whether so much more may be granted."""
        if self._used_bytes + size_bytes > self._limit_bytes:
            return False
        return self._whole is None or self._whole.has_room_for(size_bytes)
