"""Constraints, the queue, redeploy and `why` with server, agent and CLI as processes, on a real API server."""

from __future__ import annotations

import json

import pytest

import borealis_client
from kit.pipeline import approval, pause, pipeline, target
from kit.rest import open_rest
from kit.shop import manifests

pytestmark = pytest.mark.timeout(180)

ENQUEUES = ", ifDeploymentInProgress: {strategy: enqueueOne}"


def short(name: str) -> str:
    return name.rpartition("/")[2]


async def deploy(platform, namespace, version, text):
    """Write the files and start; returns the deployment's id."""
    platform.write("shop.yaml", manifests(version))
    path = platform.write("deploy.yaml", text.replace("namespace: a,", f"namespace: {namespace},"))
    return short((await platform.cli("deploy", "-f", path, "-o", "json")).json()["name"])


async def images(real_api, namespace) -> list[str]:
    async with open_rest(real_api) as rest:
        found = (await rest.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets")).ok()
    return [item["spec"]["template"]["spec"]["containers"][0]["image"] for item in found["items"]]


async def a_deployer(platform) -> dict[str, str]:
    """The environment of somebody who may approve, but holds no role of a deploy file."""
    client = platform.client
    async with borealis_client.connect(
        platform.address,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        ca_file=client["ca_file"],
    ) as borealis:
        made = await borealis.identity.create_credential("ci", role="deployer")
    return {"BOREALIS_CLIENT_ID": made.credential.client_id, "BOREALIS_CLIENT_SECRET": made.client_secret}


async def test_constraints_queue_and_why_through_the_command_line(platform, real_api, kube_namespace):
    """PL-15, ST-01, ST-04"""
    text = pipeline(target("a", before_start=[approval(roles=["Owner"])], after=[pause(3000)]), config=ENQUEUES)
    first = await deploy(platform, kube_namespace, "1", text)
    second = await deploy(platform, kube_namespace, "2", pipeline(target("a"), config=ENQUEUES))
    await platform.until_state(first, "AWAITING_APPROVAL")
    assert (await platform.deployment(second))["state"] == "STATE_QUEUED"
    assert await images(real_api, kube_namespace) == []

    why = await platform.cli("why", first)
    assert "a waits for approval" in why.out
    assert "a person with the role Owner, or an administrator" in why.out
    assert f"borealis approve {first}/a" in why.out
    queued = await platform.cli("why", second, "-o", "json")
    assert f"deployment {first}" in queued.json()["explanation"]["sentence"]
    refused = await platform.cli("approve", first, env=await a_deployer(platform))
    assert (refused.code, "takes the role `Owner`" in refused.err) == (5, True), refused.err

    assert (await platform.cli("approve", first)).code == 0
    await platform.until_state(first, "PAUSED")
    assert (await platform.cli("rollback", first)).code != 0
    assert (await platform.cli("skip", f"{first}/a", "--step", "after-1", "-m", "enough")).code == 0
    done = await platform.until_state(first, "SUCCEEDED", "FAILED", "CANCELLED")
    after = await platform.until_state(second, "SUCCEEDED", "FAILED", "CANCELLED")

    skip = next(step for step in done["targets"][0]["steps"] if step["ref"] == "after-1")["pause"]["skip"]
    assert (done["state"], after["state"], skip["comment"]) == ("STATE_SUCCEEDED", "STATE_SUCCEEDED", "enough")
    assert short(after["blockedBy"]) == first
    assert await images(real_api, kube_namespace) == ["example.com/shop:2"]


async def test_a_stored_deployment_comes_back_although_its_files_have_changed(platform, real_api, kube_namespace):
    """PL-19, PL-21"""
    first = await deploy(platform, kube_namespace, "1", pipeline(target("a")))
    await platform.until_state(first, "SUCCEEDED", "FAILED")
    second = await deploy(platform, kube_namespace, "2", pipeline(target("a")))
    await platform.until_state(second, "SUCCEEDED", "FAILED")
    (platform.folder / "shop.yaml").unlink()

    answer = await platform.cli("redeploy", first, "--watch", "-o", "json")
    assert answer.code == 0, answer.err
    third = json.loads(answer.out)
    assert short(third["redeployOf"]) == first
    assert await images(real_api, kube_namespace) == ["example.com/shop:1"]

    alias = await platform.cli("deploy", "--pipelineId", second, "-t", "a", "--watch")
    assert alias.code == 0, alias.err
    assert await images(real_api, kube_namespace) == ["example.com/shop:2"]
    wrong = await platform.cli("deploy", "--pipelineId", second, "-f", "deploy.yaml")
    assert (wrong.code, "leave it out" in wrong.err) == (2, True)


async def test_a_queue_goes_on_after_the_server_was_killed(platform, real_api, kube_namespace):
    """PL-17"""
    first = await deploy(
        platform, kube_namespace, "1", pipeline(target("a", before_start=[approval()]), config=ENQUEUES)
    )
    second = await deploy(platform, kube_namespace, "2", pipeline(target("a"), config=ENQUEUES))
    await platform.until_state(first, "AWAITING_APPROVAL")

    platform.kill_server()
    platform.start_server()
    await platform.until_agent("cluster-1", "CONNECTED")
    assert (await platform.deployment(second))["state"] == "STATE_QUEUED"
    assert (await platform.cli("cancel", first)).code == 0

    done = await platform.until_state(second, "SUCCEEDED", "FAILED", "REJECTED")
    assert done["state"] == "STATE_SUCCEEDED", done
    assert await images(real_api, kube_namespace) == ["example.com/shop:2"]
