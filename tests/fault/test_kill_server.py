"""`kill -9` of the server in the middle of a canary on a real API server; after every event by `make crash-test`."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing

import pytest

from kit.capacity import open_capacity, open_scale_history
from kit.platform import Platform
from kit.shop import SET_50, deploy_file, manifests

PODS = 2
SAMPLE = (4, 13, 22)
ALL_POINTS = os.environ.get("CRASH_POINTS") == "all"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def platform_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("platform")


@pytest.fixture
async def platform(platform_folder, real_api):
    with Platform(platform_folder) as running:
        await running.add_agent("cluster-1", real_api.kubeconfig)
        yield running


async def deploy(platform, namespace, version):
    """Write the files and start; returns the deployment's id."""
    platform.write("shop.yaml", manifests(version, replicas=PODS))
    path = platform.write("deploy.yaml", deploy_file(namespace, SET_50))
    answer = await platform.cli("deploy", "-f", path, "-o", "json")
    return answer.json()["name"].rpartition("/")[2]


def events_in(platform, identifier):
    """How many events the store holds of a deployment, read beside the server."""
    with closing(sqlite3.connect(f"file:{platform.folder}/server/borealis.db?mode=ro", uri=True)) as store:
        sql = "SELECT count(*), max(record LIKE '%DEPLOYMENT_ENDED%') FROM deployment_events WHERE deployment_id = ?"
        count, is_over = store.execute(sql, (identifier,)).fetchone()
    return count, bool(is_over)


def kill_after(platform, identifier, events):
    """Kill the server once so many events are stored. False when the deployment ended before."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        count, is_over = events_in(platform, identifier)
        if is_over:
            return False
        if count >= events:
            platform.kill_server()
            return True
    raise AssertionError(f"never {events} events")


async def canary_killed_after(events, platform, api, namespace):
    """A canary whose server is killed after so many events; whether it came to that."""
    first = await platform.until_state(await deploy(platform, namespace, "1"), "SUCCEEDED")
    old = first["targets"][0]["workloads"][0]["newReplicaSet"]
    async with open_capacity(api, namespace) as capacity, open_scale_history(api, namespace) as history:
        identifier = await deploy(platform, namespace, "2")
        was_killed = kill_after(platform, identifier, events)
        if was_killed:
            platform.start_server()
        done = await platform.until_state(identifier, "SUCCEEDED", "FAILED", "CANCELLED")

        new = done["targets"][0]["workloads"][0]["newReplicaSet"]
        await capacity.until_ready(PODS)
        await capacity.until_total(PODS)
    assert done["state"] == "STATE_SUCCEEDED", done
    assert history.counts == {old: [2, 1, 0], new: [0, 1, 2]}, events
    assert {name: len(uids) for name, uids in history.uids.items()} == {old: 1, new: 1}
    assert min(capacity.ready_counts) >= PODS
    return was_killed


@pytest.mark.timeout(1_800 if ALL_POINTS else 300)
async def test_a_server_that_is_killed_finishes_what_it_began_and_scales_nothing_twice(
    platform, real_api, kube_cluster
):
    points = range(1, 200) if ALL_POINTS else SAMPLE
    killed = 0
    for events in points:
        namespace = kube_cluster.create_namespace()
        was_killed = await canary_killed_after(events, platform, real_api, namespace)
        kube_cluster.delete_namespace(namespace)
        if not was_killed:
            break
        killed += 1

    assert killed >= len(SAMPLE)
