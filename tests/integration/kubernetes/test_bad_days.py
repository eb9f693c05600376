"""A real API server that throttles, and a link to it that is cut in the middle of a step; hard cases 32 and 33."""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from borealis_server.domain import persons
from borealis_server.domain.states import DeploymentState, EventKind, Rollback, TargetState
from kit.bad_day import BadDayRelay
from kit.control_plane import AGENT, JumpingClock, describe, open_engine, open_relay
from kit.lab import APPROVAL, Lab, web, weight
from kit.rest import open_rest

RETRY_AFTER_S = 2


@asynccontextmanager
async def open_lab(api, namespace):
    clock = JumpingClock()
    async with open_rest(api) as rest, open_relay(api, clock) as relay:
        bad_day = BadDayRelay(relay, AGENT)
        async with open_engine(bad_day, clock) as plane:
            yield Lab(plane=plane, rest=rest, api=api, namespace=namespace), bad_day


@pytest.fixture
async def opened(real_api, kube_namespace):
    async with open_lab(real_api, kube_namespace) as both:
        yield both


async def half_way(lab):
    """Version 1 serves, and version 2 waits for an approval at half of the pods; names of their ReplicaSets."""
    first = await lab.deploy(web("1"))
    key = await lab.start(web("2"), steps=(weight(50), APPROVAL))
    waiting = await lab.until_approval(key)
    return key, first.targets[0].workloads[0].new_name, waiting.targets[0].workloads[0].new_name


async def test_case_32_an_abort_in_the_middle_of_a_throttled_step_completes_when_the_api_server_answers_again(opened):
    lab, bad_day = opened
    key, old, new = await half_way(lab)
    bad_day.retry_after_s = RETRY_AFTER_S
    await lab.plane.deployments.approve(key, lab.plane.wish(persons.APPROVE))
    waiting = await lab.until_wait(key, "429 TooManyRequests")
    assert waiting.targets[0].wait.ended_by == "the cluster"
    await lab.plane.deployments.roll_back(key, lab.plane.wish(persons.ROLL_BACK))
    turned = await lab.until_wait(key, "429 TooManyRequests")
    assert turned.targets[0].state is TargetState.ROLLING_BACK
    assert await lab.replica_sets() == {old: 2, new: 2}

    bad_day.retry_after_s = None
    done = await lab.plane.until_end(key)

    assert (done.state, done.targets[0].rollback) == (DeploymentState.CANCELLED, Rollback.DONE), describe(done)
    assert await lab.replica_sets() == {old: 4}


async def test_case_32_retry_after_is_honoured_and_no_step_is_lost(opened):
    lab, bad_day = opened
    key, _old, new = await half_way(lab)
    bad_day.retry_after_s = RETRY_AFTER_S
    await lab.plane.deployments.approve(key, lab.plane.wish(persons.APPROVE))
    await bad_day.refusals(4)
    bad_day.retry_after_s = None
    done = await lab.plane.until_end(key)

    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    assert await lab.replica_sets() == {new: 4}
    looks = [at for at, what in bad_day.refused if what == f"GET {lab.path('replicasets')}"]
    assert min(later - earlier for earlier, later in pairwise(looks)) >= RETRY_AFTER_S - 0.1


@pytest.mark.parametrize("is_reply_lost", [True, False], ids=["after-the-write", "before-it"])
async def test_case_33_a_link_that_is_cut_in_the_middle_of_a_step_leads_to_one_effective_write(opened, is_reply_lost):
    lab, bad_day = opened
    key, _old, new = await half_way(lab)
    method, path = ("PATCH", lab.path("replicasets", new)) if is_reply_lost else ("GET", lab.path("replicasets"))
    bad_day.cut_in(lambda request: (request.method, request.path.partition("?")[0]) == (method, path))
    await lab.plane.deployments.approve(key, lab.plane.wish(persons.APPROVE))
    await bad_day.was_cut.wait()
    held = await lab.until_wait(key, "agent cluster-1")
    assert held.targets[0].state is TargetState.RUNNING
    assert held.targets[0].wait.limit_at is not None

    bad_day.mend()
    done = await lab.plane.until_end(key)

    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    assert await lab.replica_sets() == {new: 4}
    events = await lab.plane.journal.store.events(key, after_sequence=0, limit=1000)
    scalings = {
        one.message for one in events if one.kind is EventKind.EFFECT_INTENDED and f"scale {new} " in one.message
    }
    assert (await lab.get("replicasets", new))["metadata"]["generation"] == 1 + len(scalings)
