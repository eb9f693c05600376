"""grpclib's channel, with an end that one can wait for: its own `close` returns while sockets are still open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from grpclib.client import Channel, Handler
from grpclib.protocol import H2Protocol

if TYPE_CHECKING:
    import ssl

    from borealis_client.settings import ServerAddress

_FAREWELL_LIMIT_S: Final = 0.1


class WaitableChannel(Channel):
    """A channel to one server that knows its connections until they are gone."""

    def __init__(self, server: ServerAddress, tls: ssl.SSLContext) -> None:
        super().__init__(server.host, server.port, ssl=tls)
        self._protocols: set[_WaitableProtocol] = set()

    async def aclose(self) -> None:
        """Returns once every connection is closed; one whose other end does not say goodbye is cut."""
        self.close()
        for protocol in tuple(self._protocols):
            await protocol.gone()

    def _protocol_factory(self) -> H2Protocol:
        # Not public in grpclib, which offers no other way to see the end of a connection.
        protocol = _WaitableProtocol(Handler(), self._config, self._h2_config)
        protocol.owner = self._protocols
        return protocol


class _WaitableProtocol(H2Protocol):
    owner: set[_WaitableProtocol]
    _transport: asyncio.Transport
    _lost: asyncio.Event

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # what asyncio makes for TCP
        self._lost = asyncio.Event()
        self.owner.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self.owner.discard(self)
        self._lost.set()

    async def gone(self) -> None:
        try:
            async with asyncio.timeout(_FAREWELL_LIMIT_S):
                await self._lost.wait()
        except TimeoutError:
            self._transport.abort()
            await self._lost.wait()
