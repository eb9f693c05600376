"""The control loops, in virtual time: no server, no waiting."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from borealis_sandbox import kinds
from borealis_sandbox.api import Api, Write
from borealis_sandbox.clock import SimulatedClock
from borealis_sandbox.controllers.deployments import DeploymentController
from borealis_sandbox.controllers.garbage import GarbageCollector
from borealis_sandbox.controllers.loop import Controller, ControllerLoop
from borealis_sandbox.controllers.pods import PodController
from borealis_sandbox.controllers.replicasets import ReplicaSetController
from borealis_sandbox.deletion import Deletion
from borealis_sandbox.events import EventRecorder
from borealis_sandbox.storage import Change, Storage
from kit.manifests import deployment, replica_set

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from borealis_sandbox.controllers.loop import Key

pytestmark = pytest.mark.looptime
_WRITE = Write(manager="test")


@dataclass(frozen=True, slots=True)
class Machine:
    """A store with its controllers, without a server."""

    api: Api

    def create(self, kind: kinds.Kind, body: dict[str, Any]) -> dict[str, Any]:
        return self.api.create(kind, "shop", body, _WRITE)

    def pods(self) -> list[dict[str, Any]]:
        return self.api.storage.find(kinds.POD, "shop")

    def status(self, kind: kinds.Kind, name: str = "web") -> dict[str, Any]:
        status: dict[str, Any] = self.api.get(kind, "shop", name).get("status", {})
        return status

    def reasons(self) -> set[str]:
        return {event["reason"] for event in self.api.storage.find(kinds.EVENT, "shop")}


@contextlib.asynccontextmanager
async def machine(speed: float = 1.0) -> AsyncIterator[Machine]:
    api, clock = Api(Storage()), SimulatedClock(speed=speed)
    api.create(kinds.NAMESPACE, "", {"metadata": {"name": "shop"}}, _WRITE)
    api.create(kinds.NODE, "", {"metadata": {"name": "node"}}, _WRITE)
    events = EventRecorder(api)
    pods = PodController(api, clock, events)
    controllers: list[Controller] = [
        DeploymentController(api, clock, events),
        ReplicaSetController(api, pods, events),
        pods,
        GarbageCollector(api),
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ControllerLoop(each, api.storage, clock).run()) for each in controllers]
        yield Machine(api)
        for task in tasks:
            task.cancel()


def _scripted(**annotations: str) -> dict[str, Any]:
    manifest = replica_set(replicas=1)
    said = {f"sandbox.borealis.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    manifest["spec"]["template"]["metadata"]["annotations"] = said
    return manifest


async def test_pods_get_ready_after_their_delay_and_not_before() -> None:
    async with machine() as found:
        found.create(kinds.REPLICA_SET, _scripted(ready_after="5s"))
        await asyncio.sleep(5)
        early = found.status(kinds.REPLICA_SET).get("readyReplicas", 0)
        await asyncio.sleep(1)

        assert early == 0
        assert found.status(kinds.REPLICA_SET)["readyReplicas"] == 1


async def test_speed_shortens_every_delay() -> None:
    async with machine(speed=10) as found:
        found.create(kinds.REPLICA_SET, _scripted(ready_after="50s"))
        await asyncio.sleep(5.2)

        assert found.status(kinds.REPLICA_SET)["readyReplicas"] == 1


async def test_a_pod_is_available_only_after_its_least_ready_time() -> None:
    async with machine() as found:
        manifest = replica_set(replicas=1)
        manifest["spec"]["minReadySeconds"] = 10
        found.create(kinds.REPLICA_SET, manifest)
        await asyncio.sleep(5)
        early = found.status(kinds.REPLICA_SET)
        await asyncio.sleep(8)

        assert (early["readyReplicas"], early.get("availableReplicas", 0)) == (1, 0)
        assert found.status(kinds.REPLICA_SET)["availableReplicas"] == 1


@pytest.mark.parametrize(
    ("annotation", "reason", "event"),
    [
        pytest.param({"fail_image": "true"}, "ImagePullBackOff", "BackOff", id="image"),
        pytest.param({"crash": "true"}, "CrashLoopBackOff", "BackOff", id="crash"),
        pytest.param({"never_ready": "true"}, None, "Unhealthy", id="unhealthy"),
    ],
)
async def test_a_scripted_failure_shows_in_status_and_events(
    annotation: dict[str, str], reason: str | None, event: str
) -> None:
    async with machine() as found:
        found.create(kinds.REPLICA_SET, _scripted(**annotation))
        await asyncio.sleep(6)

        state = found.pods()[0]["status"]["containerStatuses"][0]["state"]
        assert state.get("waiting", {}).get("reason") == reason
        assert found.status(kinds.REPLICA_SET).get("readyReplicas", 0) == 0
        assert event in found.reasons()


async def test_a_deployment_stays_within_its_bounds_at_every_instant() -> None:
    async with machine() as found:
        found.create(kinds.DEPLOYMENT, deployment(replicas=4))
        await asyncio.sleep(5)
        revision = found.api.storage.revision
        second = deployment(replicas=4, image="example/web:2")
        found.api.replace(kinds.DEPLOYMENT, "shop", "web", second, _WRITE)
        await asyncio.sleep(60)
        totals, available = [], []
        for change in found.api.storage.changes_after(revision):
            if change.kind == kinds.REPLICA_SET:
                sets = found.api.storage.find_at(kinds.REPLICA_SET, "shop", change.revision)
                totals.append(sum(each["spec"]["replicas"] for each in sets))
                available.append(sum(each.get("status", {}).get("availableReplicas", 0) for each in sets))

        assert max(totals) <= 5
        assert min(available) >= 3
        assert found.status(kinds.DEPLOYMENT)["updatedReplicas"] == 4
        assert len(found.pods()) == 4


async def test_recreate_ends_all_old_pods_first() -> None:
    async with machine() as found:
        manifest = deployment(replicas=2)
        manifest["spec"]["strategy"] = {"type": "Recreate"}
        found.create(kinds.DEPLOYMENT, manifest)
        await asyncio.sleep(5)
        revision = found.api.storage.revision
        manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "example/web:2"
        found.api.replace(kinds.DEPLOYMENT, "shop", "web", manifest, _WRITE)
        await asyncio.sleep(20)
        images = []
        for change in found.api.storage.changes_after(revision):
            if change.kind == kinds.POD:
                pods = found.api.storage.find_at(kinds.POD, "shop", change.revision)
                live = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
                images.append({pod["spec"]["containers"][0]["image"] for pod in live})

        assert all(len(each) < 2 for each in images)
        assert images[-1] == {"example/web:2"}


async def test_a_rollout_that_does_not_move_is_late() -> None:
    async with machine() as found:
        manifest = deployment(replicas=1, never_ready=True)
        manifest["spec"]["progressDeadlineSeconds"] = 30
        found.create(kinds.DEPLOYMENT, manifest)
        await asyncio.sleep(20)
        early = {each["type"]: each["reason"] for each in found.status(kinds.DEPLOYMENT)["conditions"]}
        await asyncio.sleep(30)
        late = {each["type"]: each["reason"] for each in found.status(kinds.DEPLOYMENT)["conditions"]}

        assert early["Progressing"] == "ReplicaSetUpdated"
        assert late["Progressing"] == "ProgressDeadlineExceeded"


async def test_old_replica_sets_are_kept_as_far_as_asked() -> None:
    async with machine() as found:
        manifest = deployment(replicas=1)
        manifest["spec"]["revisionHistoryLimit"] = 1
        found.create(kinds.DEPLOYMENT, manifest)
        for number in range(2, 6):
            await asyncio.sleep(15)
            manifest["spec"]["template"]["spec"]["containers"][0]["image"] = f"example/web:{number}"
            found.api.replace(kinds.DEPLOYMENT, "shop", "web", manifest, _WRITE)
        await asyncio.sleep(30)

        sets = found.api.storage.find(kinds.REPLICA_SET, "shop")
        images = {each["spec"]["template"]["spec"]["containers"][0]["image"] for each in sets}
        assert images == {"example/web:4", "example/web:5"}


async def test_a_paused_deployment_starts_no_rollout_but_follows_its_size() -> None:
    async with machine() as found:
        manifest = deployment(replicas=1)
        found.create(kinds.DEPLOYMENT, manifest)
        await asyncio.sleep(5)
        manifest["spec"].update(paused=True, replicas=3)
        manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "example/web:2"
        found.api.replace(kinds.DEPLOYMENT, "shop", "web", manifest, _WRITE)
        await asyncio.sleep(10)

        assert {pod["spec"]["containers"][0]["image"] for pod in found.pods()} == {"example/web:1"}
        assert len(found.pods()) == 3


async def test_a_dependant_without_its_owner_is_collected() -> None:
    async with machine() as found:
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "gone", "uid": "never-was"}
        found.create(kinds.CONFIG_MAP, {"metadata": {"name": "lost", "ownerReferences": [owner]}})
        custom = {"apiVersion": "example/v1", "kind": "Thing", "name": "t", "uid": "unknown"}
        found.create(kinds.CONFIG_MAP, {"metadata": {"name": "kept", "ownerReferences": [custom]}})
        await asyncio.sleep(1)

        assert [each["metadata"]["name"] for each in found.api.storage.find(kinds.CONFIG_MAP, "shop")] == ["kept"]


async def test_pods_end_after_a_moment_and_are_replaced() -> None:
    async with machine() as found:
        found.create(kinds.REPLICA_SET, replica_set(replicas=1))
        await asyncio.sleep(5)
        first = found.pods()[0]["metadata"]["name"]
        found.api.delete(kinds.POD, "shop", first, Deletion())
        await asyncio.sleep(0.1)
        during = {pod["metadata"]["name"]: "deletionTimestamp" in pod["metadata"] for pod in found.pods()}
        await asyncio.sleep(5)

        assert during.pop(first)
        assert list(during.values()) == [False]
        assert first not in {pod["metadata"]["name"] for pod in found.pods()}
        assert found.status(kinds.REPLICA_SET)["readyReplicas"] == 1


async def test_many_pods_at_once_are_no_trouble() -> None:
    async with machine() as found:
        found.create(kinds.REPLICA_SET, replica_set(replicas=60))
        await asyncio.sleep(10)

        assert found.status(kinds.REPLICA_SET)["availableReplicas"] == 60


class _Stumbling:
    """Fails on one key the first time."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._has_failed = False

    def affected(self, change: Change) -> Iterable[Key]:
        if change.kind == kinds.CONFIG_MAP:
            yield (change.found["metadata"]["name"],)

    def reconcile(self, key: Key) -> float | None:
        if key == ("bad",) and not self._has_failed:
            self._has_failed = True
            raise ValueError("stumbled")
        self.done.append(key[0])
        return None


async def test_one_failing_object_stops_no_other_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    storage, controller = Storage(), _Stumbling()
    for name in ("bad", "good"):
        storage.put(kinds.CONFIG_MAP, {"metadata": {"name": name, "namespace": "n"}})
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ControllerLoop(controller, storage, SimulatedClock(speed=1)).run())
        with caplog.at_level(logging.CRITICAL):
            await asyncio.sleep(3)
        task.cancel()

    assert controller.done == ["good", "bad"]


async def test_a_loop_that_fell_behind_looks_at_everything_again() -> None:
    storage, controller = Storage(history=1), _Stumbling()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ControllerLoop(controller, storage, SimulatedClock(speed=1)).run())
        await asyncio.sleep(0)
        for name in ("a", "b", "c"):
            storage.put(kinds.CONFIG_MAP, {"metadata": {"name": name, "namespace": "n"}})
        await asyncio.sleep(1)
        task.cancel()

    assert sorted(controller.done) == ["a", "b", "c"]
