"""Kubernetes APIs behind agents: where clients find them, and single HTTP exchanges with them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from borealis_client._generated.borealis.kube.v1 import (
    ExchangeRequest,
    ExchangeResponse,
    KubeHeader,
    KubeRequest,
)
from borealis_client.access_token import AccessToken
from borealis_client.errors import BorealisError, ServerError, ServerUnreachableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from borealis_client.transport import DuplexCall, Transport

_ROUTE: Final = "/borealis.kube.v1.KubeService/Exchange"
_PIECE_BYTES: Final = 65536
_RENEW_EVERY_S: Final = 30.0


class Kube:
    """The Kubernetes APIs of the caller's tenant. Agents by their short names."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def token(self) -> AccessToken:
        """A token that is good now."""
        return AccessToken.parse(await self._transport.token())

    async def url(self, agent: str) -> str:
        """Where Kubernetes clients find the API behind the agent; they need a token, and the server's authority."""
        issuer = (await self.token()).issuer.rstrip("/")
        return f"{issuer}/kube/{quote(agent, safe='')}"

    @asynccontextmanager
    async def exchange(
        self,
        agent: str,
        method: str,
        path: str,
        *,
        headers: Iterable[tuple[str, bytes]] = (),
        upgrade: str = "",
        has_body: bool = False,
    ) -> AsyncGenerator[KubeExchange, None]:
        """One HTTP exchange; leaving it ends it on all sides.

        Shape: `agent` is a resource name; `path` goes out as it is, percent-encoded. With `upgrade` the request asks to
        switch to that protocol. A newer token follows by itself where the exchange outlives one.
        """
        request = KubeRequest(
            agent=agent,
            method=method,
            path=path,
            headers=[KubeHeader(name=name, value=value) for name, value in headers],
            upgrade=upgrade,
            has_body=has_body,
        )
        async with self._transport.duplex(_ROUTE, ExchangeRequest, ExchangeResponse) as call:
            await call.send(ExchangeRequest(request=request))
            try:
                async with asyncio.TaskGroup() as group:
                    renewal = group.create_task(self._keep_authority(call), name="kube.token")
                    try:
                        yield KubeExchange(call)
                    finally:
                        renewal.cancel()
            except BaseExceptionGroup as wrapped:
                # A task group wraps even what its own body raises, and the other task raises nothing.
                raise wrapped.exceptions[0] from None

    async def _keep_authority(self, call: DuplexCall[ExchangeRequest, ExchangeResponse]) -> None:
        sent = await self._transport.token()
        while True:
            await asyncio.sleep(_RENEW_EVERY_S)
            try:
                token = await self._transport.token()
                if token != sent:
                    await call.send(ExchangeRequest(token=token))
                    sent = token
            except BorealisError:
                continue  # the exchange itself will tell, or the next round succeed


class KubeExchange:
    """One HTTP exchange with a cluster.

    Errors: those of calls, from everything that waits; once `status` is known they mean that the answer broke off.
    """

    def __init__(self, call: DuplexCall[ExchangeRequest, ExchangeResponse]) -> None:
        self._call = call
        self._has_ended = False
        self.status = 0
        """HTTP status; 0 before `answered`, 101 after a switch of protocols."""
        self.headers: tuple[tuple[str, bytes], ...] = ()
        """Header fields of the answer, names in lower case."""

    async def write(self, data: bytes) -> None:
        """Send body, or bytes after a switch of protocols."""
        for start in range(0, len(data), _PIECE_BYTES):
            await self._call.send(ExchangeRequest(data=data[start : start + _PIECE_BYTES]))

    async def end(self) -> None:
        """No more data comes; the answer may go on."""
        await self._call.send(ExchangeRequest(end=True))

    async def answered(self) -> None:
        """Wait for the head of the answer."""
        answer = await self._call.receive()
        if answer is None or answer.response is None:
            raise ServerError("the server answered without a head. Is it newer or older than this client?")
        self.status = answer.response.status
        self.headers = tuple((header.name, header.value) for header in answer.response.headers)

    async def read(self) -> bytes:
        """The next piece of the answer; empty at its end."""
        answer = None if self._has_ended else await self._call.receive()
        if answer is not None and answer.data:
            return answer.data
        if answer is not None and answer.end:
            self._has_ended = True
            await self._call.finish()
        elif not self._has_ended:
            raise ServerUnreachableError("the server ended the exchange in the middle of the answer.")
        return b""
