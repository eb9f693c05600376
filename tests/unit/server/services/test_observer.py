"""Looking at pods: what is read, and what it becomes when it cannot be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from borealis_server.domain.deployment import SavedObject, Workload
from borealis_server.domain.effects import AgentAway, Busy
from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, ClusterRefused, RelayRefused
from borealis_server.domain.observation import Progress
from borealis_server.domain.planning.pod_ratio import Bounds
from borealis_server.domain.states import Phase
from borealis_server.services.observer import Observer
from kit.delivery import a_target
from kit.manifests import replica_set
from kit.model_engine import AGENT
from kit.model_kube import ModelKube


def a_workload(name="web", namespace="ns"):
    bounds = Bounds(max_surge=1, max_unavailable=0)
    return Workload(
        name=name, namespace=namespace, replicas=2, bounds=bounds, new_name=f"{name}-abc", old_name=f"{name}-old"
    )


def run_of(*loads):
    return replace(a_target(), workloads=loads)


def put(kube, name, *, replicas=2, namespace="ns"):
    document = replica_set(name, replicas=replicas)
    document["metadata"]["namespace"] = namespace
    document["spec"]["template"]["metadata"]["labels"] = {"armory-pod-template-hash": name.rpartition("-")[2]}
    kube.put(document)


@pytest.fixture
def calls():
    return []


@pytest.fixture
def kube(calls):
    async def note(call):
        calls.append(str(call))

    return ModelKube(before=note)


async def test_new_and_old_version_are_seen_with_the_new_ones_pods_that_are_not_ready(kube):
    put(kube, "web-abc")
    put(kube, "web-old")
    kube.advance()

    seen = await Observer(kube).observe(AGENT, run_of(a_workload()))

    view = seen.workloads["ns", "web"]
    assert (view.new.name, view.new.available, view.old.name) == ("web-abc", 1, "web-old")
    assert [str(problem) for problem in view.problems] == ["pod web-abc-1: ImagePullBackOff (no such image)"]


async def test_what_does_not_exist_is_not_there(kube):
    seen = await Observer(kube).observe(AGENT, run_of(a_workload()))

    view = seen.workloads["ns", "web"]
    assert (view.new, view.old, view.problems) == (None, None, ())


async def test_pods_are_only_read_where_some_are_missing(kube, calls):
    put(kube, "web-abc")
    for _ in range(2):
        kube.advance()

    await Observer(kube).observe(AGENT, run_of(a_workload()))

    assert calls == ["list ReplicaSet"]


async def test_a_namespace_is_read_once_for_all_its_workloads_and_no_other_is_mixed_in(kube, calls):
    for namespace in ("one", "two"):
        put(kube, "web-abc", replicas=0, namespace=namespace)
    put(kube, "api-abc", replicas=0, namespace="one")
    loads = [a_workload("web", "one"), a_workload("api", "one"), a_workload("web", "two"), a_workload("api", "two")]

    seen = await Observer(kube).observe(AGENT, run_of(*loads))

    assert calls == ["list ReplicaSet"] * 2
    assert {key for key, view in seen.workloads.items() if view.new} == {("one", "web"), ("one", "api"), ("two", "web")}
    assert len(seen.workloads) == 4


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (AgentUnavailable("a", dispatched=None, detail="its tunnel was lost"), AgentAway(detail="its tunnel was lost")),
        *(
            (error, Busy(detail=error.message))
            for error in (
                ClusterBusy("503 down"),
                RelayRefused("a", "DEADLINE", "no answer", dispatched=None),
                ClusterRefused(403, "Forbidden", "may not list"),
            )
        ),
    ],
    ids=["agent", "busy", "relay", "forbidden"],
)
async def test_what_cannot_be_seen_is_waited_for(error, outcome):
    async def fail(_call):
        raise error

    assert await Observer(ModelKube(before=fail)).observe(AGENT, run_of(a_workload())) == outcome


class TestObjects:
    """Objects that were applied, while a run waits for them."""

    def run_of(self, *names, kind="StatefulSet"):
        saved = [
            SavedObject(api_version="apps/v1", kind=kind, name=name, namespace="ns", is_awaited=True) for name in names
        ]
        return replace(a_target(), phase=Phase.SETTLING, saved=tuple(saved), cursor=len(names))

    async def test_each_is_read_and_the_first_of_its_pods_that_is_not_ready(self, kube):
        selector = {"matchLabels": {"app": "db"}}
        status = {"observedGeneration": 1, "updatedReplicas": 1}
        body = {"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {"replicas": 1, "selector": selector}}
        db = kube.put({**body, "metadata": {"name": "db", "namespace": "ns"}, "status": status})
        set_of_pods = replica_set("pods", replicas=1)
        set_of_pods["metadata"]["namespace"] = "ns"
        set_of_pods["spec"]["template"]["metadata"]["labels"] = {"app": "db"}
        kube.put(set_of_pods)
        kube.pod_owner = db["metadata"]["uid"]

        (view,) = (await Observer(kube).observe(AGENT, self.run_of("db"))).objects

        assert str(view) == "StatefulSet db: 0 of 1 pods ready; pod pods-0: ImagePullBackOff (no such image)"

    async def test_what_is_ready_costs_no_look_at_pods(self, kube, calls):
        kube.put({"apiVersion": "apps/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "ns"}})

        (view,) = (await Observer(kube).observe(AGENT, self.run_of("w", kind="Widget"))).objects

        assert view.readiness.progress is Progress.READY
        assert calls == ["get Widget w"]

    async def test_what_somebody_deleted_has_failed_and_what_is_not_served_yet_is_on_its_way(self, kube):
        (gone,) = (await Observer(kube).observe(AGENT, self.run_of("db"))).objects
        kube.unserved = {"StatefulSet"}
        (unserved,) = (await Observer(kube).observe(AGENT, self.run_of("db"))).objects

        assert gone.readiness.progress is Progress.FAILED
        assert str(unserved) == "StatefulSet db: its kind is not served yet"


async def test_pods_that_are_about_to_go_are_looked_for_where_new_ones_are_refused(kube):
    put(kube, "web-abc")
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    kube.find("ReplicaSet", "web-abc")["status"]["conditions"] = [condition]

    before = await Observer(kube).observe(AGENT, run_of(a_workload()))
    kube.pods_are_going = True
    after = await Observer(kube).observe(AGENT, run_of(a_workload()))

    assert [seen.workloads["ns", "web"].is_making_room for seen in (before, after)] == [False, True]
