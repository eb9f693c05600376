"""Stopping a hub or an agent while calls of every kind run: short ones finish, long ones end in time and visibly.

Row F17 of the table of faults.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from kit.tunnel import wait_until

if TYPE_CHECKING:
    from kit.fault_bed import FaultBed

UPLOAD = bytes(range(256)) * 8192


@dataclass(slots=True)
class Calls:
    """One call of each kind that is running when the drain begins, and how each ended."""

    bed: FaultBed
    ends: dict[str, object] = field(default_factory=dict)

    async def unary(self) -> None:
        self.ends["unary"] = await self.bed.body("/api/late?seconds=0.5")

    async def watch(self) -> None:
        """As `kubectl get --watch` and `kubectl logs --follow` do: until somebody ends it."""
        async with self.bed.call("/api/watch") as response:
            try:
                async for chunk in response.chunks():
                    self.ends["watched"] = chunk
            except (AgentUnavailable, RelayRefused) as error:
                self.ends["watch"] = error

    async def terminal(self) -> None:
        async with self.bed.terminal() as terminal:
            try:
                while True:
                    self.ends["typed"] = await terminal.echo(b"hello")
                    await asyncio.sleep(0.02)
            except (AgentUnavailable, RelayRefused) as error:
                self.ends["terminal"] = error

    async def upload(self) -> None:
        async def pieces():
            for start in range(0, len(UPLOAD), 65536):
                yield UPLOAD[start : start + 65536]
                await asyncio.sleep(0.01)

        self.ends["upload"] = await self.bed.body("/api/echo", method="POST", body=pieces())

    async def run(self, drain) -> None:
        async with asyncio.TaskGroup() as tasks:
            for kind in (self.unary, self.watch, self.terminal, self.upload):
                tasks.create_task(kind())
            await wait_until(lambda: self.bed.api.open_requests == 4 and {"watched", "typed"} <= set(self.ends))
            await drain()


async def test_f17_a_draining_hub_lets_calls_finish_and_cuts_watches_at_the_end_of_the_grace(bed):
    calls = Calls(bed)
    await calls.run(lambda: bed.hub.hub.drain(2.0))

    assert calls.ends["unary"] == b"late"
    assert calls.ends["upload"] == UPLOAD
    assert isinstance(calls.ends["watch"], AgentUnavailable)
    assert isinstance(calls.ends["terminal"], AgentUnavailable)
    await wait_until(lambda: bed.api.open_requests == 0)


async def test_f17_a_draining_hub_without_grace_ends_every_call_at_once_and_visibly(bed):
    async with asyncio.TaskGroup() as tasks:
        lost = [tasks.create_task(_loss_of(bed, "/api/late", method=method)) for method in ("GET", "POST")]
        await wait_until(lambda: bed.api.open_requests == 2)
        await bed.hub.hub.drain(0.0)

    assert [one.result().dispatched for one in lost] == [None, None]
    await wait_until(lambda: bed.api.open_requests == 0)


async def test_f17_a_draining_agent_lets_calls_finish_and_takes_no_new_ones(bed):
    async def stop():
        bed.agent.stop.set()
        await wait_until(lambda: not bed.knows_agent)
        with pytest.raises(AgentUnavailable) as refused:
            await bed.body("/api/small", timeout_s=1.0)
        assert refused.value.dispatched is False

    calls = Calls(bed)
    await calls.run(stop)

    assert calls.ends["unary"] == b"late"
    assert calls.ends["upload"] == UPLOAD
    assert isinstance(calls.ends["watch"], AgentUnavailable)
    assert isinstance(calls.ends["terminal"], AgentUnavailable)
    await wait_until(lambda: bed.api.open_requests == 0)


async def _loss_of(bed, path, **more) -> AgentUnavailable:
    with pytest.raises(AgentUnavailable) as caught:
        async with bed.call(path, **more):
            pass
    return caught.value
