"""A relay without agents: calls Kubernetes APIs straight over HTTPS. For tests.

Behaves as the hub does, to the same contract; no tunnel, so no session ever begins or ends.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import aiohttp
from yarl import URL

from borealis_server.adapters.relay.watchers import Watchers
from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from borealis_server.ports.relay import AgentSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from borealis_server.ports.clock import Clock
    from borealis_server.ports.relay import AgentChange, AgentRef, RelayRequest, RelayResponse

_CONNECT_TIMEOUT_S: Final = 10.0
_CHUNK_BYTES: Final = 64 * 1024
_NOT_FORWARDED: Final = frozenset({"authorization", "content-length", "host"})
_NOT_RETURNED: Final = frozenset({"connection", "keep-alive", "set-cookie", "transfer-encoding", "www-authenticate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectCluster:
    """How to reach a Kubernetes API, and who we are there."""

    url: str
    """Such as `https://127.0.0.1:6443`."""
    ca_pem: str
    """Certificates to trust."""
    token: str
    """Bearer token."""

    def __repr__(self) -> str:
        return f"DirectCluster(url={self.url!r})"


class DirectRelay:
    """Calls the cluster of each agent without the agent. A context manager: leaving it closes all connections."""

    def __init__(
        self, clusters: Mapping[AgentRef, DirectCluster], clock: Clock, *, keeps_connections: bool = True
    ) -> None:
        self._clusters = dict(clusters)
        self._keeps_connections = keeps_connections
        self._clock = clock
        self._connected_at = clock.now()
        self._sessions: dict[AgentRef, aiohttp.ClientSession] = {}
        self._watchers = Watchers()
        self.writes: list[str] = []
        """Every request that was to change something, in the order of the answers: method, path and status."""

    async def __aenter__(self) -> Self:
        for agent, cluster in self._clusters.items():
            tls = ssl.create_default_context(cadata=cluster.ca_pem)
            self._sessions[agent] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=tls, limit=0, force_close=not self._keeps_connections),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S),
                headers={"Authorization": f"Bearer {cluster.token}"},
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for session in self._sessions.values():
            await session.close()

    @asynccontextmanager
    async def call(self, agent: AgentRef, request: RelayRequest) -> AsyncIterator[RelayResponse]:
        """Send a request to the agent's cluster."""
        session = self._sessions.get(agent)
        if session is None:
            raise AgentUnavailable(agent.name, dispatched=False)
        if request.target != "kube":
            raise RelayRefused(agent.name, "DENIED", f"there is no target {request.target!r}", dispatched=False)
        answer = await _answered(agent, session, self._clusters[agent].url, request)
        if request.method != "GET":
            self.writes.append(f"{request.method} {URL(request.path).path} {answer.status}")
        try:
            yield DirectResponse(agent, answer, idle_timeout_s=request.idle_timeout_s)
        finally:
            if not answer.content.is_eof():
                answer.close()
            answer.release()

    def is_connected(self, agent: AgentRef) -> bool:
        """Whether a call could be sent now."""
        return agent in self._sessions

    def sessions(self, agent: AgentRef) -> tuple[AgentSession, ...]:
        """One session for a cluster that is known."""
        if agent not in self._sessions:
            return ()
        return (
            AgentSession(
                agent=agent,
                session_id="direct",
                instance_id="direct",
                version="",
                connected_at=self._connected_at,
                last_seen_at=self._clock.now(),
                open_streams=0,
                kubernetes_version="",
            ),
        )

    def all_sessions(self, tenant: str) -> tuple[AgentSession, ...]:
        """One session for each cluster of the tenant."""
        return tuple(one for agent in self._sessions if agent.tenant == tenant for one in self.sessions(agent))

    def watch_agents(self) -> AbstractAsyncContextManager[AsyncIterator[AgentChange]]:
        """Nothing ever changes."""
        return self._watchers.watch()


class DirectResponse:
    """The answer of a cluster that was called directly."""

    def __init__(self, agent: AgentRef, answer: aiohttp.ClientResponse, *, idle_timeout_s: float) -> None:
        self.status: int = answer.status
        named = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.raw_headers)
        self.headers: tuple[tuple[str, str], ...] = tuple(one for one in named if one[0] not in _NOT_RETURNED)
        self._agent = agent
        self._answer = answer
        self._idle_timeout_s = idle_timeout_s

    async def read(self, limit_bytes: int = 64 * 2**20) -> bytes:
        """The whole body."""
        body = bytearray()
        async for data in self.chunks():
            body += data
            if len(body) > limit_bytes:
                detail = f"the answer has more than {limit_bytes} bytes"
                raise RelayRefused(self._agent.name, "TOO_LARGE", detail, dispatched=True)
        return bytes(body)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while data := await self._next():
            yield data

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(self._idle_timeout_s or None):
                return await self._answer.content.read(_CHUNK_BYTES)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise RelayRefused(self._agent.name, "TARGET_RESET", _text(error), dispatched=True) from error
        except TimeoutError as error:
            detail = f"nothing came for {self._idle_timeout_s:g} s"
            raise RelayRefused(self._agent.name, "IDLE", detail, dispatched=True) from error


async def _answered(
    agent: AgentRef,
    session: aiohttp.ClientSession,
    base_url: str,
    request: RelayRequest,
) -> aiohttp.ClientResponse:
    try:
        async with asyncio.timeout(request.timeout_s):
            return await session.request(
                request.method,
                URL(base_url.rstrip("/") + request.path, encoded=True),
                headers=[(name, value) for name, value in request.headers if name.lower() not in _NOT_FORWARDED],
                data=_payload(request.body),
                allow_redirects=False,
            )
    except aiohttp.ConnectionTimeoutError as error:
        raise RelayRefused(agent.name, "DIAL_TIMEOUT", "no connection in time", dispatched=False) from error
    except TimeoutError as error:
        detail = f"no answer within {request.timeout_s:g} s"
        raise RelayRefused(agent.name, "DEADLINE", detail, dispatched=None) from error
    except aiohttp.ClientConnectorError as error:
        raise RelayRefused(agent.name, "DIAL_FAILED", _text(error), dispatched=False) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise RelayRefused(agent.name, "TARGET_RESET", _text(error), dispatched=True) from error


def _payload(body: bytes | AsyncIterable[bytes]) -> io.BytesIO | AsyncIterable[bytes] | None:
    if not isinstance(body, bytes):
        return body
    return io.BytesIO(body) if body else None


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__
