"""The Kubernetes API behind an agent, on this machine: plain HTTP in, one exchange with the server for each request.

Owns the listener and HTTP/1.1 on it, switches of protocols included. Who may use it is decided by a path that nobody
can guess; what they may do, by the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import h11

from borealis_cli.output import note
from borealis_client import BorealisError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_client import Borealis, KubeExchange

_READ_BYTES: Final = 65536
_SECRET_BYTES: Final = 16
_SWITCHED: Final = 101
_NOT_FOUND: Final = 404
_BAD_GATEWAY: Final = 502
_OWN_FIELDS: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "date"})


class KubeProxy:
    """Serves the connections of one listener."""

    def __init__(self, borealis: Borealis, agent: str) -> None:
        self._borealis = borealis
        self._agent = agent
        self._secret = secrets.token_urlsafe(_SECRET_BYTES)
        self.address = ""
        """URL for Kubernetes clients, once it listens."""

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[None]:
        """Listen while the context is open; port 0 takes a free one. Errors: OSError when it cannot."""
        async with asyncio.TaskGroup() as group:
            open_connections: set[asyncio.Task[None]] = set()

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = group.create_task(self._serve(reader, writer), name="kube.connection")
                open_connections.add(task)
                task.add_done_callback(open_connections.discard)

            server = await asyncio.start_server(accept, host, port)
            try:
                bound_host, bound_port = server.sockets[0].getsockname()[:2]
                shown = f"[{bound_host}]" if ":" in bound_host else bound_host
                self.address = f"http://{shown}:{bound_port}/{self._secret}"
                yield
            finally:
                server.close()
                for task in tuple(open_connections):
                    task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, request after request."""
        client = _Client(reader, writer)
        try:
            while (request := await client.request()) is not None:
                await self._answer(client, request)
                if not client.start_next():
                    break
        except Exception as error:  # noqa: BLE001 - the top of a connection: whatever happens costs this one only
            client.abort()
            cause = _cause(error)
            if not isinstance(cause, ConnectionError | h11.ProtocolError):  # these two are the client's own doing
                note(f"a connection of {self._agent} broke: {cause}")
        finally:
            await client.close()

    async def _answer(self, client: _Client, request: h11.Request) -> None:
        path = request.target.decode("ascii").removeprefix(f"/{self._secret}")
        if len(path) == len(request.target) or not path.startswith("/"):
            if not _has_body(request):  # then the connection can go on
                async for _ in client.body():
                    pass
            await client.fail(
                _NOT_FOUND, "NotFound", "this proxy serves the address in its kubeconfig and nothing else"
            )
            return
        upgrade = _upgrade_of(request)
        try:
            async with self._borealis.kube.exchange(
                self._agent,
                request.method.decode("ascii"),
                path,
                headers=[(name.decode("latin-1"), value) for name, value in request.headers],
                upgrade=upgrade,
                has_body=not upgrade and _has_body(request),
            ) as exchange:
                if upgrade:
                    await _switch(client, exchange)
                else:
                    await _relay(client, exchange, has_body=_has_body(request))
        except (BorealisError, BaseExceptionGroup) as error:
            cause = _cause(error)
            if not isinstance(cause, BorealisError):
                raise
            await client.fail(_BAD_GATEWAY, "InternalError", cause.message)


async def _relay(client: _Client, exchange: KubeExchange, *, has_body: bool) -> None:
    """Body there, answer back; ends when the answer does, or the client is gone."""
    async with asyncio.TaskGroup() as group:
        answer = group.create_task(_bring(client, exchange), name="kube.answer")
        upload = group.create_task(_upload(client, exchange, answer, has_body=has_body), name="kube.upload")
        answer.add_done_callback(lambda _: upload.cancel())
    if answer.cancelled():
        raise ConnectionAbortedError("the client is gone")


async def _bring(client: _Client, exchange: KubeExchange) -> None:
    await exchange.answered()
    await _pass_on(client, exchange)


async def _pass_on(client: _Client, exchange: KubeExchange) -> None:
    await client.begin(exchange.status, exchange.headers)
    while data := await exchange.read():
        await client.send(h11.Data(data=data))
    await client.send(h11.EndOfMessage())


async def _upload(client: _Client, exchange: KubeExchange, answer: asyncio.Task[None], *, has_body: bool) -> None:
    """Send the body, then wait for the client to leave."""
    async for data in client.body():
        await exchange.write(data)
    if has_body:
        await exchange.end()
    await client.gone()
    answer.cancel()


async def _switch(client: _Client, exchange: KubeExchange) -> None:
    """Bytes both ways, once the cluster has switched; else its ordinary answer."""
    async for _ in client.body():
        raise h11.RemoteProtocolError("a request that asks to switch protocols has no body")
    await exchange.answered()
    if exchange.status != _SWITCHED:
        await _pass_on(client, exchange)
        return
    await client.switch(exchange.headers)
    async with asyncio.TaskGroup() as group:
        there = group.create_task(_send_raw(client, exchange), name="kube.there")
        while data := await exchange.read():
            await client.send_raw(data)
        there.cancel()


async def _send_raw(client: _Client, exchange: KubeExchange) -> None:
    while data := await client.raw():
        await exchange.write(data)
    await exchange.end()


class _Client:
    """HTTP/1.1 on one connection, from the server's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._is_raw = False

    async def request(self) -> h11.Request | None:
        """The next request; None when the client has no more."""
        event = await self._next()
        return event if isinstance(event, h11.Request) else None

    async def body(self) -> AsyncIterator[bytes]:
        """The request's body as it comes."""
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    async def gone(self) -> None:
        """Wait until the client closes the connection. What it sends ahead of its time is kept for later."""
        while data := await self._reader.read(_READ_BYTES):
            self._http.receive_data(data)
            if len(self._http.trailing_data[0]) > _READ_BYTES:
                raise ConnectionAbortedError("the client sends without waiting for answers")

    async def begin(self, status: int, headers: tuple[tuple[str, bytes], ...]) -> None:
        """Send the head of an answer."""
        fields = [(name.encode("latin-1"), value) for name, value in headers if name not in _OWN_FIELDS]
        await self.send(h11.Response(status_code=status, headers=fields))

    async def send(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> None:
        """Send a part of the answer; waits while the client takes no more."""
        if data := self._http.send(event):
            await self.send_raw(data)

    async def fail(self, status: int, reason: str, message: str) -> None:
        """Answer with a Kubernetes `Status`; breaks the connection off where an answer has begun."""
        if self._is_raw or self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            raise ConnectionAbortedError(message)
        document = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": status,
        }
        body = json.dumps(document).encode()
        fields = (("content-type", b"application/json"), ("content-length", str(len(body)).encode()))
        await self.begin(status, fields)
        await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())

    async def switch(self, headers: tuple[tuple[str, bytes], ...]) -> None:
        """Send the head of a switch; from here there is no HTTP on the connection."""
        self._is_raw = True
        fields = [(name.encode("latin-1"), value) for name, value in headers if name != "content-length"]
        if "connection" not in dict(headers):
            fields.append((b"connection", b"Upgrade"))
        data = self._http.send(h11.InformationalResponse(status_code=_SWITCHED, headers=fields))
        await self.send_raw(data or b"")

    async def raw(self) -> bytes:
        """The next bytes after a switch, those that came with the head first; empty at their end."""
        waiting, _ = self._http.trailing_data
        if waiting and self._is_raw:
            self._http = h11.Connection(h11.SERVER)
            return waiting
        return await self._reader.read(_READ_BYTES)

    async def send_raw(self, data: bytes) -> None:
        """Send bytes; waits while the client takes no more."""
        self._writer.write(data)
        await self._writer.drain()

    def start_next(self) -> bool:
        """Whether another request may follow on this connection."""
        if self._is_raw or {self._http.our_state, self._http.their_state} != {h11.DONE}:
            return False
        self._http.start_next_cycle()
        return True

    def abort(self) -> None:
        """Break the connection off, so that nobody takes what was sent for all of it."""
        with contextlib.suppress(AttributeError):  # of a transport that is closed already, in Python 3.11.2
            self._writer.transport.abort()

    async def close(self) -> None:
        """Close the connection after what was written."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _next(self) -> object:
        """The next event of the request."""
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self.send_raw(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event


def _upgrade_of(request: h11.Request) -> str:
    named = dict(request.headers)
    tokens = [token.strip().lower() for token in named.get(b"connection", b"").split(b",")]
    return named.get(b"upgrade", b"").decode("latin-1") if b"upgrade" in tokens else ""


def _has_body(request: h11.Request) -> bool:
    named = dict(request.headers)
    return b"transfer-encoding" in named or named.get(b"content-length", b"0") != b"0"


def _cause(error: BaseException) -> BaseException:
    """The first error in the wrapping of task groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
