"""Commits, and those who follow them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from borealis_server.adapters.store.memory import MemoryDeploymentStore
from borealis_server.domain import persons
from borealis_server.domain.deployment import DeploymentInputs, DeploymentKey, PersonsDecision
from borealis_server.domain.errors import DeploymentNotFound
from borealis_server.domain.record import Note, Recorded
from borealis_server.domain.states import EventKind
from borealis_server.services.journal import Journal
from kit.delivery import START, a_deployment, a_target

pytestmark = pytest.mark.looptime

INPUTS = DeploymentInputs(deploy_file="", objects={})
FRESH = a_deployment(a_target("prod"), a_target("qa"))
KEY = FRESH.deployment.key


@pytest.fixture
async def journal():
    journal = Journal(MemoryDeploymentStore())
    await journal.start(FRESH, INPUTS)
    return journal


def said(text):
    """A change that only writes something down."""
    note = Note(kind=EventKind.PROGRESS, message=text)
    return lambda newest: Recorded(deployment=newest).with_event(note, START)


async def end(journal):
    await journal.record(KEY, lambda newest: persons.cancel(newest, PersonsDecision(kind="cancel", by="ana", at=START)))


async def follow(journal, seen, *, after=0, pause_s=0.0):
    async for event in journal.follow(KEY, after):
        seen.append(event.sequence)
        await asyncio.sleep(pause_s)


async def test_a_follower_sees_every_event_in_order_and_ends_with_the_deployment(journal):
    seen: list[int] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(follow(journal, seen))
        for number in range(5):
            await asyncio.sleep(1)
            await journal.record(KEY, said(str(number)))
        await end(journal)

    newest = await journal.store.get(KEY)
    assert seen == list(range(1, newest.sequence + 1))


async def test_a_slow_follower_loses_nothing_and_costs_nobody_anything(journal, looptime):
    seen: list[int] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(follow(journal, seen, pause_s=1))
        await asyncio.sleep(0.5)
        for number in range(450):
            await journal.record(KEY, said(str(number)))
        assert looptime == 0.5
        await end(journal)

    newest = await journal.store.get(KEY)
    assert newest.sequence > 450
    assert seen == list(range(1, newest.sequence + 1))


async def test_a_follower_of_an_ended_deployment_sees_the_rest_and_ends_at_once(journal, looptime):
    await end(journal)
    newest = await journal.store.get(KEY)
    seen: list[int] = []

    await follow(journal, seen, after=1)

    assert seen == list(range(2, newest.sequence + 1))
    assert looptime == 0


async def test_a_follower_who_has_seen_all_of_an_ended_deployment_ends_at_once(journal):
    await end(journal)
    seen: list[int] = []

    await follow(journal, seen, after=(await journal.store.get(KEY)).sequence)

    assert seen == []


async def test_every_follower_is_woken_and_others_are_left_asleep(journal):
    other = replace(FRESH.deployment, key=DeploymentKey(tenant="main", id="other"), application="other")
    await journal.start(Recorded(deployment=other, events=FRESH.events), INPUTS)
    logs: list[list[int]] = [[], []]
    others = [event async for event in first(journal.follow(other.key, 0), len(FRESH.events))]
    async with asyncio.TaskGroup() as group:
        for seen in logs:
            group.create_task(follow(journal, seen))
        await asyncio.sleep(1)
        await end(journal)

    assert logs[0] == logs[1] != []
    assert [event.sequence for event in others] == [event.sequence for event in FRESH.events]


async def first(events, count):
    for _ in range(count):
        yield await anext(events)


async def test_nobody_is_remembered_who_has_left(journal):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(follow(journal, [])) for _ in range(3)]
        await asyncio.sleep(1)
        assert len(journal._waiting[KEY]) == 3
        for task in tasks:
            task.cancel()

    assert journal._waiting == {}


async def test_a_change_that_changes_nothing_is_not_committed_and_not_told(journal):
    told: list[object] = []
    journal.on_commit(told.append)

    for change in (lambda _newest: None, lambda newest: Recorded(deployment=newest)):
        committed = await journal.record(KEY, change)
        assert committed.before == committed.after

    assert told == []


async def test_every_listener_hears_of_every_commit_with_before_and_after(journal):
    one: list[object] = []
    two: list[object] = []
    journal.on_commit(one.append)
    journal.on_commit(two.append)

    committed = await journal.record(KEY, said("hello"))

    assert one == two == [committed]
    assert committed.after.revision == committed.before.revision + 1


async def test_what_a_change_raises_comes_out_and_nothing_is_written(journal):
    before = await journal.store.get(KEY)

    with pytest.raises(KeyError):
        await journal.record(KEY, lambda newest: newest.target("nowhere"))

    assert await journal.store.get(KEY) == before


async def test_a_deployment_that_does_not_exist_cannot_be_followed(journal):
    with pytest.raises(DeploymentNotFound):
        await anext(journal.follow(DeploymentKey(tenant="main", id="none"), 0))
