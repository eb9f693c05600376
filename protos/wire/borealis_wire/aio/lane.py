"""What carries the batches of a tunnel, seen from one side."""

from __future__ import annotations

from typing import Protocol


class LaneLost(Exception):  # noqa: N818 - it is an outcome
    """The lane broke; the text says how, for people."""


class Lane(Protocol):
    """Batches both ways: `LaneRequest` and `LaneResponse`, serialised. One task reads, one task writes.

    Errors: LaneLost from all methods once the lane is broken.
    """

    async def read(self) -> bytes | None:
        """The next batch, as it came; None when the peer ended its side."""
        ...

    async def write(self, batch: bytes) -> None:
        """Send one batch."""
        ...

    async def finish(self) -> None:
        """Say that no more batches follow."""
        ...
