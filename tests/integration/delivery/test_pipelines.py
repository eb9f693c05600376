"""Constraints, queue and rollback of one target by the engine, the same ones on the sandbox and a real API server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from borealis_server.domain import persons
from borealis_server.domain.states import DeploymentState, EndReason, Rollback, StepState, TargetState
from kit.control_plane import ControlPlane, open_control_plane
from kit.pipeline import AT_ONCE, approval, pause, pipeline, target
from kit.rest import open_rest
from kit.shop import manifests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kit.api_server import ApiServer

ENQUEUES = ", ifDeploymentInProgress: {strategy: enqueueOne}"


@pytest.fixture
async def plane(any_api: ApiServer) -> AsyncIterator[ControlPlane]:
    async with open_control_plane(any_api) as opened:
        yield opened


async def names(api: ApiServer, namespace: str, kind: str) -> list[str]:
    group = "apis/apps/v1" if kind == "replicasets" else "api/v1"
    async with open_rest(api) as rest:
        found = (await rest.get(f"/{group}/namespaces/{namespace}/{kind}")).ok()
    return sorted(item["metadata"]["name"] for item in found["items"])


def in_namespace(text: str, namespace: str) -> str:
    """The pipeline with its target `a` in `namespace`."""
    return text.replace("namespace: a,", f"namespace: {namespace},")


async def start(plane, namespace, text, version):
    return (await plane.start(in_namespace(text, namespace), shop_yaml=manifests(version))).key


async def test_nothing_is_touched_before_the_conditions_hold_and_the_target_ends_after_those_that_follow(
    plane, any_api, any_namespace
):
    text = pipeline(target("a", before_start=[approval(), pause(60)], after=[pause(60)]))
    key = await start(plane, any_namespace, text, "1")
    await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
    assert "shop-settings" not in await names(any_api, any_namespace, "configmaps")

    await plane.deployments.approve(key, plane.wish(persons.APPROVE))
    await plane.deployments.skip(key, plane.wish(persons.SKIP))
    waiting = await plane.until(key, lambda now: now.targets[0].step("after-1").state is StepState.RUNNING)
    assert await names(any_api, any_namespace, "replicasets") == [waiting.targets[0].workloads[0].new_name]
    await plane.deployments.skip(key, plane.wish(persons.SKIP))

    assert (await plane.until_end(key)).state is DeploymentState.SUCCEEDED


async def test_a_failure_afterwards_leaves_the_new_version_alone(plane, any_api, any_namespace):
    """PL-08"""
    text = pipeline(target("a", after=[approval(expires_s=60), pause(600)]), target("b", depends_on=["a"]))
    key = await start(plane, any_namespace, text, "1")
    waiting = await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)
    new = waiting.target("a").workloads[0].new_name

    plane.clock.jump(61)
    done = await plane.until_end(key)

    assert (done.target("a").end_reason, done.target("a").rollback) == (EndReason.APPROVAL_EXPIRED, Rollback.NONE)
    assert done.target("b").state is TargetState.CANCELLED
    assert await names(any_api, any_namespace, "replicasets") == [new]


async def test_a_queued_deployment_touches_nothing_until_its_turn(plane, any_api, any_namespace):
    """PL-15, PL-16"""
    text = pipeline(target("a", before_start=[approval()]), config=ENQUEUES)
    first = await start(plane, any_namespace, text, "1")
    second = await start(plane, any_namespace, pipeline(target("a"), config=ENQUEUES), "2")
    third = await start(plane, any_namespace, pipeline(target("a"), config=ENQUEUES), "3")
    await plane.until_state(first, DeploymentState.AWAITING_APPROVAL)
    assert (await plane.deployments.get(second)).state is DeploymentState.REPLACED
    assert await names(any_api, any_namespace, "replicasets") == []

    await plane.deployments.approve(first, plane.wish(persons.APPROVE))
    one, other = await plane.until_end(first), await plane.until_end(third)

    assert (one.state, other.state) == (DeploymentState.SUCCEEDED, DeploymentState.SUCCEEDED)
    assert await names(any_api, any_namespace, "replicasets") == [other.targets[0].workloads[0].new_name]


async def test_an_abort_beside_an_approval_always_ends_in_the_old_version(plane, any_api, any_namespace):
    """ST-05"""
    await plane.until_end(await start(plane, any_namespace, pipeline(target("a")), "1"))
    old = await names(any_api, any_namespace, "replicasets")
    steps = ["setWeight: {weight: 50}", approval(), AT_ONCE]
    key = await start(plane, any_namespace, pipeline(target("a"), steps=steps), "2")
    await plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

    async with asyncio.TaskGroup() as group:
        group.create_task(plane.deployments.approve(key, plane.wish(persons.APPROVE)))
        group.create_task(plane.deployments.roll_back(key, plane.wish(persons.ROLL_BACK, target="a")))
    done = await plane.until_end(key)

    assert (done.state, done.targets[0].rollback) == (DeploymentState.CANCELLED, Rollback.DONE)
    assert await names(any_api, any_namespace, "replicasets") == old
