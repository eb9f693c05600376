"""The Deployment that is kept, and who owns whom."""

from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.domain.kubernetes.native import deployment_of, is_owned_by, is_settled

ORIGIN = Origin(application="shop", deployment_id="abc", target="prod")


def test_a_kept_deployment_has_the_live_template_and_as_many_pods_as_there_are():
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "n", "annotations": {"team": "shop"}},
        "spec": {"replicas": 3, "revisionHistoryLimit": 2, "template": {"spec": {}}},
    }
    live = {"spec": {"replicas": 7, "template": {"metadata": {"labels": {"armory-pod-template-hash": "h"}}}}}

    made = deployment_of(manifest, live, ORIGIN)

    assert made["spec"] == {"replicas": 7, "revisionHistoryLimit": 2, "template": live["spec"]["template"]}
    assert made["metadata"]["annotations"]["team"] == "shop"
    assert made["metadata"]["annotations"]["deploy.armory.io/deployment-id"] == "abc"


def test_only_the_controlling_owner_of_that_very_uid_owns():
    owner = {"metadata": {"uid": "u"}}

    def child(*references):
        return {"metadata": {"ownerReferences": list(references)}}

    assert is_owned_by(child({"uid": "u", "controller": True}), owner)
    assert not is_owned_by(child({"uid": "u"}), owner)
    assert not is_owned_by(child({"uid": "other", "controller": True}), owner)
    assert not is_owned_by({"metadata": {}}, owner)


def test_a_deployment_is_settled_when_its_controller_has_seen_it():
    assert is_settled({"metadata": {"generation": 2}, "status": {"observedGeneration": 2}})
    assert not is_settled({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}})
    assert not is_settled({"metadata": {"generation": 1}})
