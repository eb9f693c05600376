"""What a run finds before it changes anything, from objects as a cluster lists them."""

import json
from itertools import permutations

import pytest

from borealis_server.domain.deployment import SavedObject, ServicePair
from borealis_server.domain.effects import Prepared, Refused
from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.domain.kubernetes.replica_set import version_hash
from borealis_server.domain.planning.pod_ratio import Bounds
from borealis_server.domain.preparation import LiveObjects, prepare
from borealis_server.domain.states import EndReason

ORIGIN = Origin(application="shop", deployment_id="run-3", target="prod")
NEW = f"web-{version_hash(ORIGIN, 'ns', 'web')}"


def a_manifest(name="web", **spec):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "ns"}, "spec": spec}


def ours(name, *, run="run-1", pods=0, live=False, created="2026-01-01T00:00:00Z", application="shop", workload="web"):
    annotations = {"deploy.armory.io/application": application, "deploy.armory.io/deployment-id": run}
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": created,
            "labels": {"deploy.borealis.dev/managed": "true", "deploy.borealis.dev/workload": workload},
            "annotations": {**annotations, **({"deploy.borealis.dev/live": "true"} if live else {})},
        },
        "spec": {"replicas": pods},
        "status": {"replicas": pods, "availableReplicas": pods},
    }


def native(replicas=4):
    return {**a_manifest(replicas=replicas), "status": {"replicas": replicas}} | {
        "metadata": {"name": "web", "namespace": "ns", "uid": "native-uid"}
    }


def of_native(name, *, revision, pods, uid="native-uid"):
    return {
        "metadata": {
            "name": name,
            "labels": {"pod-template-hash": "5d4f"},
            "annotations": {"deployment.kubernetes.io/revision": revision} if revision else {},
            "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": uid, "controller": True}],
        },
        "spec": {"replicas": pods},
    }


def prepared(*replica_sets, manifest=None, natives=None, others=(), objects=None, namespace="ns"):
    live = LiveObjects(natives=natives or {}, replica_sets={namespace: replica_sets}, objects=objects or {})
    return prepare([manifest or a_manifest()], others, live, ORIGIN)


def the_workload(*replica_sets, **more):
    found = prepared(*replica_sets, **more)
    assert isinstance(found, Prepared), found
    (load,) = found.workloads
    return load


def test_nothing_live_means_no_old_version_and_one_pod_unless_the_manifest_says_more():
    load = the_workload()

    assert (load.name, load.namespace, load.new_name) == ("web", "ns", NEW)
    assert (load.old_name, load.old_replicas, load.leftovers, load.native) == ("", 0, (), "")
    assert load.replicas == 1


@pytest.mark.parametrize(
    ("sets", "old"),
    [
        pytest.param([ours("web-a", pods=4)], "web-a", id="what-serves"),
        pytest.param([ours("web-a", pods=4), ours("web-b", pods=4, live=True)], "web-b", id="live-before-what-serves"),
        pytest.param([ours("web-a", live=True), ours("web-b", pods=1)], "web-a", id="live-even-with-no-pods"),
        pytest.param(
            [ours("web-a", pods=4, created="2026-01-02T00:00:00Z"), ours("web-b", pods=4)], "web-a", id="newest-of-two"
        ),
        pytest.param([ours("web-a"), ours("web-b")], "", id="nothing-serves"),
    ],
)
def test_the_old_version_is_the_live_one_or_else_what_serves_and_the_rest_is_left_over(sets, old):
    for order in permutations(sets):
        load = the_workload(*order)
        names = {each["metadata"]["name"] for each in sets}
        assert load.old_name == old
        assert set(load.leftovers) == names - {old}


def test_the_old_versions_size_is_remembered_for_the_way_back():
    assert the_workload(ours("web-a", pods=3)).old_replicas == 3


def test_our_own_new_version_from_before_a_crash_is_neither_old_nor_left_over():
    load = the_workload(ours(NEW, run="run-3", pods=1), ours("web-a", pods=3))

    assert (load.old_name, load.leftovers) == ("web-a", ())


def test_what_ended_runs_left_is_named_in_a_warning():
    found = prepared(ours("web-a", pods=4, live=True), ours("web-b"), ours("web-c"))

    assert found.warnings == ("web: removes what ended runs left: web-b, web-c",)


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param(ours("web-a", pods=4, workload="api"), id="another-workload"),
        pytest.param(of_native("web-a", revision="1", pods=4, uid="other"), id="somebody-elses"),
        pytest.param({"metadata": {"name": "web-a"}, "spec": {"replicas": 4}}, id="no-labels-at-all"),
        pytest.param(
            {
                "metadata": {
                    "name": "web-a",
                    "labels": {"deploy.borealis.dev/managed": "no", "deploy.borealis.dev/workload": "web"},
                }
            },
            id="not-managed",
        ),
    ],
)
def test_replica_sets_of_others_are_never_touched(foreign):
    load = the_workload(foreign, natives={("ns", "web"): native()})

    assert (load.old_name, load.leftovers) == ("", ())


def test_replica_sets_of_another_namespace_are_not_ours():
    assert the_workload(ours("web-a", pods=4), namespace="elsewhere").old_name == ""


def test_a_workload_of_another_application_is_refused_by_name():
    found = prepared(ours("web-a", pods=4, application="billing"))

    assert isinstance(found, Refused)
    assert found.reason is EndReason.OBJECT_OWNED_BY
    assert found.message.startswith("Deployment web in namespace ns belongs to application billing")


def test_a_native_deployment_is_taken_over_from_its_newest_revision():
    live = native(replicas=5)
    sets = [
        of_native("web-9", revision="9", pods=0),
        of_native("web-10", revision="10", pods=5),
        of_native("web-x", revision="", pods=0),
    ]

    load = the_workload(*sets, natives={("ns", "web"): live})

    assert (load.old_name, load.old_replicas) == ("web-10", 5)
    assert load.leftovers == ("web-9", "web-x")
    assert json.loads(load.native) == live


def test_a_native_deployment_serves_rather_than_what_an_ended_run_of_ours_left():
    found = prepared(
        ours("web-a", pods=2, live=True),
        of_native("web-1", revision="1", pods=4),
        natives={("ns", "web"): native()},
    )

    (load,) = found.workloads
    assert (load.old_name, load.leftovers) == ("web-1", ("web-a",))
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("written", "native_pods", "old_pods", "wanted"),
    [
        pytest.param(6, 5, 4, 6, id="as-written"),
        pytest.param(0, 5, 4, 0, id="zero-is-written-too"),
        pytest.param(None, 5, 4, 5, id="as-the-native-one"),
        pytest.param(None, None, 4, 4, id="as-many-as-live"),
        pytest.param(None, None, None, 1, id="one"),
    ],
)
def test_pods_wanted_are_those_written_else_those_live_else_one(written, native_pods, old_pods, wanted):
    manifest = a_manifest() if written is None else a_manifest(replicas=written)
    natives = {("ns", "web"): native(native_pods)} if native_pods is not None else {}
    sets = [ours("web-a", pods=old_pods)] if old_pods is not None else []

    assert the_workload(*sets, manifest=manifest, natives=natives).replicas == wanted


@pytest.mark.parametrize(
    ("rolling", "bounds"),
    [
        pytest.param(None, Bounds(max_surge=2, max_unavailable=0), id="defaults"),
        pytest.param({"maxSurge": 3}, Bounds(max_surge=3, max_unavailable=0), id="pods"),
        pytest.param({"maxSurge": "50%"}, Bounds(max_surge=4, max_unavailable=0), id="share"),
        pytest.param({"maxSurge": 0, "maxUnavailable": "25%"}, Bounds(max_surge=0, max_unavailable=2), id="no-surge"),
        pytest.param({"maxSurge": 0, "maxUnavailable": 0}, Bounds(max_surge=0, max_unavailable=1), id="never-stuck"),
    ],
)
def test_bounds_are_the_manifests_where_it_writes_them(rolling, bounds):
    manifest = a_manifest(replicas=8, **({"strategy": {"rollingUpdate": rolling}} if rolling else {}))

    assert the_workload(manifest=manifest).bounds == bounds


def test_every_object_that_will_be_applied_is_copied_as_it_is_now():
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s", "namespace": "ns"}}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    before = {**settings, "data": {"a": "b"}}

    found = prepared(others=[role, settings], objects={1: before})

    assert found.saved == (
        SavedObject(api_version="rbac.authorization.k8s.io/v1", kind="ClusterRole", name="r"),
        SavedObject(api_version="v1", kind="ConfigMap", name="s", namespace="ns", before=json.dumps(before)),
    )


class TestAutoscalers:
    def scaler(self, name="web", *, kind="Deployment", of="web", namespace="ns"):
        return {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"scaleTargetRef": {"kind": kind, "name": of}},
        }

    def found(self, *live, others=(), replicas=3):
        old = ours("web-old", pods=10, live=True)
        objects = LiveObjects(natives={}, replica_sets={"ns": [old]}, objects={}, autoscalers=live)
        return prepare([a_manifest(replicas=replicas)], others, objects, ORIGIN)

    def test_one_of_the_old_version_decides_on_the_pods(self):
        found = self.found(self.scaler(kind="ReplicaSet", of="web-old"))

        (one,), (load,) = found.autoscalers, found.workloads
        assert (one.name, one.workload, one.index, json.loads(one.before)["kind"]) == (
            "web",
            "web",
            None,
            "HorizontalPodAutoscaler",
        )
        assert (load.replicas, load.is_autoscaled, load.bounds.max_surge) == (10, True, 3)

    def test_one_of_the_manifests_alone_does_not(self):
        found = self.found(others=[self.scaler()])

        assert [(one.index, one.before) for one in found.autoscalers] == [(0, "")]
        assert found.workloads[0].replicas == 3

    def test_the_same_in_both_is_one(self):
        found = self.found(self.scaler(kind="ReplicaSet", of="gone-by-now"), others=[self.scaler()])

        assert [(one.index, bool(one.before)) for one in found.autoscalers] == [(0, True)]

    def test_others_are_left_alone(self):
        found = self.found(
            self.scaler(of="other"), self.scaler(namespace="far"), self.scaler(kind="StatefulSet"), others=[]
        )

        assert found.autoscalers == ()

    def test_two_of_one_workload_are_warned_of(self):
        found = self.found(self.scaler("one"), self.scaler("two"))

        assert found.warnings == ("web: several autoscalers scale it (one, two): keep one of them",)

    def test_what_can_only_be_ready_with_the_pods_is_not_awaited_before_them(self):
        scaled = {
            "apiVersion": "keda.sh/v1",
            "kind": "ScaledObject",
            "metadata": {"name": "s"},
            "spec": {"scaleTargetRef": {"name": "web"}},
        }
        api = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "a"}}
        widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}

        found = self.found(others=[scaled, api, widget])
        alone = prepare([], [api], LiveObjects(natives={}, replica_sets={}, objects={}), ORIGIN)

        assert [saved.is_awaited for saved in found.saved] == [False, False, True]
        assert [saved.is_awaited for saved in alone.saved] == [True]


def owned(kind, application):
    metadata = {"name": "x", "namespace": "ns", "annotations": {"deploy.armory.io/application": application}}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def test_an_object_of_another_application_is_refused_by_name():
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "ns"}}

    refused = prepared(others=[manifest], objects={0: owned("ConfigMap", "billing")})

    assert isinstance(refused, Refused)
    assert refused.message.startswith("ConfigMap x in namespace ns belongs to application billing: rename it")


@pytest.mark.parametrize(("kind", "application"), [("Namespace", "billing"), ("ConfigMap", "shop"), ("ConfigMap", "")])
def test_what_applications_share_is_not_refused(kind, application):
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "namespace": "ns"}}

    assert isinstance(prepared(others=[manifest], objects={0: owned(kind, application)}), Prepared)


def test_a_native_deployment_of_another_application_is_refused():
    foreign = native()
    foreign["metadata"]["annotations"] = {"deploy.armory.io/application": "billing"}

    assert isinstance(prepared(natives={("ns", "web"): foreign}), Refused)


def test_case_19_a_name_that_somebody_has_taken_is_not_taken_again():
    second = f"web-{version_hash(ORIGIN, 'ns', 'web', 1)}"

    load = the_workload({"metadata": {"name": NEW}, "spec": {"replicas": 1}})

    assert load.new_name == second
    assert the_workload(ours(NEW, run="run-3")).new_name == NEW


def test_the_old_version_is_kept_as_it_would_be_made_again():
    old = of_native("web-5d4f", revision="1", pods=4)
    old["metadata"] |= {"uid": "u", "resourceVersion": "7"}

    load = the_workload(old, natives={("ns", "web"): native()})

    copy = json.loads(load.old_copy)
    assert copy["spec"] == {"replicas": 0}
    assert set(copy["metadata"]) == {"name", "labels", "annotations"}


WEB_PAIR = (ServicePair(active="web"),)


def with_services(*services, pairs=WEB_PAIR):
    live = LiveObjects(natives={}, replica_sets={"ns": ()}, objects={}, services=services)
    manifest = a_manifest(template={"metadata": {"labels": {"app": "web"}}})
    return prepare([manifest], [], live, ORIGIN, pairs)


def a_service(name="web", *, application="", **selector):
    annotations = {"deploy.armory.io/application": application} if application else {}
    metadata = {"name": name, "namespace": "ns", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": selector}}


def test_bg_11_services_are_matched_before_anything_is_changed():
    found, refused = with_services(a_service(app="web")), with_services(a_service(app="shop"))

    assert isinstance(found, Prepared)
    assert [(one.name, one.workload) for one in found.services] == [("web", "web")]
    assert isinstance(refused, Refused)
    assert refused.reason is EndReason.SERVICE_NOT_MATCHED


def test_a_service_of_another_application_is_refused_where_the_run_would_change_it():
    foreign = a_service(application="billing", app="web")

    refused = with_services(foreign)

    assert isinstance(refused, Refused)
    assert refused.reason is EndReason.OBJECT_OWNED_BY
    assert "Service web in namespace ns belongs to application billing" in refused.message
    assert isinstance(with_services(foreign, pairs=()), Prepared)
