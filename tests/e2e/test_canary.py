"""Deliveries to a real API server, with server, agent and CLI as processes over TLS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kit.capacity import open_capacity, open_scale_history
from kit.rest import open_rest
from kit.shop import APPROVAL, SET_25, SET_50, deploy_file, manifests

pytestmark = pytest.mark.timeout(180)


def short(name: str) -> str:
    return name.rpartition("/")[2]


async def deploy(platform, namespace, version, *steps, **options):
    """Write the files and start; returns the deployment's id."""
    shop = manifests(version, **{key: options.pop(key) for key in ("is_ready", "replicas") if key in options})
    platform.write("shop.yaml", shop)
    path = platform.write("deploy.yaml", deploy_file(namespace, *steps, **options))
    answer = await platform.cli("deploy", "-f", path, "-o", "json")
    return short(answer.json()["name"])


async def deploy_first(platform, namespace):
    """Version 1, in place; returns its ReplicaSet."""
    identifier = await deploy(platform, namespace, "1")
    done = await platform.until_state(identifier, "SUCCEEDED", "FAILED", "CANCELLED")
    assert done["state"] == "STATE_SUCCEEDED", done
    return done["targets"][0]["workloads"][0]["newReplicaSet"]


async def replica_sets(real_api, namespace) -> dict[str, int]:
    async with open_rest(real_api) as rest:
        answer = await rest.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets")
    found: dict[str, Any] = answer.ok()
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in found["items"]}


async def test_a_canary_shows_a_quarter_at_the_approval_and_never_fewer_ready_pods_than_before(
    platform, real_api, kube_namespace
):
    old = await deploy_first(platform, kube_namespace)
    async with open_capacity(real_api, kube_namespace) as capacity:
        identifier = await deploy(platform, kube_namespace, "2", SET_25, APPROVAL)
        waiting = await platform.until_state(identifier, "AWAITING_APPROVAL")
        new = waiting["targets"][0]["workloads"][0]["newReplicaSet"]
        by_version = capacity.ready_by_version()
        assert by_version == {new.removeprefix("shop-"): 1, old.removeprefix("shop-"): 3}

        approved = await platform.cli("approve", identifier, "--comment", "looks good")
        assert approved.code == 0, approved.err
        await platform.until_state(identifier, "SUCCEEDED")

    assert min(capacity.ready_counts) >= 4
    assert max(capacity.total_counts) <= 5
    assert await replica_sets(real_api, kube_namespace) == {new: 4}


async def test_a_rollback_at_the_approval_leaves_the_old_version_and_nothing_new(platform, real_api, kube_namespace):
    old = await deploy_first(platform, kube_namespace)
    identifier = await deploy(platform, kube_namespace, "2", SET_25, APPROVAL)
    await platform.until_state(identifier, "AWAITING_APPROVAL")

    answer = await platform.cli("rollback", identifier)
    assert answer.code == 0, answer.err
    done = await platform.until_state(identifier, "CANCELLED")

    assert done["targets"][0]["rollback"] == "ROLLBACK_DONE"
    assert done["targets"][0]["endReason"] == "END_REASON_USER_ROLLED_BACK"
    assert await replica_sets(real_api, kube_namespace) == {old: 4}


async def test_a_version_that_never_gets_ready_is_rolled_back_at_its_timeout_and_names_the_pod(
    platform, real_api, kube_namespace
):
    old = await deploy_first(platform, kube_namespace)
    platform.write("shop.yaml", manifests("3", is_ready=False))
    path = platform.write("deploy.yaml", deploy_file(kube_namespace, SET_25))

    answer = await platform.cli("deploy", "-f", path, "--watch")

    assert answer.code == 11, answer.err
    (done,) = (await platform.cli("list", "-o", "json")).json()["deployments"][:1]
    message = done["targets"][0]["message"]
    new = done["targets"][0]["workloads"][0]["newReplicaSet"]
    assert done["targets"][0]["endReason"] == "END_REASON_READINESS_TIMEOUT"
    assert f"pod {new}-" in message
    assert "ReadinessGatesNotReady" in message
    assert f"pod {new}-" in answer.out + answer.err
    assert await replica_sets(real_api, kube_namespace) == {old: 4}


async def test_two_targets_run_in_the_order_of_depends_on(platform, kube_cluster, kube_namespace):
    second = kube_cluster.create_namespace()
    platform.write("shop.yaml", manifests("1"))
    text = deploy_file(kube_namespace, SET_50).replace(
        f"  prod: {{account: cluster-1, namespace: {kube_namespace}, strategy: careful}}",
        f"  prod: {{account: cluster-1, namespace: {second}, strategy: careful, constraints: {{dependsOn: [qa]}}}}\n"
        f"  qa: {{account: cluster-1, namespace: {kube_namespace}, strategy: careful}}",
    )
    path = platform.write("deploy.yaml", text)

    answer = await platform.cli("deploy", "-f", path, "--watch", "-o", "jsonl")

    assert answer.code == 0, answer.err
    events = [json.loads(line) for line in answer.out.splitlines()]
    (done,) = (await platform.cli("list", "-o", "json")).json()["deployments"]
    runs = {run["name"]: run for run in done["targets"]}
    assert runs["qa"]["endTime"] <= runs["prod"]["startTime"]
    assert events


async def test_a_second_start_of_an_application_in_progress_is_refused_and_names_the_running_one(
    platform, kube_namespace
):
    await deploy_first(platform, kube_namespace)
    identifier = await deploy(platform, kube_namespace, "2", SET_25, APPROVAL)

    answer = await platform.cli("deploy", "-f", str(platform.folder / "deploy.yaml"))

    assert answer.code == 3
    assert identifier in answer.err
    assert (await platform.cli("cancel", identifier)).code == 0
    await platform.until_state(identifier, "CANCELLED")


async def test_a_server_killed_during_a_pause_goes_on_where_it_was(platform, real_api, kube_namespace):
    await deploy_first(platform, kube_namespace)
    async with (
        open_capacity(real_api, kube_namespace) as capacity,
        open_scale_history(real_api, kube_namespace) as scales,
    ):
        identifier = await deploy(platform, kube_namespace, "2", SET_25, "pause: {duration: 6, unit: seconds}")
        await platform.until_state(identifier, "PAUSED")

        platform.kill_server()
        platform.start_server()
        done = await platform.until_state(identifier, "SUCCEEDED", "FAILED")

    assert done["state"] == "STATE_SUCCEEDED", done
    assert_scaled_once(scales, done)
    assert min(capacity.ready_counts) >= 4
    pause = done["targets"][0]["steps"][1]
    assert pause["startTime"] < pause["endTime"]


async def test_a_server_killed_during_a_scale_goes_on_and_does_nothing_twice(platform, real_api, kube_namespace):
    old = await deploy_first(platform, kube_namespace)
    async with (
        open_capacity(real_api, kube_namespace) as capacity,
        open_scale_history(real_api, kube_namespace) as scales,
    ):
        identifier = await deploy(platform, kube_namespace, "2", SET_50)
        await capacity.until_total(5)

        platform.kill_server()
        platform.start_server()
        done = await platform.until_state(identifier, "SUCCEEDED", "FAILED")

    assert done["state"] == "STATE_SUCCEEDED", done
    assert scales.counts[old][0] == 4
    assert_scaled_once(scales, done)
    assert min(capacity.ready_counts) >= 4


def assert_scaled_once(scales, done):
    """Each ReplicaSet was made once, and its pods only ever went in one direction."""
    new = done["targets"][0]["workloads"][0]["newReplicaSet"]
    for name, counts in scales.counts.items():
        assert counts == sorted(set(counts), reverse=name != new), scales.counts
        assert len(scales.uids[name]) == 1


async def test_an_agent_killed_in_the_middle_is_waited_for_by_name(platform, real_api, kube_namespace):
    await deploy_first(platform, kube_namespace)
    async with open_scale_history(real_api, kube_namespace) as scales:
        identifier = await deploy(platform, kube_namespace, "2", SET_25, APPROVAL, SET_50)
        await platform.until_state(identifier, "AWAITING_APPROVAL")
        platform.agents["cluster-1"].kill()
        await platform.until_agent("cluster-1", "DISCONNECTED")
        assert (await platform.cli("approve", identifier)).code == 0
        waiting = await platform.deployment(identifier)
        while "agent cluster-1" not in (waiting["targets"][0].get("wait") or {}).get("what", ""):
            waiting = await platform.deployment(identifier)
        assert waiting["targets"][0]["wait"]["atLimit"]

        platform.start_agent("cluster-1", real_api.kubeconfig)
        done = await platform.until_state(identifier, "SUCCEEDED", "FAILED")

    assert done["state"] == "STATE_SUCCEEDED", done
    assert_scaled_once(scales, done)
