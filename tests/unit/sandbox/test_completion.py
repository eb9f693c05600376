"""What is filled in, and what is refused, before an object is stored."""

from __future__ import annotations

from typing import Any

import pytest

from borealis_sandbox import kinds
from borealis_sandbox.api import Api, Write
from borealis_sandbox.bodies import read_applied, read_change, read_object
from borealis_sandbox.defaults import set_defaults
from borealis_sandbox.deletion import Deletion
from borealis_sandbox.errors import ApiError
from borealis_sandbox.events import EventRecorder
from borealis_sandbox.storage import Storage
from borealis_sandbox.validation import faults_of
from kit.manifests import deployment, service

_WRITE = Write(manager="test")


def _api() -> Api:
    api = Api(Storage())
    api.create(kinds.NAMESPACE, "", {"metadata": {"name": "shop"}}, _WRITE)
    return api


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("web", "Always"),
        ("web:latest", "Always"),
        ("web:1", "IfNotPresent"),
        ("host:5000/web", "Always"),
        ("host:5000/web:1", "IfNotPresent"),
        ("web@sha256:abc", "IfNotPresent"),
    ],
)
def test_an_image_that_may_move_is_always_pulled(image: str, policy: str) -> None:
    manifest = deployment(image=image)
    set_defaults(kinds.DEPLOYMENT, manifest)

    assert manifest["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_probes_and_ports_are_completed() -> None:
    manifest = deployment()
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container.update(ports=[{"containerPort": 80}], livenessProbe={"httpGet": {"port": 80}})
    set_defaults(kinds.DEPLOYMENT, manifest)

    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert container["livenessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def _containers(*containers: dict[str, Any]) -> dict[str, Any]:
    manifest = deployment()
    manifest["spec"]["template"]["spec"]["containers"] = list(containers)
    return manifest


@pytest.mark.parametrize(
    ("manifest", "fields"),
    [
        pytest.param(deployment(replicas=1), [], id="good"),
        pytest.param(deployment(replicas=-1), ["spec.replicas"], id="replicas"),
        pytest.param(deployment("Bad"), ["metadata.name"], id="name"),
        pytest.param(
            _containers({"image": "x"}, {"name": "B", "image": "x"}, {"name": "a"}, {"name": "a", "image": "x"}),
            [
                "spec.template.spec.containers[0].name",
                "spec.template.spec.containers[1].name",
                "spec.template.spec.containers[2].image",
                "spec.template.spec.containers[3].name",
            ],
            id="every-container",
        ),
    ],
)
def test_every_fault_is_found(manifest: dict[str, Any], fields: list[str]) -> None:
    faults = faults_of(kinds.DEPLOYMENT, manifest)

    assert [fault.field for fault in faults if "labels" not in fault.field] == fields


@pytest.mark.parametrize(
    ("spec", "field"),
    [({}, "spec.ports"), ({"ports": [{"port": 0}]}, "spec.ports[0].port"), ({"clusterIP": "None"}, None)],
)
def test_a_service_needs_a_port(spec: dict[str, Any], field: str | None) -> None:
    faults = faults_of(kinds.SERVICE, {"metadata": {"name": "web"}, "spec": spec})

    assert [fault.field for fault in faults] == ([field] if field else [])


def test_what_is_immutable_stays() -> None:
    api = _api()
    settings = {"metadata": {"name": "s"}, "immutable": True, "data": {"a": "1"}}
    api.create(kinds.CONFIG_MAP, "shop", settings, _WRITE)
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "web", "image": "x"}]}}
    created = api.create(kinds.POD, "shop", pod, _WRITE)

    with pytest.raises(ApiError, match="field is immutable"):
        api.replace(kinds.CONFIG_MAP, "shop", "s", {**settings, "data": {"a": "2"}}, _WRITE)
    with pytest.raises(ApiError, match="pod updates may not change"):
        api.replace(kinds.POD, "shop", "p", {**created, "spec": {**created["spec"], "hostNetwork": True}}, _WRITE)
    created["spec"]["containers"][0]["image"] = "y"
    changed = api.replace(kinds.POD, "shop", "p", created, _WRITE)
    assert changed["spec"]["containers"][0]["image"] == "y"


def test_an_object_of_another_kind_is_refused() -> None:
    api = _api()
    api.create(kinds.SERVICE, "shop", service(), _WRITE)

    with pytest.raises(ApiError, match="was sent to a Service of v1"):
        api.replace(kinds.SERVICE, "shop", "web", deployment(), _WRITE)


def test_a_dry_run_changes_nothing() -> None:
    api = _api()
    api.create(kinds.CONFIG_MAP, "shop", {"metadata": {"name": "s"}}, _WRITE)
    revision = api.storage.revision
    dry = Write(manager="test", is_dry_run=True)
    api.replace(kinds.CONFIG_MAP, "shop", "s", {"data": {"a": "1"}}, dry)
    api.apply(kinds.CONFIG_MAP, "shop", "t", {"data": {"a": "1"}}, dry)
    api.delete(kinds.CONFIG_MAP, "shop", "s", Deletion(is_dry_run=True))

    assert api.storage.revision == revision


def test_a_body_may_be_yaml() -> None:
    assert read_applied(b"metadata: {name: s}\ndata: {day: 2020-01-01}") == {
        "metadata": {"name": "s"},
        "data": {"day": "2020-01-01"},
    }


@pytest.mark.parametrize("content", [b"a: [", b"\x00", b"- a"])
def test_a_body_that_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        read_object(content, "application/json")

    assert refused.value.code == 400


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "application/json-patch+json", 400),
        (b"[]", "application/merge-patch+json", 400),
    ],
)
def test_a_patch_that_cannot_be_read_is_refused(content: bytes, kind: str, code: int) -> None:
    with pytest.raises(ApiError) as refused:
        read_change(content, kind)

    assert refused.value.code == code


def test_repeated_events_are_counted_and_the_oldest_forgotten() -> None:
    api = _api()
    recorder = EventRecorder(api, kept=2)
    about = api.create(kinds.CONFIG_MAP, "shop", {"metadata": {"name": "s"}}, _WRITE)
    for message in ("one", "two", "two", "three"):
        recorder.record(about, "Happened", message)

    events = api.storage.find(kinds.EVENT, "shop")
    assert {event["message"]: event["count"] for event in events} == {"two": 2, "three": 1}


def test_nothing_is_said_in_a_namespace_that_is_going() -> None:
    api = _api()
    about = api.create(kinds.CONFIG_MAP, "shop", {"metadata": {"name": "s"}}, _WRITE)
    api.delete(kinds.NAMESPACE, "", "shop", Deletion())
    EventRecorder(api).record(about, "Happened", "late")

    assert api.storage.find(kinds.EVENT) == []
