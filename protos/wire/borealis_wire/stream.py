"""One stream inside a tunnel: its two windows, what waits to be sent, and which ends are still open.

Decides nothing about other streams; the order in which streams send is the outbox's.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from borealis.tunnel.v1 import tunnel_pb2 as pb
    from borealis_wire.window import ReceiveWindow, SendWindow


class Rank(IntEnum):
    """Who goes first, as an index of the outbox's lines."""

    INTERACTIVE = 0
    NORMAL = 1
    BULK = 2


class Stream:
    """State of one stream on one side.

    Shape: `head` goes out before data, data before the end. Once `is_ending`, nothing is added.
    """

    __slots__ = (
        "deficit_bytes",
        "head",
        "id",
        "is_answered",
        "is_ending",
        "is_opener",
        "is_queued",
        "is_received",
        "is_sent",
        "mode",
        "pending_bytes",
        "pieces",
        "rank",
        "receiving",
        "sending",
        "stalled_at",
        "trailers",
    )

    def __init__(
        self, stream_id: int, *, mode: str, rank: Rank, is_opener: bool, sending: SendWindow, receiving: ReceiveWindow
    ) -> None:
        self.id = stream_id
        self.mode = mode
        """`http`, `upgrade` or `tcp`."""
        self.rank = rank
        """Who goes first."""
        self.is_opener = is_opener
        """Whether this side opened it."""
        self.sending = sending
        self.receiving = receiving
        self.head: bytes | None = None
        """Open (of the opener) or Opened (of the acceptor) that waits to be sent, serialised."""
        self.pieces: deque[bytes | memoryview] = deque()
        """Data that waits to be sent."""
        self.pending_bytes = 0
        """Size of `pieces`."""
        self.trailers: tuple[pb.HttpHeader, ...] = ()
        """Go out with the end."""
        self.deficit_bytes = 0
        """Bytes left of its turn (above 0), or sent beyond earlier turns (below 0)."""
        self.stalled_at: float | None = None
        """Since when data waits for the peer's credit, as far as somebody looked; None if none does."""
        self.is_answered = False
        """Whether Opened was received (by the opener) or is on its way (from the acceptor)."""
        self.is_ending = False
        """Whether the local side has given all its data."""
        self.is_sent = False
        """Whether the end of the local data has gone out."""
        self.is_received = False
        """Whether the end of the peer's data has come in."""
        self.is_queued = False
        """Whether it stands in one of the outbox's lines."""

    @property
    def is_over(self) -> bool:
        """Whether both directions have ended."""
        return self.is_sent and self.is_received

    @property
    def is_stalled(self) -> bool:
        """Whether data waits for nothing but the peer's credit."""
        return self.pending_bytes > 0 and self.head is None and self.sending.available_bytes == 0

    @property
    def has_turn(self) -> bool:
        """Whether something can go out now."""
        if self.head is not None:
            return True
        if self.pending_bytes:
            return self.sending.available_bytes > 0
        return self.is_ending and not self.is_sent

    def add(self, data: bytes | memoryview) -> None:
        """Append data to what waits to be sent."""
        self.pieces.append(data)
        self.pending_bytes += len(data)

    def take(self, size_bytes: int) -> bytes:
        """Remove up to `size_bytes` of what waits and spend credit for it. The caller has checked the credit."""
        if not size_bytes:
            return b""
        taken: list[bytes | memoryview] = []
        left = size_bytes
        while left and self.pieces:
            piece = self.pieces.popleft()
            if len(piece) > left:
                whole = memoryview(piece)  # a view: cutting a large body must not copy its rest each time
                self.pieces.appendleft(whole[left:])
                piece = whole[:left]
            taken.append(piece)
            left -= len(piece)
        data = b"".join(taken)  # copies nothing if it is one object of type bytes
        self.pending_bytes -= len(data)
        self.sending.spend(len(data))
        return data

    def drop(self) -> None:
        """Forget what waits to be sent, so that it has no turn any more."""
        self.head = None
        self.pieces.clear()
        self.pending_bytes = 0
        self.is_ending = False
