"""When an object that was applied is ready, kind by kind."""

import pytest

from borealis_server.domain.kubernetes.readiness import is_awaited, readiness_of
from borealis_server.domain.observation import Progress

APPS, CORE, CUSTOM = "apps/v1", "v1", "example.com/v1"
READY, PENDING, FAILED = Progress.READY, Progress.PENDING, Progress.FAILED


def live(api_version, kind, *, spec=None, generation=2, metadata=None, **status):
    meta = {"name": "x", "generation": generation, **(metadata or {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": spec or {}, "status": status}


def condition(kind, status="True", **words):
    return {"type": kind, "status": status, **words}


def db(spec=None, **status):
    return live(APPS, "StatefulSet", spec={"replicas": 3, **(spec or {})}, **{"observedGeneration": 2, **status})


def logs(spec=None, **status):
    return live(APPS, "DaemonSet", spec=spec, observedGeneration=2, desiredNumberScheduled=2, **status)


def job(spec=None, **status):
    return live("batch/v1", "Job", spec=spec, **status)


def widget(*conditions, **status):
    return live(CUSTOM, "Widget", conditions=list(conditions), **status)


DONE = {"readyReplicas": 3, "updatedReplicas": 3, "currentRevision": "b", "updateRevision": "b"}
PARTITION = {"updateStrategy": {"rollingUpdate": {"partition": 2}}}
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}
DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
API_SERVICE = ("apiregistration.k8s.io/v1", "APIService")


@pytest.mark.parametrize(
    ("document", "progress", "detail"),
    [
        pytest.param(db(**DONE), READY, "", id="set"),
        pytest.param(db(**{**DONE, "readyReplicas": 1}), PENDING, "1 of 3 pods ready", id="set-not-ready"),
        pytest.param(db(**{**DONE, "updatedReplicas": 2}), PENDING, "2 of 3 pods updated", id="set-not-updated"),
        pytest.param(db(**{**DONE, "currentRevision": "a"}), PENDING, "the update is being completed", id="set-late"),
        pytest.param(db(**{**DONE, "observedGeneration": 1}), PENDING, "has not seen the newest", id="set-unseen"),
        pytest.param(live(APPS, "StatefulSet"), PENDING, "has not seen it yet", id="set-new"),
        pytest.param(db(PARTITION, readyReplicas=3, updatedReplicas=1), READY, "", id="set-partition"),
        pytest.param(db(PARTITION, readyReplicas=3), PENDING, "0 of 1 pods updated", id="set-partition-open"),
        pytest.param(db(ON_DELETE), READY, "", id="set-on-delete"),
        pytest.param(
            db({"minReadySeconds": 9}, **DONE, availableReplicas=1), PENDING, "1 of 3 pods available", id="set-young"
        ),
        pytest.param(db({"minReadySeconds": 9}, **DONE), READY, "", id="set-of-an-old-release"),
        pytest.param(db(**DONE, availableReplicas=1), READY, "", id="set-without-least-seconds"),
        pytest.param(logs(updatedNumberScheduled=2, numberAvailable=2), READY, "", id="daemons"),
        pytest.param(logs(updatedNumberScheduled=1), PENDING, "1 of 2 pods updated", id="daemons-old"),
        pytest.param(logs(updatedNumberScheduled=2), PENDING, "0 of 2 pods available", id="daemons-missing"),
        pytest.param(logs(ON_DELETE, numberAvailable=2), READY, "", id="daemons-on-delete"),
        pytest.param(
            live(APPS, "ReplicaSet", spec={"replicas": 1}, observedGeneration=2, availableReplicas=1),
            READY,
            "",
            id="replicas",
        ),
        pytest.param(
            live(APPS, "ReplicaSet", observedGeneration=2), PENDING, "0 of 1 pods available", id="replicas-missing"
        ),
        pytest.param(
            live(
                APPS, "ReplicaSet", observedGeneration=2, conditions=[condition("ReplicaFailure", message="no quota")]
            ),
            PENDING,
            "0 of 1 pods available: no quota",
            id="replicas-refused",
        ),
        pytest.param(job(conditions=[condition("Complete")]), READY, "", id="job"),
        pytest.param(job(), PENDING, "0 of 1 pods succeeded", id="job-running"),
        pytest.param(job({"suspend": True}), READY, "", id="job-suspended"),
        pytest.param(job(conditions=[condition("Failed", message="too often")]), FAILED, "too often", id="job-failed"),
        pytest.param(job(conditions=[condition("Failed")]), FAILED, "it failed", id="job-failed-silently"),
        pytest.param(live(CORE, "Pod", conditions=[condition("Ready")]), READY, "", id="pod"),
        pytest.param(live(CORE, "Pod", phase="Succeeded"), READY, "", id="pod-done"),
        pytest.param(live(CORE, "Pod", phase="Failed", reason="Evicted"), FAILED, "Evicted", id="pod-failed"),
        pytest.param(live(CORE, "Pod", phase="Pending"), PENDING, "it is not ready", id="pod-pending"),
        pytest.param(live(CORE, "Namespace", phase="Active"), READY, "", id="namespace"),
        pytest.param(live(CORE, "Namespace", phase="Terminating"), PENDING, "being deleted", id="namespace-going"),
        pytest.param(live(*DEFINITION, conditions=[condition("Established")]), READY, "", id="definition"),
        pytest.param(live(*DEFINITION), PENDING, "not established yet", id="definition-new"),
        pytest.param(
            live(*DEFINITION, conditions=[condition("NamesAccepted", "False", reason="ListKindConflict")]),
            FAILED,
            "its names are taken: ListKindConflict",
            id="definition-refused",
        ),
        pytest.param(live(*API_SERVICE, conditions=[condition("Available")]), READY, "", id="api"),
        pytest.param(live(*API_SERVICE), PENDING, "not available yet", id="api-new"),
        pytest.param(widget(), READY, "", id="custom-without-conditions"),
        pytest.param(widget(condition("Ready"), condition("Other", "False")), READY, "", id="custom"),
        pytest.param(widget(condition("Ready", "Unknown")), PENDING, "condition Ready is Unknown", id="custom-unknown"),
        pytest.param(
            widget(condition("Available", "False", message="half")), PENDING, "Available is False: half", id="available"
        ),
        pytest.param(widget(condition("Reconciled", "False")), PENDING, "Reconciled is False", id="reconciled"),
        pytest.param(widget(condition("Reconciling", reason="Busy")), PENDING, "reconciled: Busy", id="reconciling"),
        pytest.param(widget(condition("Stalled", message="for ever")), FAILED, "stalled: for ever", id="stalled"),
        pytest.param(widget(condition("Ready"), observedGeneration=1), PENDING, "newest version", id="custom-unseen"),
        pytest.param(
            live(CUSTOM, "Widget", metadata={"deletionTimestamp": "now"}), PENDING, "being deleted", id="going"
        ),
        pytest.param({**widget(), "status": {"conditions": ["odd"]}}, READY, "", id="conditions-of-another-form"),
    ],
)
def test_an_object_is_ready_when_its_controller_says_so(document, progress, detail):
    readiness = readiness_of(document)

    assert readiness.progress is progress
    assert detail in readiness.detail


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("v1", "ConfigMap", False),
        ("v1", "Service", False),
        ("v1", "PersistentVolumeClaim", False),
        ("batch/v1", "CronJob", False),
        ("batch/v1", "Job", True),
        ("networking.k8s.io/v1", "Ingress", False),
        ("rbac.authorization.k8s.io/v1", "Role", False),
        ("apiregistration.k8s.io/v1", "APIService", True),
        ("gateway.networking.k8s.io/v1", "Gateway", True),
        ("cluster.x-k8s.io/v1beta1", "Machine", True),
        ("example.com/v1", "Widget", True),
    ],
)
def test_only_kinds_that_take_time_are_looked_at_again(api_version, kind, expected):
    assert is_awaited(api_version, kind) is expected
