"""Server-side apply, in its pure form: merging, pruning, and who owns what."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_sandbox.apply import apply
from borealis_sandbox.errors import ApiError
from borealis_sandbox.fieldsets import field_set, from_fields_v1, readable, to_fields_v1, without
from borealis_sandbox.managed import Manager, read_owners, record_update

ONE = Manager(name="one", operation="Apply", api_version="v1")
TWO = Manager(name="two", operation="Apply", api_version="v1")
EDITOR = Manager(name="editor", api_version="v1")

_NAMES = st.sampled_from(["a", "b", "c"])
_VALUES = st.integers(0, 2)
_SPECS = st.fixed_dictionaries(
    {},
    optional={
        "replicas": _VALUES,
        "template": st.dictionaries(_NAMES, _VALUES, max_size=2),
        "containers": st.lists(
            st.fixed_dictionaries({"name": _NAMES}, optional={"image": _VALUES}),
            max_size=3,
            unique_by=lambda c: c["name"],
        ),
    },
)
_OBJECTS = st.fixed_dictionaries({"metadata": st.just({"name": "x"}), "spec": _SPECS})


def _blank() -> dict[str, Any]:
    return {"metadata": {"name": "x"}}


def _spec(**fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": fields}


@given(wanted=_OBJECTS)
def test_a_set_of_fields_survives_its_nested_form(wanted: dict[str, Any]) -> None:
    fields = field_set(wanted)

    assert from_fields_v1(json.loads(json.dumps(to_fields_v1(fields)))) == fields


@given(wanted=_OBJECTS)
def test_applying_twice_is_applying_once(wanted: dict[str, Any]) -> None:
    once = apply(_blank(), wanted, ONE, force=False)

    assert apply(once, wanted, ONE, force=False) == once


@given(first=_OBJECTS, second=_OBJECTS)
def test_a_sole_manager_gets_exactly_what_it_applied_last(first: dict[str, Any], second: dict[str, Any]) -> None:
    live = apply(_blank(), first, ONE, force=False)
    applied = apply(live, second, ONE, force=False)
    fresh = apply(_blank(), second, ONE, force=False)

    assert field_set(applied) >= field_set(fresh)
    assert read_owners(applied)[ONE].fields == field_set(second) if field_set(second) else True


@given(first=_OBJECTS, second=_OBJECTS)
def test_force_always_wins_and_takes_what_it_changes(first: dict[str, Any], second: dict[str, Any]) -> None:
    live = apply(_blank(), first, ONE, force=False)
    before = copy.deepcopy(live)
    applied = apply(live, second, TWO, force=True)

    assert live == before
    for key, value in second["spec"].items():
        if isinstance(value, int):
            assert applied["spec"][key] == value
            if first["spec"].get(key) not in (value, None):
                assert all(
                    ("f:spec", f"f:{key}") not in owned.fields for m, owned in read_owners(applied).items() if m == ONE
                )


def test_a_probe_goes_with_the_defaults_that_were_filled_in() -> None:
    probe = {"httpGet": {"port": 80}}
    live = apply(_blank(), _spec(containers=[{"name": "a", "readinessProbe": probe}]), ONE, force=False)
    live["spec"]["containers"][0]["readinessProbe"].update(timeoutSeconds=1, periodSeconds=10)
    left = apply(live, _spec(containers=[{"name": "a"}]), ONE, force=False)

    assert left["spec"] == {"containers": [{"name": "a"}]}


def test_a_conflict_names_every_owner_and_field() -> None:
    live = apply(_blank(), _spec(replicas=1, containers=[{"name": "a", "image": "1"}]), ONE, force=False)
    edited = copy.deepcopy(live)
    edited["spec"]["replicas"] = 2
    record_update(live, edited, EDITOR)

    with pytest.raises(ApiError) as refused:
        apply(edited, _spec(replicas=3, containers=[{"name": "a", "image": "2"}]), TWO, force=False)

    assert refused.value.code == 409
    assert refused.value.details is not None
    assert {(cause["message"], cause["field"]) for cause in refused.value.details["causes"]} == {
        ('conflict with "editor" using v1', ".spec.replicas"),
        ('conflict with "one"', '.spec.containers[name="a"].image'),
    }


def test_an_update_that_removes_a_field_ends_its_ownership() -> None:
    live = apply(_blank(), _spec(a=1, b=2), ONE, force=False)
    edited = copy.deepcopy(live)
    del edited["spec"]["b"]
    record_update(live, edited, EDITOR)

    assert read_owners(edited)[ONE].fields == {("f:spec", "f:a")}
    assert EDITOR not in read_owners(edited)


def test_an_atomic_map_is_owned_and_replaced_whole() -> None:
    live = apply(_blank(), _spec(selector={"a": "1"}), ONE, force=False)
    applied = apply(live, _spec(selector={"b": "2"}), ONE, force=False)

    assert applied["spec"]["selector"] == {"b": "2"}
    assert read_owners(applied)[ONE].fields == {("f:spec", "f:selector")}


def test_finalizers_are_owned_one_by_one() -> None:
    wanted = {"metadata": {"name": "x", "finalizers": ["a/b"]}}
    live = apply(_blank(), wanted, ONE, force=False)
    both = apply(live, {"metadata": {"name": "x", "finalizers": ["c/d"]}}, TWO, force=False)
    left = apply(both, {"metadata": {"name": "x"}}, ONE, force=False)

    assert both["metadata"]["finalizers"] == ["a/b", "c/d"]
    assert left["metadata"]["finalizers"] == ["c/d"]


def test_removing_what_is_not_there_is_fine() -> None:
    found: dict[str, Any] = {"spec": {"containers": [{"name": "a"}]}}
    without(found, ("f:spec", 'k:{"name":"b"}', "f:image"))
    without(found, ("f:status", "f:x"))

    assert found == {"spec": {"containers": [{"name": "a"}]}}


def test_a_path_is_readable() -> None:
    path = ("f:metadata", "f:finalizers", 'v:"a/b"')

    assert readable(path) == '.metadata.finalizers[="a/b"]'


def test_an_object_keeps_its_metadata_when_a_manager_gives_all_of_it_up() -> None:
    labelled = apply(_blank(), {"metadata": {"name": "x", "labels": {"a": "b"}}}, ONE, force=False)

    bare = apply(labelled, {"metadata": {"name": "x"}}, ONE, force=False)

    assert bare["metadata"] == {"name": "x"}
