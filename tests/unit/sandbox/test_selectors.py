"""Selectors select what their text says."""

from __future__ import annotations

import pytest

from borealis_sandbox.errors import ApiError
from borealis_sandbox.kinds import CONFIG_MAP, POD
from borealis_sandbox.selectors import matches, parse_selection


@pytest.mark.parametrize(
    ("text", "labels", "selected"),
    [
        pytest.param("", {}, True, id="nothing-asked"),
        pytest.param("a=1", {"a": "1"}, True, id="equal"),
        pytest.param("a==1", {"a": "2"}, False, id="double-equal"),
        pytest.param("a!=1", {}, True, id="not-equal-when-absent"),
        pytest.param("a in (1,2),b", {"a": "2", "b": ""}, True, id="in-and-exists"),
        pytest.param("a notin (1,2)", {"a": "1"}, False, id="not-in"),
        pytest.param("!a", {"a": "1"}, False, id="absent"),
        pytest.param("x.io/a=1,!b", {"x.io/a": "1"}, True, id="qualified-key"),
    ],
)
def test_label_selector(text: str, labels: dict[str, str], *, selected: bool) -> None:
    selection = parse_selection(POD, label_selector=text, field_selector="")

    assert selection.selects({"metadata": {"name": "p", "labels": labels}}) is selected


@pytest.mark.parametrize("text", ["a b", "a=(1)", "=1", "a in 1"])
def test_a_selector_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="unable to parse requirement"):
        parse_selection(POD, label_selector=text, field_selector="")


def test_fields_select_by_path() -> None:
    selection = parse_selection(POD, label_selector="", field_selector="status.phase!=Running,metadata.name=p")

    assert selection.selects({"metadata": {"name": "p"}, "status": {"phase": "Pending"}})
    assert not selection.selects({"metadata": {"name": "p"}, "status": {"phase": "Running"}})
    assert not selection.selects({"metadata": {"name": "q"}, "status": {"phase": "Pending"}})


def test_a_field_of_another_kind_is_refused() -> None:
    with pytest.raises(ApiError, match=r"field label not supported: status\.phase"):
        parse_selection(CONFIG_MAP, label_selector="", field_selector="status.phase=Running")


def test_an_empty_selector_of_a_workload_matches_nothing() -> None:
    assert not matches({}, {"a": "1"})
    assert matches({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": "1"})
