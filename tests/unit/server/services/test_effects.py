"""Effects beyond apply and scale, one family after the other, on a model cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from borealis_server.domain.autoscaler import Autoscaler
from borealis_server.domain.effects import (
    ApplyObject,
    Busy,
    CreateReplicaSet,
    Done,
    KeepDeployment,
    Outdated,
    PlaceAutoscaler,
    Prepare,
    Prepared,
    Refused,
    RemoveAutoscaler,
    RestoreAutoscaler,
    RestoreDeployment,
    RestoreReplicaSet,
)
from borealis_server.domain.errors import ClusterBusy, ClusterRefused, KindNotServed
from borealis_server.domain.states import EndReason
from kit.effects import NEW, SITE, performer_of, placed
from kit.manifests import config_map, deployment, replica_set, service
from kit.model_kube import ModelKube

KEEP = KeepDeployment(namespace="ns", name="web", replica_set=NEW)


@pytest.fixture
def kube():
    return ModelKube()


@pytest.fixture
async def performer(kube):
    return await performer_of(
        kube, placed(config_map(version="2")), placed(service()), placed(deployment(image="web:2")), placed(scaler())
    )


def scaler(kind="Deployment", name="web"):
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"kind": kind, "name": name}, "maxReplicas": 5},
    }


def scaled(kube):
    found = kube.find("HorizontalPodAutoscaler", "web")
    return found and (found["spec"]["scaleTargetRef"]["kind"], found["spec"]["scaleTargetRef"]["name"])


class TestPrepare:
    async def test_it_reads_what_is_live_and_changes_nothing(self, kube, performer):
        kube.put(placed(config_map(version="1")))
        native = kube.put(placed(deployment("web")))

        found = await performer.perform(SITE, Prepare())

        assert [load.native for load in found.workloads] == [json.dumps(native)]
        assert [json.loads(saved.before)["data"] if saved.before else "" for saved in found.saved] == [
            {"version": "1"},
            "",
            "",
        ]
        assert kube.writes == []

    async def test_a_kind_that_nobody_serves_or_defines_is_refused_at_once(self, kube, performer):
        kube.unserved = {"ConfigMap"}

        found = await performer.perform(SITE, Prepare())

        assert found == Refused(reason=EndReason.APPLY_ERROR, message="the cluster serves no kind ConfigMap")

    async def test_a_kind_that_this_run_will_define_has_no_objects_yet(self, kube):
        names = {"kind": "Widget", "plural": "widgets"}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com"},
            "spec": {"group": "example.com", "names": names},
        }
        widget = placed({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}})
        kube.unserved = {"Widget"}

        found = await (await performer_of(kube, definition, widget)).perform(SITE, Prepare())

        assert isinstance(found, Prepared)
        assert [saved.before for saved in found.saved] == ["", ""]

    async def test_a_namespace_that_is_missing_or_going_is_said_at_once(self, kube, performer):
        kube.missing_namespaces = {"ns"}
        missing = await performer.perform(SITE, Prepare())
        kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns", "deletionTimestamp": "now"}})

        going = await performer.perform(SITE, Prepare())

        assert missing.message == "namespace ns does not exist: create it, or add a Namespace to the manifests"
        assert going.message.startswith("namespace ns is being deleted")

    async def test_a_namespace_that_may_not_be_read_is_taken_for_granted(self, kube, performer):
        async def forbid(call):
            if call.ref.kind == "Namespace":
                raise ClusterRefused(403, "Forbidden", "may not get namespaces")

        kube.before = forbid

        assert isinstance(await performer.perform(SITE, Prepare()), Prepared)

    async def test_any_other_refusal_about_a_namespace_is_one(self, kube, performer):
        async def refuse(call):
            if call.ref.kind == "Namespace":
                raise ClusterRefused(405, "MethodNotAllowed", "no")

        kube.before = refuse

        assert isinstance(await performer.perform(SITE, Prepare()), Refused)

    async def test_an_object_that_cannot_be_read_now_is_never_taken_for_one_that_does_not_exist(self, kube, performer):
        kube.put(placed(config_map(version="1")))

        async def refuse(call):
            if call.ref.kind == "ConfigMap":
                raise ClusterBusy("503 ServiceUnavailable: starting")

        kube.before = refuse

        assert await performer.perform(SITE, Prepare()) == Busy(detail="503 ServiceUnavailable: starting")


class TestAutoscalers:
    def copy(self, kube, index=None):
        live = kube.put(placed(scaler("ReplicaSet", "web-old")))
        return Autoscaler(namespace="ns", name="web", workload="web", before=json.dumps(live), index=index)

    @pytest.mark.parametrize("index", [None, 2], ids=["copy", "manifest"])
    async def test_one_is_away_and_then_scales_what_it_is_told_to(self, kube, performer, index):
        one = self.copy(kube, index)
        for _ in range(2):
            assert await performer.perform(SITE, RemoveAutoscaler(autoscaler=one)) == Done()
        assert scaled(kube) is None

        for _ in range(2):
            assert await performer.perform(SITE, PlaceAutoscaler(autoscaler=one, replica_set=NEW)) == Done()
        assert scaled(kube) == ("ReplicaSet", NEW)
        marks = kube.find("HorizontalPodAutoscaler", "web")["metadata"]["annotations"]
        assert marks["deploy.armory.io/application"] == "shop"

        assert await performer.perform(SITE, PlaceAutoscaler(autoscaler=one, replica_set="")) == Done()
        assert scaled(kube) == ("Deployment", "web")

    async def test_one_comes_back_as_it_was_and_only_once(self, kube, performer):
        one = self.copy(kube)
        await performer.perform(SITE, RemoveAutoscaler(autoscaler=one))

        for _ in range(2):
            assert await performer.perform(SITE, RestoreAutoscaler(autoscaler=one)) == Done()

        assert scaled(kube) == ("ReplicaSet", "web-old")

    async def test_the_newest_version_that_is_served_is_read(self, kube, performer):
        async def old(call):
            if call.ref.api_version == "autoscaling/v2":
                raise KindNotServed("no v2")

        kube.before = old
        kube.put({**placed(scaler()), "apiVersion": "autoscaling/v2beta2"})

        found = await performer.perform(SITE, Prepare())

        assert isinstance(found, Refused)  # the manifest is written in a version that is not served

    async def test_a_cluster_without_autoscalers_has_none(self, kube):
        kube.unserved = {"HorizontalPodAutoscaler"}

        found = await (await performer_of(kube, placed(deployment()))).perform(SITE, Prepare())

        assert found.autoscalers == ()


class TestDeployments:
    async def test_a_kept_deployment_owns_the_new_replica_set(self, kube, performer):
        await performer.perform(SITE, CreateReplicaSet(namespace="ns", workload="web", name=NEW))

        for _ in range(2):
            assert await performer.perform(SITE, KEEP) == Done()

        owner = kube.find("Deployment", "web")["metadata"]["uid"]
        assert kube.find("ReplicaSet", NEW)["metadata"]["ownerReferences"][0]["uid"] == owner

    async def test_without_its_replica_set_there_is_nothing_to_keep(self, performer):
        assert await performer.perform(SITE, KEEP) == Refused(
            reason=EndReason.APPLY_ERROR, message=f"ReplicaSet {NEW} is gone"
        )

    async def test_a_deployment_of_somebody_else_is_not_taken_for_ours(self, kube, performer):
        await performer.perform(SITE, CreateReplicaSet(namespace="ns", workload="web", name=NEW))
        kube.put(placed(deployment("web")))

        refused = await performer.perform(SITE, KEEP)

        assert refused.reason is EndReason.OBJECT_OWNED_BY

    async def test_one_whose_replica_set_is_somebody_elses_is_waited_for(self, kube, performer):
        await performer.perform(SITE, CreateReplicaSet(namespace="ns", workload="web", name=NEW))
        kube.find("ReplicaSet", NEW)["metadata"]["ownerReferences"] = [{"uid": "x", "controller": True}]

        assert isinstance(await performer.perform(SITE, KEEP), Busy)

    async def test_a_restored_deployment_owns_its_old_replica_set_again(self, kube, performer):
        kube.put(placed(replica_set("web-old")))
        document = json.dumps(placed(deployment("web")))
        effect = RestoreDeployment(namespace="ns", name="web", document=document, replica_set="web-old")
        kube.find("ReplicaSet", "web-old")["metadata"]["labels"] = {"app": "web"}

        assert await performer.perform(SITE, effect) == Done()


class TestReplicaSets:
    async def test_an_old_version_is_made_again_once(self, kube, performer):
        document = placed(replica_set("web-old", replicas=0))
        effect = RestoreReplicaSet(namespace="ns", name="web-old", document=json.dumps(document))

        for _ in range(2):
            assert await performer.perform(SITE, effect) == Done()

        assert kube.writes == ["create ReplicaSet web-old"]

    async def test_one_on_its_way_out_is_waited_for(self, kube, performer):
        create = CreateReplicaSet(namespace="ns", workload="web", name=NEW)
        await performer.perform(SITE, create)
        kube.find("ReplicaSet", NEW)["metadata"]["deletionTimestamp"] = "now"

        assert isinstance(await performer.perform(SITE, create), Busy)

    async def test_one_that_somebody_else_owns_is_not_ours(self, kube, performer):
        create = CreateReplicaSet(namespace="ns", workload="web", name=NEW)
        await performer.perform(SITE, create)
        kube.find("ReplicaSet", NEW)["metadata"]["ownerReferences"] = [{"uid": "x"}]

        assert (await performer.perform(SITE, create)).reason is EndReason.OBJECT_OWNED_BY


class TestApply:
    async def test_what_kubectl_applied_is_adopted_unless_it_changed_meanwhile(self, kube, performer):
        live = kube.put(placed(config_map(version="1")))
        live["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
        fields: dict[str, Any] = {"f:data": {"f:version": {}}}
        entry = {"manager": "kubectl-client-side-apply", "operation": "Update", "apiVersion": "v1", "time": "t"}
        live["metadata"]["managedFields"] = [{**entry, "fieldsType": "FieldsV1", "fieldsV1": fields}]
        settings = ApplyObject(index=0, label="ConfigMap settings")
        kube.refuses_patches = True
        assert await performer.perform(SITE, settings) == Outdated()
        kube.refuses_patches = False

        assert await performer.perform(SITE, settings) == Done()

        assert kube.find("ConfigMap", "settings")["data"] == {"version": "2"}

    async def test_the_pods_of_an_autoscaled_object_are_left_alone(self, kube):
        document = placed({**replica_set("db", replicas=1), "kind": "StatefulSet"})
        kube.put({**document, "spec": {**document["spec"], "replicas": 4}})
        performer = await performer_of(kube, document, placed(scaler("StatefulSet", "db")))

        assert await performer.perform(SITE, ApplyObject(index=0, label="StatefulSet db")) == Done()

        assert kube.find("StatefulSet", "db")["spec"]["replicas"] == 4

    async def test_a_refusal_that_people_can_do_something_about_says_what(self, kube, performer):
        async def refuse(call):
            if call.verb == "apply":
                raise ClusterRefused(404, "NotFound", 'namespaces "ns" not found')

        kube.before = refuse

        refused = await performer.perform(SITE, ApplyObject(index=0, label="ConfigMap settings"))

        assert refused.message.startswith("ConfigMap settings in namespace ns needs a namespace that does not exist")
