"""Effects on a model cluster: each twice has the effect of once, and every failure becomes the right outcome."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from borealis_server.domain.effects import (
    AgentAway,
    ApplyObject,
    Busy,
    CreateReplicaSet,
    DeleteReplicaSet,
    Done,
    MarkLive,
    OrphanDeployment,
    Outdated,
    Prepare,
    Prepared,
    Refused,
    RestoreDeployment,
    RestoreObject,
    Scale,
)
from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, ClusterRefused, RelayRefused
from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.domain.states import EndReason
from kit.effects import NEW, SITE, performer_of, placed
from kit.manifests import config_map, deployment, replica_set, service
from kit.model_engine import AGENT
from kit.model_kube import ModelKube, ref_of

CREATE = CreateReplicaSet(namespace="ns", workload="web", name=NEW)
SETTINGS, SERVICE = ApplyObject(index=0, label="ConfigMap settings"), ApplyObject(index=1, label="Service web")


def without_traces(kube):
    """What a cluster holds, without what every write changes."""
    objects = copy.deepcopy(kube.objects)
    for each in objects.values():
        for name in ("resourceVersion", "managedFields", "generation"):
            each["metadata"].pop(name, None)
    return objects


@pytest.fixture
def kube():
    return ModelKube()


@pytest.fixture
async def performer(kube):
    return await performer_of(
        kube, placed(config_map(version="2")), placed(service()), placed(deployment(image="web:2"))
    )


async def save_and_apply(performer, effect=SETTINGS):
    """Prepare, apply one object, and return what a rollback would restore."""
    found = await performer.perform(SITE, Prepare())
    assert isinstance(found, Prepared)
    assert await performer.perform(SITE, effect) == Done()
    return RestoreObject(saved=found.saved[effect.index])


def orphan(native):
    metadata = native["metadata"]
    return OrphanDeployment(namespace="ns", name=metadata["name"], uid=metadata["uid"])


class TestTwice:
    @pytest.mark.parametrize(
        "effect",
        [
            pytest.param(SETTINGS, id="apply"),
            pytest.param(CREATE, id="create"),
            pytest.param(MarkLive(namespace="ns", name="web-old"), id="mark-live"),
            pytest.param(DeleteReplicaSet(namespace="ns", name="web-old"), id="delete"),
            pytest.param(OrphanDeployment(namespace="ns", name="native", uid="uid-2"), id="orphan"),
            pytest.param(
                RestoreDeployment(namespace="ns", name="gone", document=json.dumps(placed(deployment("gone")))),
                id="restore-deployment",
            ),
        ],
    )
    async def test_an_effect_performed_twice_has_the_effect_of_once(self, kube, performer, effect):
        kube.put(placed(replica_set("web-old")))
        kube.put(placed(deployment("native")))
        before = without_traces(kube)
        assert await performer.perform(SITE, effect) == Done()
        once = without_traces(kube)

        again = await performer.perform(SITE, effect)

        assert again == Done()
        assert without_traces(kube) == once != before

    async def test_a_scaling_performed_twice_is_outdated_the_second_time(self, kube, performer):
        live = kube.put(placed(replica_set("web-old", replicas=4)))
        scale = Scale(namespace="ns", name="web-old", uid=live["metadata"]["uid"], from_pods=4, to_pods=3)

        results = [await performer.perform(SITE, scale) for _ in range(2)]

        assert results == [Done(), Outdated()]
        assert kube.writes == ["patch ReplicaSet web-old 3"]

    async def test_a_restoration_performed_twice_has_the_effect_of_once(self, kube, performer):
        kube.put(placed(config_map(version="1")))
        restore = await save_and_apply(performer)

        results = [await performer.perform(SITE, restore) for _ in range(2)]

        assert results == [Done(), Done()]
        assert kube.find("ConfigMap", "settings")["data"] == {"version": "1"}


class TestScale:
    @pytest.mark.parametrize(
        ("uid", "from_pods"), [("another", 4), ("the-same", 2)], ids=["made-anew-since", "scaled-since"]
    )
    async def test_a_scaling_from_an_old_view_changes_nothing(self, kube, performer, uid, from_pods):
        live = kube.put(placed(replica_set("web-old", replicas=4)))
        uid = live["metadata"]["uid"] if uid == "the-same" else uid
        scale = Scale(namespace="ns", name="web-old", uid=uid, from_pods=from_pods, to_pods=0)

        assert await performer.perform(SITE, scale) == Outdated()
        assert live["spec"]["replicas"] == 4

    async def test_a_scaling_of_what_is_gone_means_to_look_again(self, performer):
        scale = Scale(namespace="ns", name="gone", uid="u", from_pods=1, to_pods=2)

        assert await performer.perform(SITE, scale) == Outdated()


class TestCreate:
    async def test_a_replica_set_of_our_name_that_we_did_not_make_is_refused(self, kube, performer):
        """Hard case 18."""
        kube.put(placed(replica_set(NEW)))

        result = await performer.perform(SITE, CREATE)

        assert isinstance(result, Refused)
        assert result.reason is EndReason.OBJECT_OWNED_BY
        assert NEW in result.message

    async def test_a_deployment_that_is_still_being_let_go_is_waited_for(self, kube, performer):
        native = kube.put(placed(deployment("native")))

        async def hold_on(call):
            if call.verb == "get":
                kube.put(native)

        kube.before = hold_on

        result = await performer.perform(SITE, orphan(native))

        assert result == Busy(detail="it is being let go")

    async def test_a_request_to_take_over_that_comes_late_leaves_the_next_deployment_alone(self, kube, performer):
        before = kube.put(placed(deployment("native")))
        await performer.perform(SITE, orphan(before))
        restored = kube.put(placed(deployment("native")))

        result = await performer.perform(SITE, orphan(before))

        assert "somebody else created a Deployment native" in result.message
        assert kube.find("Deployment", "native") == restored

    async def test_taking_a_deployment_over_leaves_its_pods_running(self, kube, performer):
        native = kube.put(placed(deployment("web")))
        owned = placed(replica_set("web-5d4f"))
        owned["metadata"]["ownerReferences"] = [{"kind": "Deployment", "uid": native["metadata"]["uid"]}]
        kube.put(owned)

        assert await performer.perform(SITE, orphan(native)) == Done()

        assert kube.find("Deployment", "web") is None
        assert kube.find("ReplicaSet", "web-5d4f")["metadata"].get("ownerReferences") is None

    async def test_a_deployment_that_is_still_being_let_go_is_restored_once_it_is_gone(self, kube, performer):
        native = placed(deployment("native"))
        going = kube.put({**native, "metadata": {**native["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}})
        restore = RestoreDeployment(namespace="ns", name="native", document=json.dumps(native))

        assert isinstance(await performer.perform(SITE, restore), Busy)
        del kube.objects[ref_of(going)]
        assert await performer.perform(SITE, restore) == Done()

        assert "deletionTimestamp" not in kube.find("Deployment", "native")["metadata"]


class TestRestore:
    async def test_an_object_that_we_applied_before_gets_its_old_fields_back(self, kube, performer):
        first = placed(config_map(version="1", old="yes"))
        first["metadata"]["annotations"] = Origin(application="shop", deployment_id="v1", target="prod").annotations()
        await kube.apply(AGENT, first)
        restore = await save_and_apply(performer)
        kube.find("ConfigMap", "settings")["data"]["theirs"] = "kept"

        assert await performer.perform(SITE, restore) == Done()

        live = kube.find("ConfigMap", "settings")
        assert live["data"] == {"version": "1", "old": "yes", "theirs": "kept"}
        assert live["metadata"]["annotations"]["deploy.armory.io/deployment-id"] == "v1"

    async def test_an_object_that_we_had_never_applied_is_patched_back(self, kube, performer):
        kube.put(placed(config_map(version="1")))
        restore = await save_and_apply(performer)
        assert kube.find("ConfigMap", "settings")["metadata"]["annotations"]

        assert await performer.perform(SITE, restore) == Done()

        live = kube.find("ConfigMap", "settings")
        assert live["data"] == {"version": "1"}
        assert "annotations" not in live["metadata"]

    async def test_an_object_that_the_run_created_is_deleted(self, kube, performer):
        restore = await save_and_apply(performer)

        assert await performer.perform(SITE, restore) == Done()

        assert kube.find("ConfigMap", "settings") is None

    async def test_an_object_that_holds_data_stays_although_the_run_created_it(self, kube, performer):
        restore = await save_and_apply(performer)
        live = kube.objects.pop(next(iter(kube.objects)))
        kube.put({**live, "kind": "PersistentVolumeClaim"})
        claim = replace(restore.saved, kind="PersistentVolumeClaim")

        assert await performer.perform(SITE, RestoreObject(saved=claim)) == Done()

        assert kube.find("PersistentVolumeClaim", "settings") is not None

    async def test_an_object_that_another_run_has_changed_since_is_left_alone(self, kube, performer):
        kube.put(placed(config_map(version="1")))
        restore = await save_and_apply(performer)
        kube.find("ConfigMap", "settings")["metadata"]["annotations"]["deploy.armory.io/deployment-id"] = "later"

        assert await performer.perform(SITE, restore) == Done()

        assert kube.find("ConfigMap", "settings")["data"] == {"version": "2"}

    async def test_an_object_that_went_missing_meanwhile_comes_back(self, kube, performer):
        kube.put(placed(config_map(version="1")))
        restore = await save_and_apply(performer)
        kube.objects.clear()

        assert await performer.perform(SITE, restore) == Done()

        assert kube.find("ConfigMap", "settings")["data"] == {"version": "1"}

    async def test_an_object_that_never_was_and_is_not_needs_nothing(self, kube, performer):
        restore = await save_and_apply(performer)
        kube.objects.clear()

        assert await performer.perform(SITE, restore) == Done()

        assert kube.objects == {}

    async def test_a_kind_that_is_no_longer_served_has_nothing_of_ours(self, kube, performer):
        restore = await save_and_apply(performer)
        kube.unserved = {"ConfigMap"}

        assert await performer.perform(SITE, restore) == Done()

    async def test_a_kind_that_is_not_served_is_waited_for_when_something_was_there(self, kube, performer):
        kube.put(placed(config_map(version="1")))
        restore = await save_and_apply(performer)
        kube.unserved = {"ConfigMap"}

        assert isinstance(await performer.perform(SITE, restore), Busy)

    async def test_an_object_of_ours_is_never_left_behind_because_the_cluster_was_busy(self, kube, performer):
        restore = await save_and_apply(performer)

        async def refuse(_call):
            raise ClusterBusy("429 TooManyRequests: slow down")

        kube.before = refuse

        assert await performer.perform(SITE, restore) == Busy(detail="429 TooManyRequests: slow down")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(
            AgentUnavailable("cluster-1", dispatched=None, detail="its tunnel was lost"),
            AgentAway(detail="its tunnel was lost", may_arrive=True),
            id="agent",
        ),
        pytest.param(ClusterBusy("503 down"), Busy(detail="503 down"), id="busy"),
        pytest.param(
            RelayRefused("cluster-1", "DIAL_FAILED", "connection refused", dispatched=False),
            Busy(detail="agent cluster-1: connection refused"),
            id="no-way-to-the-api",
        ),
    ],
)
@pytest.mark.parametrize("effect", [Prepare(), SETTINGS, CREATE, MarkLive(namespace="ns", name="x")], ids=str)
async def test_a_failure_that_may_pass_becomes_a_wait(kube, performer, effect, error, outcome):
    async def fail(_call):
        raise error

    kube.before = fail

    assert await performer.perform(SITE, effect) == outcome


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ClusterRefused(403, "Forbidden", "may not create configmaps"), id="cluster"),
        pytest.param(RelayRefused("cluster-1", "DENIED", "not on the allow-list", dispatched=False), id="agent"),
    ],
)
@pytest.mark.parametrize(
    "effect",
    [SETTINGS, CREATE, Scale(namespace="ns", name="x", uid="u", from_pods=0, to_pods=1)],
    ids=["apply", "create", "scale"],
)
async def test_a_no_is_final_and_keeps_its_words(kube, performer, effect, error):
    async def fail(_call):
        raise error

    kube.before = fail

    assert await performer.perform(SITE, effect) == Refused(reason=EndReason.APPLY_ERROR, message=error.message)


async def test_a_field_of_somebody_else_is_a_no_too(kube, performer):
    live = kube.put(placed(config_map(version="1")))
    fields: dict[str, Any] = {"f:data": {"f:version": {}}}
    live["metadata"]["managedFields"] = [
        {"manager": "helm", "operation": "Apply", "apiVersion": "v1", "time": "t", "fieldsV1": fields}
    ]

    result = await performer.perform(SITE, SETTINGS)

    assert isinstance(result, Refused)
    assert "helm" in result.message


async def test_applied_objects_say_which_run_they_come_from_and_ports_their_protocol(kube, performer):
    assert await performer.perform(SITE, SETTINGS) == await performer.perform(SITE, SERVICE) == Done()

    annotations = kube.find("ConfigMap", "settings")["metadata"]["annotations"]
    assert annotations["deploy.armory.io/deployment-id"] == "abc"
    assert annotations["deploy.armory.io/environment"] == "prod"
    assert kube.find("Service", "web")["spec"]["ports"][0]["protocol"] == "TCP"
