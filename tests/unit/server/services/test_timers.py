"""Deadlines in virtual time, also when the wall clock is set."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from borealis_server.services.timers import Timers
from kit.model_engine import START, LoopClock

pytestmark = pytest.mark.looptime


class Bell:
    """Timers at work, and when each key rang."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.timers = Timers[str](self.clock, self._ring)
        self.rung: list[tuple[str, float]] = []

    def _ring(self, key: str) -> None:
        self.rung.append((key, asyncio.get_running_loop().time()))

    def set_in(self, key: str, seconds: float) -> None:
        self.timers.set(key, self.clock.now() + timedelta(seconds=seconds))


@asynccontextmanager
async def ringing():
    bell = Bell()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(bell.timers.run())
        try:
            yield bell
        finally:
            task.cancel()


async def test_each_deadline_rings_once_when_it_has_come():
    async with ringing() as bell:
        bell.set_in("late", 3600)
        bell.set_in("early", 5)
        await asyncio.sleep(7200)

    assert bell.rung == [("early", 5), ("late", 3600)]


@pytest.mark.parametrize(("first_s", "second_s"), [(10, 30), (30, 10)], ids=["later", "earlier"])
async def test_a_deadline_that_is_set_anew_rings_only_at_the_new_time(first_s, second_s):
    async with ringing() as bell:
        bell.set_in("key", first_s)
        bell.set_in("key", second_s)
        await asyncio.sleep(100)

    assert bell.rung == [("key", second_s)]


async def test_a_deadline_that_is_taken_back_never_rings():
    async with ringing() as bell:
        bell.set_in("key", 10)
        bell.timers.set("key", None)
        bell.timers.set("never-set", None)
        await asyncio.sleep(100)

    assert bell.rung == []


async def test_a_deadline_that_is_set_twice_to_the_same_time_rings_once():
    async with ringing() as bell:
        bell.set_in("key", 10)
        bell.set_in("key", 10)
        await asyncio.sleep(100)

    assert bell.rung == [("key", 10)]


async def test_a_deadline_in_the_past_rings_at_once():
    async with ringing() as bell:
        bell.timers.set("key", START - timedelta(days=1))
        await asyncio.sleep(1)

    assert bell.rung == [("key", 0)]


async def test_deadlines_of_the_same_instant_all_ring_in_the_order_they_were_set():
    async with ringing() as bell:
        for key in ("c", "a", "b"):
            bell.set_in(key, 10)
        await asyncio.sleep(100)

    assert bell.rung == [("c", 10), ("a", 10), ("b", 10)]


async def test_a_key_can_be_set_again_while_it_rings():
    async with ringing() as bell:
        ring = bell._ring
        bell.timers._ring = lambda key: (ring(key), bell.set_in(key, 10) if len(bell.rung) < 3 else None)
        bell.set_in("key", 10)
        await asyncio.sleep(100)

    assert bell.rung == [("key", 10), ("key", 20), ("key", 30)]


async def test_a_clock_that_is_set_forward_rings_within_a_minute():
    async with ringing() as bell:
        bell.set_in("key", 3600)
        await asyncio.sleep(10)
        bell.clock.jump(3600)
        await asyncio.sleep(60)

    ((_, at_s),) = bell.rung
    assert 10 <= at_s <= 70


async def test_a_clock_that_is_set_back_rings_no_earlier_than_the_time_on_it():
    async with ringing() as bell:
        bell.set_in("key", 100)
        await asyncio.sleep(10)
        bell.clock.jump(-50)
        await asyncio.sleep(500)

    ((_, at_s),) = bell.rung
    assert at_s == 150
