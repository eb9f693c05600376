"""Whole deliveries by the engine, the same ones on the sandbox and on a real API server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from borealis_server.domain import persons
from borealis_server.domain.errors import DeploymentInProgress
from borealis_server.domain.states import DeploymentState, EndReason, Rollback, StepState
from kit.capacity import open_capacity
from kit.control_plane import ControlPlane, open_control_plane
from kit.shop import APPROVAL, SET_25, SET_50, deploy_file, manifests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kit.api_server import ApiServer


@pytest.fixture
async def plane(any_api: ApiServer) -> AsyncIterator[ControlPlane]:
    async with open_control_plane(any_api) as opened:
        yield opened


@pytest.fixture
async def http(any_api: ApiServer) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=any_api.ssl_context())
    async with aiohttp.ClientSession(any_api.url, headers=any_api.headers, connector=connector) as session:
        yield session


async def objects(http: aiohttp.ClientSession, path: str) -> list[dict[str, Any]]:
    async with http.get(path) as response:
        return list((await response.json())["items"])


async def replica_sets(http: aiohttp.ClientSession, namespace: str) -> dict[str, int]:
    found = await objects(http, f"/apis/apps/v1/namespaces/{namespace}/replicasets")
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in found}


async def first_version(plane: ControlPlane, namespace: str, **options: Any) -> str:
    """Deploy version 1; returns the name of its ReplicaSet."""
    started = await plane.start(deploy_file(namespace), shop_yaml=manifests("1", **options))
    done = await plane.until_end(started.key)
    assert done.state is DeploymentState.SUCCEEDED, done.message
    return done.targets[0].workloads[0].new_name


async def test_a_first_deployment_skips_the_strategy_and_leaves_one_replica_set(plane, http, any_namespace):
    started = await plane.start(deploy_file(any_namespace, SET_25, APPROVAL), shop_yaml=manifests("1"))

    done = await plane.until_end(started.key)

    assert done.state is DeploymentState.SUCCEEDED, done.message
    assert [step.state for step in done.targets[0].steps][:2] == [StepState.SKIPPED, StepState.SKIPPED]
    assert list((await replica_sets(http, any_namespace)).values()) == [4]
    deployments = await objects(http, f"/apis/apps/v1/namespaces/{any_namespace}/deployments")
    assert deployments == []


async def test_a_canary_of_a_quarter_has_one_new_and_three_old_ready_pods_and_never_fewer_than_four(
    plane, http, any_api, any_namespace
):
    old = await first_version(plane, any_namespace)
    async with open_capacity(any_api, any_namespace) as capacity:
        started = await plane.start(deploy_file(any_namespace, SET_25, APPROVAL), shop_yaml=manifests("2"))
        waiting = await plane.until_state(started.key, DeploymentState.AWAITING_APPROVAL)
        new = waiting.targets[0].workloads[0].new_name
        assert await replica_sets(http, any_namespace) == {old: 3, new: 1}

        await plane.deployments.approve(started.key, plane.wish(persons.APPROVE))
        done = await plane.until_end(started.key)

    assert done.state is DeploymentState.SUCCEEDED
    assert await replica_sets(http, any_namespace) == {new: 4}
    assert min(capacity.ready_counts) >= 4
    assert max(capacity.total_counts) <= 5


async def test_a_rollback_at_the_approval_restores_pods_and_objects(plane, http, any_api, any_namespace):
    old = await first_version(plane, any_namespace)
    async with open_capacity(any_api, any_namespace) as capacity:
        started = await plane.start(deploy_file(any_namespace, SET_50, APPROVAL), shop_yaml=manifests("2"))
        await plane.until_state(started.key, DeploymentState.AWAITING_APPROVAL)

        await plane.deployments.roll_back(started.key, plane.wish(persons.ROLL_BACK))
        done = await plane.until_end(started.key)

    assert done.state is DeploymentState.CANCELLED
    assert done.targets[0].rollback is Rollback.DONE
    assert await replica_sets(http, any_namespace) == {old: 4}
    (settings,) = [
        item
        for item in await objects(http, f"/api/v1/namespaces/{any_namespace}/configmaps")
        if item["metadata"]["name"] == "shop-settings"
    ]
    assert settings["data"] == {"version": "1"}
    assert min(capacity.ready_counts) >= 4


async def test_a_version_that_never_gets_ready_is_rolled_back_and_names_the_pod(plane, http, any_namespace):
    old = await first_version(plane, any_namespace)
    text = deploy_file(any_namespace, SET_25)
    started = await plane.start(text, shop_yaml=manifests("3", is_ready=False))
    waiting = await plane.until(
        started.key, lambda now: bool(now.targets[0].wait and "ReadinessGatesNotReady" in now.targets[0].wait.what)
    )
    new = waiting.targets[0].workloads[0].new_name
    assert f"pod {new}-" in waiting.targets[0].wait.what

    plane.clock.jump(60)
    done = await plane.until_end(started.key)

    assert done.state is DeploymentState.FAILED
    assert done.targets[0].end_reason is EndReason.READINESS_TIMEOUT
    assert f"pod {new}-" in done.targets[0].message
    assert "ReadinessGatesNotReady" in done.targets[0].message
    assert await replica_sets(http, any_namespace) == {old: 4}


async def test_a_second_start_of_an_application_in_progress_is_refused_and_names_the_first(plane, any_namespace):
    await first_version(plane, any_namespace)
    started = await plane.start(deploy_file(any_namespace, SET_25, APPROVAL), shop_yaml=manifests("2"))

    with pytest.raises(DeploymentInProgress) as refused:
        await plane.start(deploy_file(any_namespace), shop_yaml=manifests("3"))

    assert started.key.id in str(refused.value)
    await plane.deployments.cancel(started.key, plane.wish(persons.CANCEL))
    await plane.until_end(started.key)


async def test_another_applications_deployment_is_not_taken_over(plane, http, any_namespace):
    old = await first_version(plane, any_namespace)

    started = await plane.start(deploy_file(any_namespace, application="intruder"), shop_yaml=manifests("9"))
    done = await plane.until_end(started.key)

    assert done.state is DeploymentState.FAILED
    assert done.targets[0].end_reason is EndReason.OBJECT_OWNED_BY
    assert "belongs to application shop" in done.targets[0].message
    assert await replica_sets(http, any_namespace) == {old: 4}


async def test_a_native_deployment_becomes_the_old_version_without_losing_a_pod(plane, http, any_api, any_namespace):
    await create_native(http, any_namespace)
    async with open_capacity(any_api, any_namespace) as capacity:
        await capacity.until_ready(4)
        capacity.forget()
        started = await plane.start(deploy_file(any_namespace, SET_50, APPROVAL), shop_yaml=manifests("2"))
        waiting = await plane.until_state(started.key, DeploymentState.AWAITING_APPROVAL)
        assert waiting.targets[0].workloads[0].old_name.startswith("shop-")

        await plane.deployments.approve(started.key, plane.wish(persons.APPROVE))
        done = await plane.until_end(started.key)

    assert done.state is DeploymentState.SUCCEEDED
    assert list(await replica_sets(http, any_namespace)) == [done.targets[0].workloads[0].new_name]
    assert min(capacity.ready_counts) >= 4


async def test_a_native_deployment_comes_back_when_its_successor_is_rolled_back(plane, http, any_api, any_namespace):
    await create_native(http, any_namespace)
    async with open_capacity(any_api, any_namespace) as capacity:
        await capacity.until_ready(4)
        capacity.forget()
        started = await plane.start(deploy_file(any_namespace, SET_50, APPROVAL), shop_yaml=manifests("2"))
        waiting = await plane.until_state(started.key, DeploymentState.AWAITING_APPROVAL)
        old = waiting.targets[0].workloads[0].old_name

        await plane.deployments.roll_back(started.key, plane.wish(persons.ROLL_BACK))
        done = await plane.until_end(started.key)

    assert done.targets[0].rollback is Rollback.DONE, done.message
    deployments = await objects(http, f"/apis/apps/v1/namespaces/{any_namespace}/deployments")
    assert [item["metadata"]["name"] for item in deployments] == ["shop"]
    assert await replica_sets(http, any_namespace) == {old: 4}
    assert min(capacity.ready_counts) >= 4


async def create_native(http: aiohttp.ClientSession, namespace: str) -> None:
    labels = {"app": "shop"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop"},
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "example.com/shop:0"}]},
            },
        },
    }
    async with http.post(f"/apis/apps/v1/namespaces/{namespace}/deployments", json=body) as response:
        assert response.status == 201, json.dumps(await response.json())
