"""Patches change what they name, and leave the document they were given alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_sandbox.errors import ApiError
from borealis_sandbox.patches import json_patch, merge_patch
from borealis_sandbox.strategic import strategic_merge

_JSON = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)
_MAPS = st.dictionaries(st.text("ab", max_size=2), _JSON, max_size=3)


@given(document=_MAPS, patch=_MAPS)
def test_a_merge_patch_is_idempotent_and_leaves_its_input_alone(document: Any, patch: Any) -> None:
    before = copy.deepcopy(document)
    once = merge_patch(document, patch)

    assert merge_patch(once, patch) == once
    assert document == before


@given(document=_MAPS)
def test_a_document_merged_into_nothing_is_itself(document: Any) -> None:
    assert merge_patch({}, document) == document
    assert strategic_merge({}, document) == document


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        pytest.param([{"op": "add", "path": "/l/1", "value": 9}], {"l": [1, 9, 2], "m": {}}, id="insert"),
        pytest.param([{"op": "add", "path": "/l/-", "value": 9}], {"l": [1, 2, 9], "m": {}}, id="append"),
        pytest.param([{"op": "remove", "path": "/l/0"}], {"l": [2], "m": {}}, id="remove"),
        pytest.param([{"op": "move", "from": "/l", "path": "/m/l"}], {"m": {"l": [1, 2]}}, id="move"),
        pytest.param([{"op": "copy", "from": "/l/0", "path": "/m/x"}], {"l": [1, 2], "m": {"x": 1}}, id="copy"),
        pytest.param([{"op": "replace", "path": "/l/0", "value": 3}], {"l": [3, 2], "m": {}}, id="replace-item"),
        pytest.param([{"op": "replace", "path": "", "value": {"new": 1}}], {"new": 1}, id="replace-all"),
    ],
)
def test_json_patch_operation(operations: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    document: dict[str, Any] = {"l": [1, 2], "m": {}}

    assert json_patch(document, operations) == expected
    assert document == {"l": [1, 2], "m": {}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/none"},
        {"op": "replace", "path": "/none", "value": 1},
        {"op": "add", "path": "/l/7", "value": 1},
        {"op": "test", "path": "/l/0", "value": 2},
        {"op": "twist", "path": "/l"},
        {"op": "add", "path": "l", "value": 1},
        {"op": "add", "path": "/l/0"},
        {"op": "remove", "path": "/l/-1"},
    ],
)
def test_a_json_patch_that_does_not_apply_is_refused(operation: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="does not apply") as refused:
        json_patch({"l": [1]}, [operation])

    assert refused.value.code == 422


def _pod(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        pytest.param(_pod({"name": "b", "image": "x"}), _pod({"name": "a"}, {"name": "b", "image": "x"}), id="merge"),
        pytest.param(_pod({"name": "c"}), _pod({"name": "a"}, {"name": "b"}, {"name": "c"}), id="append"),
        pytest.param(_pod({"name": "a", "$patch": "delete"}), _pod({"name": "b"}), id="delete"),
        pytest.param(_pod({"name": "z"}, {"$patch": "replace"}), _pod({"name": "z"}), id="replace"),
        pytest.param(
            {"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}},
            _pod({"name": "b"}, {"name": "a"}),
            id="order",
        ),
        pytest.param({"spec": None}, {}, id="null"),
        pytest.param({"spec": {"$patch": "replace", "x": 1}}, {"spec": {"x": 1}}, id="replace-map"),
        pytest.param({"spec": {"$retainKeys": ["x"], "x": 1}}, {"spec": {"x": 1}}, id="retain-keys"),
    ],
)
def test_strategic_merge(patch: dict[str, Any], expected: dict[str, Any]) -> None:
    document = _pod({"name": "a"}, {"name": "b"})

    assert strategic_merge(document, patch) == expected
    assert document == _pod({"name": "a"}, {"name": "b"})


def test_finalizers_are_a_set_to_a_strategic_merge() -> None:
    document = {"metadata": {"finalizers": ["a"]}}

    assert strategic_merge(document, {"metadata": {"finalizers": ["b", "a"]}}) == {
        "metadata": {"finalizers": ["a", "b"]}
    }
    gone = strategic_merge(document, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}})
    assert gone == {"metadata": {"finalizers": []}}
