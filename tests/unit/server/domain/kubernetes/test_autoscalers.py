"""Whose pods an autoscaler scales, and how it is pointed at others."""

import json

from borealis_server.domain.autoscaler import Autoscaler
from borealis_server.domain.kubernetes import autoscalers

SCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web", "namespace": "ns", "uid": "u"},
    "spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "db"}, "maxReplicas": 5},
    "status": {"currentReplicas": 2},
}


def test_it_scales_what_it_names():
    assert autoscalers.scales(SCALER, "StatefulSet", "db")
    assert not autoscalers.scales(SCALER, "Deployment", "db")
    assert not autoscalers.scales_deployment({**SCALER, "spec": {}}, "db")


def test_it_is_pointed_at_a_replica_set_or_a_deployment_and_keeps_everything_else():
    at_set = autoscalers.retargeted(SCALER, replica_set="web-1", deployment="web")
    at_deployment = autoscalers.retargeted({**SCALER, "spec": None}, replica_set="", deployment="web")

    assert at_set["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1"},
        "maxReplicas": 5,
    }
    assert at_deployment["spec"]["scaleTargetRef"]["kind"] == "Deployment"


def test_a_copy_is_ready_to_be_created():
    one = Autoscaler(namespace="ns", name="web", workload="web", before=json.dumps(SCALER))

    assert autoscalers.saved_document(one) == {
        **{name: SCALER[name] for name in ("apiVersion", "kind", "spec")},
        "metadata": {"name": "web", "namespace": "ns"},
    }
