"""One stream inside a tunnel: its two windows, what waits to be sent, and which ends are still open.

Decides nothing about other streams; the order in which streams send is the outbox's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from borealis.tunnel.v1 import tunnel_pb2 as pb
    from borealis_wire.window import ReceiveWindow, SendWindow


@dataclass(slots=True, kw_only=True, eq=False)
class Stream:
    """State of one stream on one side.

    Shape: `head` goes out before data, data before the end. Once `is_ending`, nothing is added.
    """

    id: int
    sending: SendWindow
    receiving: ReceiveWindow
    is_urgent: bool = False
    """Whether somebody waits for each byte."""
    head: pb.Frame | None = None
    """Open or Opened that waits to be sent."""
    pieces: deque[bytes | memoryview] = field(default_factory=deque)
    """Data that waits to be sent."""
    pending_bytes: int = 0
    """Size of `pieces`."""
    trailers: tuple[pb.HttpHeader, ...] = ()
    """Go out with the end."""
    is_answered: bool = False
    """Whether Opened was received (by the opener) or is on its way (from the acceptor)."""
    is_ending: bool = False
    """Whether the local side has given all its data."""
    is_sent: bool = False
    """Whether the end of the local data has gone out."""
    is_received: bool = False
    """Whether the end of the peer's data has come in."""
    is_queued: bool = False
    """Whether it stands in the outbox's line."""

    @property
    def is_over(self) -> bool:
        """Whether both directions have ended."""
        return self.is_sent and self.is_received

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
        """Forget what waits to be sent."""
        self.head = None
        self.pieces.clear()
        self.pending_bytes = 0
