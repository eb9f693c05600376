"""What carries the frames of a tunnel, seen from one side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis.tunnel.v1 import tunnel_pb2 as pb


class LaneLost(Exception):  # noqa: N818 - it is an outcome
    """The lane broke; the text says how, for people."""


class Lane(Protocol):
    """Batches of frames both ways. One task reads, one task writes.

    Errors: LaneLost from all methods once the lane is broken.
    """

    async def read(self) -> Sequence[pb.Frame] | None:
        """The next batch; None when the peer ended its side."""
        ...

    async def write(self, frames: Sequence[pb.Frame]) -> None:
        """Send one batch."""
        ...

    async def finish(self) -> None:
        """Say that no more batches follow."""
        ...
