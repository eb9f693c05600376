"""The answer to a call that went through a tunnel: a response, or bytes both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.adapters.relay.failures import to_domain
from borealis_server.domain.errors import RelayRefused
from borealis_wire.aio.stream import StreamError
from borealis_wire.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis.tunnel.v1 import tunnel_pb2 as pb
    from borealis_server.ports.relay import AgentRef
    from borealis_wire.aio.stream import LiveStream


class _Reader:
    """Reads what the stream brings."""

    __slots__ = ("_agent", "_idle_timeout_s", "_stream")

    def __init__(self, agent: AgentRef, stream: LiveStream, idle_timeout_s: float) -> None:
        self._agent = agent
        self._stream = stream
        self._idle_timeout_s = idle_timeout_s or None

    async def next(self) -> bytes:
        """The next piece; empty at the end."""
        try:
            return await self._stream.read(self._idle_timeout_s)
        except StreamError as error:
            raise to_domain(self._agent, error) from error
        except TimeoutError as error:
            detail = f"nothing came for {self._idle_timeout_s:g} s"
            raise RelayRefused(self._agent.name, "IDLE", detail, dispatched=True) from error


class TunnelResponse:
    """Head of an answer, and its body as the stream brings it."""

    __slots__ = ("_agent", "_head", "_reader", "status")

    def __init__(self, agent: AgentRef, stream: LiveStream, opened: pb.Opened, idle_timeout_s: float) -> None:
        self._agent = agent
        self._head = opened.http
        self._reader = _Reader(agent, stream, idle_timeout_s)
        self.status: int = self._head.status

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Header fields of the answer; names in lower case."""
        return _headers(self._head)

    async def read(self, limit_bytes: int = 64 * 2**20) -> bytes:
        """The whole body."""
        parts: list[bytes] = []
        size = 0
        while data := await self._reader.next():
            size += len(data)
            if size > limit_bytes:
                detail = f"the answer has more than {limit_bytes} bytes"
                raise RelayRefused(self._agent.name, "TOO_LARGE", detail, dispatched=True)
            parts.append(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while data := await self._reader.next():
            yield data


class TunnelDuplex:
    """Bytes both ways over a stream."""

    __slots__ = ("_agent", "_head", "_reader", "_stream", "is_switched", "status")

    def __init__(self, agent: AgentRef, stream: LiveStream, opened: pb.Opened, idle_timeout_s: float) -> None:
        self._agent = agent
        self._stream = stream
        self._head = opened.http
        self._reader = _Reader(agent, stream, idle_timeout_s)
        self.status: int = self._head.status
        self.is_switched = opened.switched or not opened.HasField("http")

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Header fields of the answer; names in lower case."""
        return _headers(self._head)

    async def read(self) -> bytes:
        """The next bytes from the target; empty once it has sent all."""
        return await self._reader.next()

    async def write(self, data: bytes) -> None:
        """Send bytes to the target; waits while the tunnel has no room for them."""
        if not self.is_switched:
            detail = f"the target answered {self.status} and did not switch protocols"
            raise RelayRefused(self._agent.name, "PROTOCOL", detail, dispatched=True)
        try:
            await self._stream.send(data)
        except StreamError as error:
            raise to_domain(self._agent, error) from error
        except LocalProtocolError as error:
            raise RelayRefused(self._agent.name, "PROTOCOL", str(error), dispatched=True) from error

    def end(self) -> None:
        """Send no more bytes. Nothing happens if the stream has ended."""
        self._stream.end_if_open()


def _headers(head: pb.HttpResponse) -> tuple[tuple[str, str], ...]:
    return tuple((header.name.lower(), header.value.decode("latin-1")) for header in head.headers)
