"""Arithmetic of credit: how far a sender may go, and when a receiver lets it go further. Nothing else.

Credit is absolute: a number of bytes counted from the first byte of the stream. A repeated or late grant does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
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


@dataclass(slots=True, kw_only=True)
class ReceiveWindow:
    """How much the peer may still send on a stream, and what of it still waits to be consumed."""

    limit_bytes: int
    """Granted to the peer, counted from the first byte."""
    received_bytes: int = 0
    consumed_bytes: int = 0

    @property
    def waiting_bytes(self) -> int:
        """Bytes received and not consumed yet."""
        return self.received_bytes - self.consumed_bytes

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
