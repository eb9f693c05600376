"""A hub and an agent with a fault proxy between them, and one between the agent and its target."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yarl import URL

from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.ports.relay import Priority, RelayRequest
from borealis_wire.aio.live import Timing
from kit.fault_proxy import FaultProxy
from kit.leaks import held_by_tunnels
from kit.target_api import open_target_api
from kit.tunnel import open_agent, open_hub, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from borealis_server.ports.relay import RelayDuplex, RelayResponse
    from kit.target_api import TargetApi
    from kit.tunnel import RunningAgent, TunnelHub

FAST = Timing(ping_interval_s=0.3, dead_after_s=1.0, write_limit_s=1.0, live_interval_s=0.5)
"""The real rules, thirty times faster."""


class Terminal:
    """A WebSocket that says everything again. Messages have at most 125 bytes."""

    def __init__(self, duplex: RelayDuplex) -> None:
        self._duplex = duplex
        self._received = b""

    async def echo(self, message: bytes) -> bytes:
        """What comes back."""
        await self._duplex.write(bytes((0x82, 0x80 | len(message), 0, 0, 0, 0)) + message)
        size = 2 + len(message)
        while len(self._received) < size:
            data = await self._duplex.read()
            assert data, "the terminal ended"
            self._received += data
        answer, self._received = self._received[2:size], self._received[size:]
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBed:
    """A hub with one agent, and what lies between them."""

    api: TargetApi
    hub: TunnelHub
    agent: RunningAgent
    to_hub: FaultProxy
    """Between the agent and the hub: `up` leads to the hub."""
    to_target: FaultProxy
    """Between the agent and the target: `up` leads to the target."""

    def call(
        self, path: str, method: str = "GET", body: bytes | AsyncIterable[bytes] = b"", **more: Any
    ) -> AbstractAsyncContextManager[RelayResponse]:
        """A call through the agent, as the hub gives it."""
        return self.hub.hub.call(self.agent.ref, RelayRequest(method=method, path=path, body=body, **more))

    async def body(self, path: str, **more: Any) -> bytes:
        """The whole answer."""
        async with self.call(path, **more) as response:
            return await response.read()

    @asynccontextmanager
    async def terminal(self) -> AsyncIterator[Terminal]:
        """A terminal in the cluster, as `kubectl exec` opens it."""
        headers = (
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        )
        request = RelayRequest(method="GET", path="/api/exec", headers=headers, priority=Priority.INTERACTIVE)
        async with self.hub.hub.duplex(self.agent.ref, request) as duplex:
            assert duplex.is_switched
            yield Terminal(duplex)

    @property
    def knows_hub(self) -> bool:
        """Whether the agent believes in its tunnel."""
        return self.agent.link.is_up

    @property
    def knows_agent(self) -> bool:
        """Whether the hub believes in its tunnel."""
        return self.hub.hub.is_connected(self.agent.ref)

    def session_ids(self) -> list[str]:
        """The sessions that the hub knows."""
        return [one.session_id for one in self.hub.hub.sessions(self.agent.ref)]

    async def serves(self) -> None:
        """Wait until calls are answered."""
        await wait_until(lambda: self.knows_agent and self.knows_hub, 30)
        assert await self.body("/api/small") == self.api.small_body

    async def settled(self) -> None:
        """Both sides hold no stream and no byte."""
        await wait_until(lambda: not self.held())

    def held(self) -> list[str]:
        """What either side still holds."""
        tunnels = [connection._live.core for connection in self.hub.hub._connections]
        tunnels += [session._live.core for session in self.agent.sessions() if not session._live.is_ending]
        return held_by_tunnels(tunnels)


@asynccontextmanager
async def open_bed(folder: Path, timing: Timing = FAST, **more: Any) -> AsyncIterator[FaultBed]:
    """A hub and an agent that is connected through the proxy."""
    settings = RelaySettings(timing=timing, reconnect_spread_s=0.1, recheck_s=0.2)
    async with (
        open_target_api(folder / "api") as api,
        FaultProxy(URL(api.url).port or 0) as to_target,
        open_hub(folder / "hub", settings=settings, **more) as hub,
        FaultProxy(hub.port) as to_hub,
    ):
        kubeconfig = folder / "through-proxy"
        through = str(URL(api.url).with_port(to_target.port))
        kubeconfig.write_text(api.kubeconfig.read_text().replace(api.url, through))
        async with open_agent(hub, kubeconfig, port=to_hub.port) as agent:
            bed = FaultBed(api=api, hub=hub, agent=agent, to_hub=to_hub, to_target=to_target)
            yield bed
            to_hub.heal()
            to_target.heal()
            await bed.settled()
