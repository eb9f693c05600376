"""The objects around the pods: who owns them and their fields, and how they go back. ADR 0017.

Rows K8-11, K8-12, K8-13, PL-18; hard cases 20, 21, 24, 25, 31, 47.
"""

from __future__ import annotations

import json

from borealis_server.domain.states import DeploymentState, EndReason, Rollback
from kit.lab import APPROVAL, other, settings, web, weight

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
OLD = {"never": "touched"}


def service(name="extra"):
    return other("v1", "Service", name, spec={"selector": {"app": "shop"}, "ports": [{"port": 80}]})


def claim(name="data"):
    resources = {"requests": {"storage": "1Gi"}}
    return other("v1", "PersistentVolumeClaim", name, spec={"accessModes": ["ReadWriteOnce"], "resources": resources})


def managers(document):
    return {(entry["manager"], entry["operation"]) for entry in document["metadata"]["managedFields"]}


async def config_map(lab, name="shop-settings"):
    return await lab.get("configmaps", name, group="v1")


async def test_k8_11_k8_12_k8_13_a_rollback_restores_what_changed_deletes_what_is_new_and_keeps_the_rest(lab):
    await lab.deploy(web("1", replicas=2), settings("1"), settings("1", "unlisted"))
    key = await lab.start(web("2", replicas=2), settings("2"), service(), steps=(weight(50), APPROVAL))
    await lab.until_approval(key)
    assert (await config_map(lab))["data"] == {"version": "2"}

    done = await lab.roll_back(key)

    assert (done.state, done.targets[0].rollback) == (DeploymentState.CANCELLED, Rollback.DONE), done.message
    assert (await config_map(lab))["data"] == {"version": "1"}
    assert await lab.get("services", "extra", group="v1") is None
    assert (await config_map(lab, "unlisted"))["data"] == {"version": "1"}


async def test_k8_12_namespaces_and_claims_that_the_run_made_stay(real_lab):
    key = await real_lab.start(web("2", replicas=1), claim(), settings("1"), steps=(weight(50),))
    await real_lab.until_wait(key, "of 1 pods of the new version")

    done = await real_lab.roll_back(key)

    assert done.targets[0].rollback is Rollback.DONE
    assert await real_lab.get("persistentvolumeclaims", "data", group="v1") is not None
    assert await config_map(real_lab) is None


async def test_case_47_settings_go_back_before_the_old_version_grows_again(lab):
    await lab.deploy(web("1"), settings("1"))
    key = await lab.start(web("2"), settings("2"), service(), steps=(weight(50), APPROVAL))
    await lab.until_approval(key)
    done = await lab.roll_back(key)

    events = await lab.plane.journal.store.events(key, after_sequence=0, limit=1000)
    told = [event.message for event in events if event.kind == "EFFECT_DONE"]
    old = done.targets[0].workloads[0].old_name
    assert told.index("restore ConfigMap shop-settings") < told.index(f"scale {old} from 2 to 3")
    assert told.index(f"scale {old} from 2 to 3") < told.index("delete Service extra")
    assert told.count("restore ConfigMap shop-settings") == 1


async def test_pl_18_another_applications_object_is_refused_by_name_before_anything_is_changed(lab):
    await lab.deploy(web("1", replicas=1), settings("1"))

    done = await lab.ended(service(), settings("9"), application="intruder")

    assert done.targets[0].end_reason is EndReason.OBJECT_OWNED_BY
    place = f"ConfigMap shop-settings in namespace {lab.namespace}"
    assert done.targets[0].message.startswith(f"{place} belongs to application shop: rename it")
    assert (await config_map(lab))["data"] == {"version": "1"}
    assert await lab.get("services", "extra", group="v1") is None


async def test_pl_18_another_applications_deployment_is_refused_also_where_it_is_kept(lab):
    await lab.deploy(web("1", replicas=1), keeps=True)

    done = await lab.ended(web("2", replicas=1), settings("1"), application="intruder")

    assert done.targets[0].end_reason is EndReason.OBJECT_OWNED_BY
    assert "Deployment shop" in done.targets[0].message
    assert await config_map(lab) is None


async def test_case_24_a_field_of_somebody_else_stops_the_run_and_both_are_named(lab):
    await lab.deploy(settings("1"))
    path = lab.path("configmaps", "shop-settings", group="v1")
    (await lab.rest.patch(path, {"data": {"version": "hotfix"}}, fieldManager="ana")).ok()

    done = await lab.ended(settings("2"), service())

    assert done.targets[0].end_reason is EndReason.APPLY_ERROR
    assert ".data.version belongs to ana" in done.targets[0].message
    assert "or let that manager give them up" in done.targets[0].message
    assert (await config_map(lab))["data"] == {"version": "hotfix"}
    assert await lab.get("services", "extra", group="v1") is None


async def test_case_25_an_object_that_kubectl_applied_is_adopted_without_a_conflict(lab):
    manifest = {**settings("1"), "data": {"version": "1", "dropped": "yes"}}
    manifest["metadata"] = {**manifest["metadata"], "annotations": {}}
    applied = {**manifest, "metadata": {**manifest["metadata"], "annotations": {LAST_APPLIED: json.dumps(manifest)}}}
    path = lab.path("configmaps", group="v1")
    (await lab.rest.post(path, applied, fieldManager="kubectl-client-side-apply")).ok()
    (await lab.rest.patch(f"{path}/shop-settings", {"data": {"added": "by ana"}}, fieldManager="ana")).ok()

    await lab.deploy(settings("2"))

    live = await config_map(lab)
    assert live["data"] == {"version": "2", "added": "by ana"}
    assert LAST_APPLIED not in live["metadata"]["annotations"]
    assert managers(live) == {("borealis", "Apply"), ("ana", "Update")}


async def test_case_25_a_rollback_gives_an_adopted_object_back_as_it_was(lab):
    annotated = {"name": "shop-settings", "annotations": {LAST_APPLIED: "{}"}}
    body = {**settings("1"), "metadata": annotated}
    (await lab.rest.post(lab.path("configmaps", group="v1"), body, fieldManager="kubectl-client-side-apply")).ok()
    key = await lab.start(web("1", replicas=1), settings("2"), steps=(weight(100),))
    await lab.until_wait(key, "of 1 pods of the new version")

    await lab.roll_back(key)

    live = await config_map(lab)
    assert (live["data"], live["metadata"]["annotations"]) == ({"version": "1"}, {LAST_APPLIED: "{}"})


async def test_case_24_an_autoscaler_keeps_the_pods_of_a_stateful_set(lab):
    version = "autoscaling/v2" if lab.is_sandbox else "autoscaling/v2beta2"
    containers = [{"name": "db", "image": "example.com/db:1"}]

    def db(image):
        template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{**containers[0], "image": image}]}}
        spec = {"replicas": 1, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template}
        return other("apps/v1", "StatefulSet", "db", spec=spec)

    target = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5}
    scaler = other(version, "HorizontalPodAutoscaler", "db", spec=spec)
    await lab.deploy(db("example.com/db:1"), scaler)
    await lab.scale("db", 2, plural="statefulsets")

    await lab.deploy(db("example.com/db:2"), scaler)

    live = await lab.get("statefulsets", "db")
    assert (live["spec"]["replicas"], live["status"]["readyReplicas"]) == (2, 2)


async def test_case_21_an_immutable_field_is_named_and_nothing_is_retried(lab):
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db", "image": "d:1"}]}}

    def db(service_name):
        spec = {"serviceName": service_name, "selector": {"matchLabels": {"app": "db"}}, "template": template}
        return other("apps/v1", "StatefulSet", "db", spec={**spec, "replicas": 0})

    await lab.deploy(db("one"))

    done = await lab.ended(settings("1"), db("two"))

    assert done.targets[0].end_reason is EndReason.APPLY_ERROR
    assert "StatefulSet db in namespace" in done.targets[0].message
    assert "cannot be changed in place: spec is immutable" in done.targets[0].message
    assert "give the object another name, or delete it and start again" in done.targets[0].message
    assert await config_map(lab) is None


async def test_case_31_a_namespace_that_does_not_exist_is_said_at_once(lab):
    lab.namespace = f"{lab.namespace}-nowhere"

    done = await lab.ended(settings("1"), web("1"))

    assert (done.state, done.targets[0].rollback) == (DeploymentState.FAILED, Rollback.NONE)
    assert f"namespace {lab.namespace} does not exist: create it" in done.targets[0].message
