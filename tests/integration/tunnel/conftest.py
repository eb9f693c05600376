"""A hub, an agent and a target for tests of the tunnel; nothing of them may be left behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from kit.leaks import held_by_tunnels, no_leaks
from kit.target_api import open_target_api
from kit.tunnel import open_agent, open_hub, wait_until

if TYPE_CHECKING:
    from kit.target_api import TargetApi
    from kit.tunnel import RunningAgent, TunnelHub

__all__ = ["no_leaks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelBed:
    """One hub with one agent."""

    api: TargetApi
    hub: TunnelHub
    agent: RunningAgent

    async def settled(self) -> None:
        """Both sides hold no stream and no byte."""
        await wait_until(lambda: not self.held())

    def held(self) -> list[str]:
        """What either side still holds."""
        tunnels = [connection._live.core for connection in self.hub.hub._connections]
        tunnels += [session._live.core for session in self.agent.sessions()]
        return held_by_tunnels(tunnels)


@pytest.fixture
async def api(tmp_path):
    async with open_target_api(tmp_path / "api") as api:
        yield api


@pytest.fixture
async def hub(tmp_path):
    async with open_hub(tmp_path / "hub") as hub:
        yield hub


@pytest.fixture
async def bed(api, hub):
    async with open_agent(hub, api.kubeconfig) as agent:
        bed = TunnelBed(api=api, hub=hub, agent=agent)
        yield bed
        await bed.settled()
