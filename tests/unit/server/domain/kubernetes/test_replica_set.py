"""ReplicaSets made from manifests, and views of live ones in the shapes that Kubernetes gives them."""

from typing import Any

import pytest

from borealis_server.domain.kubernetes.json_types import annotation, dig, label
from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.domain.kubernetes.replica_set import (
    pod_problems,
    replica_set_of,
    version_hash,
    view_of,
    workload_label,
)
from borealis_server.domain.observation import PodProblem, ReplicaSetView

ORIGIN = Origin(application="shop", deployment_id="abc", target="prod")
HASH = version_hash(ORIGIN, "shop-ns", "web")
MANIFEST: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop-ns", "labels": {"team": "checkout"}},
    "spec": {
        "replicas": 4,
        "minReadySeconds": 5,
        "strategy": {"rollingUpdate": {"maxSurge": 1}},
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "app", "operator": "Exists"}]},
        "template": {
            "metadata": {"labels": {"app": "web"}, "annotations": {"prometheus.io/scrape": "true"}},
            "spec": {
                "initContainers": [{"name": "init", "image": "i"}],
                "containers": [
                    {"name": "web", "image": "w", "env": [{"name": "ARMORY_DEPLOYMENT_ID", "value": "mine"}]}
                ],
                "nodeSelector": {"disk": "ssd"},
            },
        },
    },
}


def test_a_new_version_starts_with_no_pods_under_a_name_of_its_own():
    made = replica_set_of(MANIFEST, ORIGIN)

    assert made["metadata"]["name"] == f"web-{HASH}"
    assert made["metadata"]["namespace"] == "shop-ns"
    assert made["spec"]["replicas"] == 0
    assert made["spec"]["minReadySeconds"] == 5
    assert set(made["spec"]) == {"replicas", "minReadySeconds", "selector", "template"}


def test_only_pods_of_this_version_are_selected():
    made = replica_set_of(MANIFEST, ORIGIN)

    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app": "web", "armory-pod-template-hash": HASH}
    assert made["spec"]["selector"]["matchLabels"] == labels
    assert made["spec"]["selector"]["matchExpressions"] == MANIFEST["spec"]["selector"]["matchExpressions"]


def test_a_version_says_where_it_comes_from():
    made = replica_set_of(MANIFEST, ORIGIN)

    origin = {
        "deploy.armory.io/application": "shop",
        "deploy.armory.io/deployment-id": "abc",
        "deploy.armory.io/environment": "prod",
        "deploy.armory.io/replica-set-name": f"web-{HASH}",
    }
    assert made["metadata"]["annotations"] == origin
    assert made["spec"]["template"]["metadata"]["annotations"] == {"prometheus.io/scrape": "true", **origin}
    assert made["metadata"]["labels"] == {
        "team": "checkout",
        "app": "web",
        "deploy.borealis.dev/managed": "true",
        "deploy.borealis.dev/workload": "web",
        "armory-pod-template-hash": HASH,
    }


def test_every_container_learns_its_version_and_keeps_its_own_variables():
    spec = replica_set_of(MANIFEST, ORIGIN)["spec"]["template"]["spec"]

    (init,), (web,) = spec["initContainers"], spec["containers"]
    assert {one["name"]: one["value"] for one in init["env"]} == {
        "ARMORY_APPLICATION_NAME": "shop",
        "ARMORY_DEPLOYMENT_ID": "abc",
        "ARMORY_ENVIRONMENT_NAME": "prod",
        "ARMORY_REPLICA_SET_NAME": f"web-{HASH}",
    }
    assert [one["value"] for one in web["env"] if one["name"] == "ARMORY_DEPLOYMENT_ID"] == ["mine"]
    assert len(web["env"]) == 4
    assert spec["nodeSelector"] == {"disk": "ssd"}


def test_the_smallest_manifest_is_enough_and_stays_as_it_was():
    manifest = {
        "metadata": {"name": "web", "namespace": "n"},
        "spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "web"}]}}},
    }
    before = repr(manifest)

    made = replica_set_of(manifest, ORIGIN)

    assert made["spec"]["minReadySeconds"] == 0
    assert "initContainers" not in made["spec"]["template"]["spec"]
    assert list(made["spec"]["selector"]["matchLabels"]) == ["armory-pod-template-hash"]
    assert repr(manifest) == before


def test_a_template_without_containers_is_left_for_the_cluster_to_refuse():
    manifest = {"metadata": {"name": "web"}, "spec": {"selector": {}, "template": {}}}

    assert replica_set_of(manifest, ORIGIN)["spec"]["template"]["spec"] == {}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((Origin(application="shop", deployment_id="abx", target="prod"), "shop-ns", "web"), id="run"),
        pytest.param((Origin(application="shop", deployment_id="abc", target="qa"), "shop-ns", "web"), id="target"),
        pytest.param((ORIGIN, "other-ns", "web"), id="namespace"),
        pytest.param((ORIGIN, "shop-ns", "api"), id="workload"),
    ],
)
def test_every_run_of_every_workload_has_a_hash_of_its_own(other):
    assert version_hash(*other) != HASH
    assert len(HASH) == 10


@pytest.mark.parametrize(("length", "is_kept"), [(63, True), (64, False), (253, False)])
def test_a_name_that_is_too_long_for_a_label_becomes_a_digest(length, is_kept):
    name = "w" * length

    assert (workload_label(name) == name) is is_kept
    assert len(workload_label(name)) == 63
    assert workload_label(name) != workload_label(name[:-1] + "x")


def live(spec=4, **status):
    generation = status.pop("generation", 3)
    return {
        "metadata": {"name": "web-1", "uid": "u", "generation": generation},
        "spec": {"replicas": spec},
        "status": {"observedGeneration": 3, **status},
    }


def test_a_live_replica_set_is_seen_as_it_reports_itself():
    assert view_of(live(replicas=4, availableReplicas=3, readyReplicas=4)) == ReplicaSetView(
        name="web-1", uid="u", desired=4, total=4, available=3, is_settled=True
    )


@pytest.mark.parametrize(
    ("document", "field", "value"),
    [
        pytest.param(live(2, replicas=4, availableReplicas=4), "available", 2, id="pods-about-to-go-do-not-count"),
        pytest.param(live(2, replicas=4, availableReplicas=4), "total", 4, id="but-they-are-there"),
        pytest.param(live(generation=4), "is_settled", False, id="controller-has-not-seen-the-change"),
        pytest.param(live(generation=2), "is_settled", True, id="controller-is-ahead-of-our-copy"),
        pytest.param({"metadata": {"name": "web-1", "generation": 1}}, "is_settled", False, id="just-created"),
        pytest.param({"metadata": {"name": "web-1"}, "spec": {}}, "desired", 0, id="no-replicas-written"),
    ],
)
def test_counts_are_believed_only_as_far_as_they_can_be(document, field, value):
    assert getattr(view_of(document), field) == value


@pytest.mark.parametrize(
    ("condition", "failure"),
    [
        pytest.param(
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: pods"},
            "exceeded quota: pods",
            id="message",
        ),
        pytest.param(
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}, "FailedCreate", id="reason"
        ),
        pytest.param({"type": "ReplicaFailure", "status": "True"}, "unknown", id="neither"),
        pytest.param({"type": "ReplicaFailure", "status": "False", "message": "old news"}, "", id="over"),
        pytest.param({"type": "Progressing", "status": "True", "message": "fine"}, "", id="another-condition"),
    ],
)
def test_why_pods_cannot_be_created_is_told(condition, failure):
    assert view_of(live(conditions=[condition])).failure == failure


def a_pod(name="web-1-x", **status):
    return {"metadata": {"name": name}, "status": {"phase": "Pending", **status}}


def waiting(reason=None, message=None):
    state = {key: value for key, value in (("reason", reason), ("message", message)) if value}
    return [{"name": "web", "state": {"waiting": state}, "ready": False}]


UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available",
}
NOT_READY = {
    "type": "Ready",
    "status": "False",
    "reason": "ContainersNotReady",
    "message": "containers with unready status: [web]",
}


@pytest.mark.parametrize(
    ("pod", "text"),
    [
        pytest.param(
            a_pod(containerStatuses=waiting("ImagePullBackOff", 'Back-off pulling image "x"'), conditions=[NOT_READY]),
            'pod web-1-x: ImagePullBackOff (Back-off pulling image "x")',
            id="container-waits",
        ),
        pytest.param(
            a_pod(initContainerStatuses=waiting("CrashLoopBackOff"), containerStatuses=waiting("PodInitializing")),
            "pod web-1-x: CrashLoopBackOff",
            id="init-container-first",
        ),
        pytest.param(a_pod(containerStatuses=waiting(message="m")), "pod web-1-x: Waiting (m)", id="no-reason-given"),
        pytest.param(
            a_pod(containerStatuses=waiting("ContainerCreating"), conditions=[NOT_READY]),
            "pod web-1-x: ContainersNotReady (containers with unready status: [web])",
            id="creating-is-no-problem-by-itself",
        ),
        pytest.param(
            a_pod(conditions=[UNSCHEDULABLE]),
            "pod web-1-x: Unschedulable (0/3 nodes are available)",
            id="no-room",
        ),
        pytest.param(
            a_pod(conditions=[{"type": "Initialized", "status": "False"}, {**UNSCHEDULABLE, "message": ""}]),
            "pod web-1-x: Unschedulable",
            id="a-condition-without-a-reason-says-nothing",
        ),
        pytest.param(a_pod(), "pod web-1-x: NotReady (phase Pending)", id="nothing-but-a-phase"),
        pytest.param({"metadata": {"name": "p"}}, "pod p: NotReady (phase unknown)", id="nothing-at-all"),
        pytest.param(
            a_pod(containerStatuses=[{"name": "web", "state": {"running": {}}}], phase="Running"),
            "pod web-1-x: NotReady (phase Running)",
            id="runs-but-is-not-ready",
        ),
    ],
)
def test_a_pod_that_is_not_ready_says_why_in_kubernetes_words(pod, text):
    (problem,) = pod_problems([pod])

    assert str(problem) == text


def test_ready_and_leaving_pods_are_no_problem_and_the_others_come_by_name():
    ready = a_pod("a", conditions=[{"type": "Ready", "status": "True"}])
    going = {"metadata": {"name": "b", "deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {}}
    gated = a_pod("c", conditions=[{"type": "ContainersReady", "status": "True"}])

    problems = pod_problems([a_pod("z"), ready, going, gated])

    assert [problem.pod for problem in problems] == ["c", "z"]
    assert isinstance(problems[0], PodProblem)


def test_looking_into_json_never_fails_where_a_part_is_missing():
    document = {"metadata": {"labels": None, "annotations": {"a": "b"}}, "spec": "text"}

    assert dig(document, "spec", "replicas") is None
    assert dig(document, "metadata", "annotations", "a") == "b"
    assert label(document, "app") == ""
    assert annotation(document, "a") == "b"
    assert annotation({}, "a") == ""
