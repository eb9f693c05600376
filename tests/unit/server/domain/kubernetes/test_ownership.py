"""Going back to a saved copy, judged by server-side apply and merge patch as an API server performs them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_sandbox.apply import apply
from borealis_sandbox.managed import Manager, record_update
from borealis_sandbox.patches import merge_patch
from borealis_server.domain.kubernetes.ownership import (
    applied_document,
    may_delete,
    restoring_patch,
    without_server_fields,
)

OURS = Manager(name="borealis", operation="Apply", api_version="apps/v1")
KUBECTL = Manager(name="kubectl-client-side-apply", api_version="apps/v1")
AUTOSCALER = Manager(name="horizontal-pod-autoscaler", api_version="apps/v1")

# As kube-apiserver 1.30 writes it: two managers that apply, one that updates, and the controller's status.
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "shop",
        "namespace": "prod",
        "uid": "0d0c2a6f",
        "resourceVersion": "1207",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": "shop", "team": "checkout"},
        "annotations": {"deploy.armory.io/application": "shop", "note": "by hand"},
        "finalizers": ["example.com/ours", "example.com/theirs"],
        "managedFields": [
            {
                "manager": "kubectl-edit",
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:annotations": {"f:note": {}}, "f:labels": {"f:team": {}}}},
            },
            {
                "manager": "borealis",
                "operation": "Update",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:externalName": {}}},
            },
            {
                "manager": "borealis",
                "operation": "Apply",
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:metadata": {
                        "f:annotations": {".": {}, "f:deploy.armory.io/application": {}},
                        "f:labels": {"f:app": {}},
                        "f:finalizers": {".": {}, 'v:"example.com/ours"': {}},
                    },
                    "f:spec": {
                        "f:ports": {
                            'k:{"port":80,"protocol":"TCP"}': {
                                ".": {},
                                "f:name": {},
                                "f:port": {},
                                "f:protocol": {},
                                "f:gone": {},
                            }
                        },
                        "f:selector": {},
                    },
                },
            },
        ],
    },
    "spec": {
        "clusterIP": "10.0.0.7",
        "externalName": "",
        "selector": {"app": "shop"},
        "ports": [
            {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80},
            {"name": "debug", "port": 90, "protocol": "TCP", "targetPort": 90},
        ],
    },
    "status": {"loadBalancer": {}},
}


def applied(live):
    """What we applied to an object, where we did."""
    document = applied_document(live)
    assert document is not None
    return document


def test_what_we_applied_is_exactly_what_our_apply_entry_names():
    assert applied_document(SERVICE) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "shop",
            "namespace": "prod",
            "labels": {"app": "shop"},
            "annotations": {"deploy.armory.io/application": "shop"},
            "finalizers": ["example.com/ours"],
        },
        "spec": {"ports": [{"name": "http", "port": 80, "protocol": "TCP"}], "selector": {"app": "shop"}},
    }


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param(None, id="no-managed-fields"),
        pytest.param([], id="empty"),
        pytest.param([{"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:data": {}}}], id="somebody-else"),
        pytest.param([{"manager": "borealis", "operation": "Update", "fieldsV1": {"f:data": {}}}], id="only-updates"),
    ],
)
def test_an_object_that_we_never_applied_has_no_applied_document(entries):
    live = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "managedFields": entries}, "data": {}}

    assert applied_document(live) is None


def test_a_cluster_scoped_object_gets_no_namespace():
    live = apply(
        {"metadata": {"name": "blue"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "blue", "labels": {"a": "b"}}},
        OURS,
        force=False,
    )

    assert applied_document(live) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "blue", "labels": {"a": "b"}},
    }


@pytest.mark.parametrize(
    ("fields", "picked"),
    [
        pytest.param({"f:rules": {}}, ["a", "b", "a"], id="a-whole-list"),
        pytest.param({"f:rules": {"i:1": {}}}, ["b"], id="an-item-by-position"),
        pytest.param({"f:rules": {"i:2": {}}}, ["a"], id="the-later-of-two-equal-items"),
        pytest.param({"f:rules": {'v:"b"': {}}}, ["b"], id="a-value-of-a-set"),
        pytest.param({"f:rules": {'k:{"name":"x"}': {"f:name": {}}}}, [], id="no-item-of-that-key"),
    ],
)
def test_list_items_are_found_in_every_form_that_field_sets_have(fields, picked):
    entry = {"manager": "borealis", "operation": "Apply", "fieldsV1": fields}
    live: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Thing",
        "metadata": {"name": "t", "managedFields": [entry]},
        "rules": ["a", "b", "a"],
    }

    assert applied(live)["rules"] == picked


def test_a_value_that_has_changed_its_form_since_is_taken_as_it_is():
    entry = {"manager": "borealis", "operation": "Apply", "fieldsV1": {"f:data": {"f:inner": {"f:a": {}}}}}
    live = {
        "apiVersion": "v1",
        "kind": "T",
        "metadata": {"name": "t", "managedFields": [entry]},
        "data": {"inner": "text"},
    }

    assert applied(live)["data"] == {"inner": "text"}


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["1", "2", "3"])
CONTAINERS: st.SearchStrategy[Any] = st.lists(
    st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "image": VALUES,
            "env": st.lists(
                st.fixed_dictionaries({"name": NAMES, "value": VALUES}), max_size=2, unique_by=lambda item: item["name"]
            ),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda item: item["name"],
)
MANIFESTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {
        "apiVersion": st.just("apps/v1"),
        "kind": st.just("DaemonSet"),
        "metadata": st.fixed_dictionaries(
            {
                "name": st.just("web"),
                "namespace": st.just("prod"),
                "annotations": st.fixed_dictionaries({"deploy.armory.io/deployment-id": VALUES}),
            },
            optional={"labels": st.dictionaries(NAMES, VALUES, min_size=1, max_size=2)},
        ),
        "spec": st.fixed_dictionaries(
            {"template": st.fixed_dictionaries({"spec": st.fixed_dictionaries({"containers": CONTAINERS})})},
            optional={"minReadySeconds": st.integers(0, 2), "selector": st.dictionaries(NAMES, VALUES, max_size=2)},
        ),
    }
)
EDITS = st.dictionaries(st.sampled_from(["x", "y"]), VALUES, max_size=2)


def as_set(document):
    """The document without what the server keeps, its keyed lists in one order."""
    bare = without_server_fields(document)
    return _sorted(bare)


def _sorted(value):
    if isinstance(value, dict):
        return {name: _sorted(inner) for name, inner in value.items() if inner not in ({}, [])}
    if isinstance(value, list):
        return sorted((_sorted(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def edited(live, labels):
    """`live` after somebody labelled it by an update."""
    new = copy.deepcopy(live)
    new["metadata"].setdefault("labels", {}).update(labels)
    record_update(live, new, KUBECTL)
    return new


@given(before=MANIFESTS, after=MANIFESTS, edits=EDITS)
def test_applying_the_applied_document_again_undoes_what_the_run_applied(before, after, edits):
    empty = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "web", "namespace": "prod"}}
    saved = edited(apply(empty, before, OURS, force=False), edits)
    live = apply(saved, after, OURS, force=True)

    restored = apply(live, applied(saved), OURS, force=True)

    assert as_set(restored) == as_set(saved)


@given(before=MANIFESTS)
def test_what_we_applied_to_an_empty_object_is_the_manifest_itself(before):
    empty = {"metadata": {"name": "web", "namespace": "prod"}}

    assert _sorted(applied_document(apply(empty, before, OURS, force=False))) == _sorted(before)


JSON = st.recursive(
    st.one_of(st.booleans(), st.integers(-2, 2), VALUES),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
SERVER_FIELDS = st.fixed_dictionaries(
    {}, optional={"uid": VALUES, "resourceVersion": VALUES, "generation": st.integers(1, 3), "selfLink": VALUES}
)


def an_object(server, labels, body):
    metadata = {"name": "web", "namespace": "prod", "labels": labels, **server}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "status": server, **body}


OBJECTS = st.builds(an_object, SERVER_FIELDS, st.dictionaries(NAMES, VALUES, max_size=2), st.dictionaries(NAMES, JSON))


@given(saved=OBJECTS, live=OBJECTS)
def test_the_restoring_patch_leads_back_and_leaves_the_servers_fields_alone(saved, live):
    patched = merge_patch(live, restoring_patch(saved, live))

    assert without_server_fields(patched) == without_server_fields(saved)
    for field in ("uid", "resourceVersion", "generation", "selfLink"):
        assert patched["metadata"].get(field) == live["metadata"].get(field)
    assert patched["status"] == live["status"]


@given(saved=OBJECTS)
def test_nothing_is_patched_where_nothing_has_changed(saved):
    newer = copy.deepcopy(saved)
    newer["metadata"]["resourceVersion"] = "later"

    assert restoring_patch(saved, newer) == {}


def test_an_object_is_created_anew_without_what_only_the_server_sets():
    assert without_server_fields(SERVICE) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "shop",
            "namespace": "prod",
            "labels": SERVICE["metadata"]["labels"],
            "annotations": SERVICE["metadata"]["annotations"],
            "finalizers": SERVICE["metadata"]["finalizers"],
        },
        "spec": SERVICE["spec"],
    }


@pytest.mark.parametrize(
    ("kind", "may"),
    [
        ("ConfigMap", True),
        ("Service", True),
        ("Namespace", False),
        ("CustomResourceDefinition", False),
        ("PersistentVolumeClaim", False),
        ("PersistentVolume", False),
    ],
)
def test_a_rollback_never_deletes_what_data_would_go_with(kind, may):
    assert may_delete(kind) is may
