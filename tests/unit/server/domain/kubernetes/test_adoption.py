"""Fields of `kubectl apply` become ours, fields of nobody else do."""

from borealis_server.domain.kubernetes.adoption import LAST_APPLIED, adopting_patch, without_contested_replicas

CLIENT, US = "kubectl-client-side-apply", "borealis"


def entry(manager, fields, operation="Update", **more):
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def live(*entries, replicas=None, annotations=None):
    metadata = {
        "resourceVersion": "7",
        "managedFields": list(entries),
        "annotations": {LAST_APPLIED: "{}"} if annotations is None else annotations,
    }
    return {"metadata": metadata, "spec": {} if replicas is None else {"replicas": replicas}}


def test_what_kubectl_applied_becomes_what_we_applied():
    theirs = entry(CLIENT, {"f:data": {"f:a": {}}}, time="noon")
    other = entry("ana", {"f:data": {"f:b": {}}})

    fields, version = adopting_patch(live(theirs, other)) or []

    assert fields["path"] == "/metadata/managedFields"
    assert [(one["manager"], one["operation"]) for one in fields["value"]] == [(US, "Apply"), ("ana", "Update")]
    assert fields["value"][0]["fieldsV1"] == {"f:data": {"f:a": {}}}
    assert fields["value"][0]["time"] == "noon"
    assert version == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_it_joins_what_we_applied_before():
    ours = entry(US, {"f:data": {"f:c": {}}}, "Apply")

    fields, _ = adopting_patch(live(ours, entry(CLIENT, {"f:data": {"f:a": {}}}))) or []

    (joined,) = fields["value"]
    assert joined["fieldsV1"] == {"f:data": {"f:a": {}, "f:c": {}}}
    assert "time" not in joined


def test_nothing_is_adopted_that_kubectl_did_not_apply():
    assert adopting_patch(live(entry("ana", {}))) is None
    assert adopting_patch(live(entry(CLIENT, {}), annotations={})) is None
    assert adopting_patch(live(entry(CLIENT, {}, "Apply"))) is None
    assert adopting_patch(live(entry(CLIENT, {}, subresource="scale"))) is None


def test_the_pods_of_an_autoscaled_object_are_left_to_their_owner():
    manifest = {"kind": "StatefulSet", "spec": {"replicas": 1, "serviceName": "db"}}
    scaled = entry("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    ours = entry(US, {"f:spec": {"f:replicas": {}}}, "Apply")

    assert without_contested_replicas(manifest, None)["spec"] == {"serviceName": "db"}
    assert without_contested_replicas(manifest, live(ours, scaled, replicas=5))["spec"] == {"serviceName": "db"}
    assert without_contested_replicas(manifest, live(ours, replicas=5))["spec"] == {"serviceName": "db", "replicas": 5}
    assert without_contested_replicas(manifest, live(ours))["spec"] == {"serviceName": "db"}
