"""What running tunnels have done, for whoever measures them. Plain numbers, since every batch touches them."""

from __future__ import annotations

from typing import Final

BATCH_FRAMES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)
"""Upper bounds of `TunnelStats.batches`."""
_BUCKET: Final = tuple(next(n for n, most in enumerate(BATCH_FRAMES) if size <= most) for size in range(1025))


class TunnelStats:
    """Counts of one tunnel, or of several that share it."""

    __slots__ = ("batches", "forgotten_streams", "frames", "received_bytes", "sent_bytes", "stalled_s", "worst_lag_s")

    def __init__(self) -> None:
        self.batches = [0] * len(BATCH_FRAMES)
        """Batches sent, by their number of frames."""
        self.frames = 0
        """Frames sent."""
        self.sent_bytes = 0
        """Bytes of batches sent."""
        self.received_bytes = 0
        """Bytes of batches received."""
        self.stalled_s = 0.0
        """How long streams had data and no credit, all together, in seconds; as often as somebody looked."""
        self.forgotten_streams = 0
        """Streams that one side believed to be live and the other did not know."""
        self.worst_lag_s = 0.0
        """Longest time that the event loop did nothing for us, in seconds, since somebody asked."""

    def count_batch(self, frames: int, size_bytes: int) -> None:
        """A batch was sent."""
        self.batches[_BUCKET[frames]] += 1
        self.frames += frames
        self.sent_bytes += size_bytes

    def take_worst_lag_s(self) -> float:
        """The longest lag since this was asked last."""
        worst, self.worst_lag_s = self.worst_lag_s, 0.0
        return worst
