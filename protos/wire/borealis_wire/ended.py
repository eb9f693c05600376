"""Streams that were reset a moment ago: what still comes for them is late, not wrong."""

from __future__ import annotations

from typing import Final

_LARGEST: Final = 4096
"""Ids remembered. Who is forgotten early costs its peer one more frame, no more."""


class ResetMemory:
    """Remembers ids for a while.

    Units: seconds of the caller's clock; each call's `now` is at least that of the call before.
    """

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._until: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._until)

    def remember(self, stream_id: int, now: float) -> None:
        """Expect late frames of a stream."""
        until = self._until
        until.pop(stream_id, None)  # so that the order stays that of expiry
        until[stream_id] = now + self._memory_s
        oldest = next(iter(until))
        if until[oldest] < now or len(until) > _LARGEST:
            del until[oldest]

    def expects(self, stream_id: int, now: float) -> bool:
        """Whether frames of a stream may still be on their way."""
        return self._until.get(stream_id, -1.0) >= now
