"""The answer to a call that went through a tunnel."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from borealis_server.adapters.relay.failures import to_domain
from borealis_server.domain.errors import RelayRefused
from borealis_wire.aio.stream import StreamError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis.tunnel.v1 import tunnel_pb2 as pb
    from borealis_server.ports.relay import AgentRef
    from borealis_wire.aio.stream import LiveStream


class TunnelResponse:
    """Head of an answer, and its body as the stream brings it."""

    def __init__(self, agent: AgentRef, stream: LiveStream, opened: pb.Opened, *, idle_timeout_s: float) -> None:
        self.status: int = opened.http.status
        self._agent = agent
        self._stream = stream
        self._head = opened.http
        self._idle_timeout_s = idle_timeout_s

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Header fields of the answer; names in lower case."""
        return tuple((header.name.lower(), header.value.decode("latin-1")) for header in self._head.headers)

    async def read(self, limit_bytes: int = 64 * 2**20) -> bytes:
        """The whole body."""
        parts: list[bytes] = []
        size = 0
        while data := await self._next():
            size += len(data)
            if size > limit_bytes:
                detail = f"the answer has more than {limit_bytes} bytes"
                raise RelayRefused(self._agent.name, "TOO_LARGE", detail, dispatched=True)
            parts.append(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while data := await self._next():
            yield data

    async def _next(self) -> bytes:
        try:
            if self._stream.is_readable:  # no time limit to set up where nothing is waited for
                return await self._stream.read()
            async with asyncio.timeout(self._idle_timeout_s):
                return await self._stream.read()
        except StreamError as error:
            raise to_domain(self._agent, error) from error
        except TimeoutError as error:
            detail = f"nothing came for {self._idle_timeout_s:g} s"
            raise RelayRefused(self._agent.name, "IDLE", detail, dispatched=True) from error
