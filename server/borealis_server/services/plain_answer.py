"""An ordinary answer in the form of a duplex, for callers that relay both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.domain.errors import InvalidArgument

if TYPE_CHECKING:
    from borealis_server.ports.relay import RelayResponse


class PlainAnswer:
    """Implements `ports.relay.RelayDuplex` for an answer that switches to nothing."""

    is_switched = False

    def __init__(self, response: RelayResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self._chunks = response.chunks()

    async def read(self) -> bytes:
        """The next bytes of the body; empty at its end."""
        return await anext(self._chunks, b"")

    async def write(self, data: bytes) -> None:
        """Nobody writes into an answer."""
        raise InvalidArgument.of("data", f"must not be sent ({len(data)} bytes): the target did not switch protocols")

    def end(self) -> None:
        """There is nothing to end."""
