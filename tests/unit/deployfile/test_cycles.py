"""Loops are found, each once, and nothing else is called a loop."""

from __future__ import annotations

import pytest

from borealis_deployfile.cycles import find_cycles


@pytest.mark.parametrize(
    ("graph", "cycles"),
    [
        pytest.param({}, (), id="nothing"),
        pytest.param({"a": ("b",), "b": ()}, (), id="a-chain"),
        pytest.param({"a": ("nobody",)}, (), id="unknown-names-are-ignored"),
        pytest.param({"a": ("a",)}, (("a",),), id="itself"),
        pytest.param({"a": ("b", "b"), "b": ()}, (), id="the-same-dependency-twice"),
        pytest.param({"b": ("a",), "a": ("c",), "c": ("b",)}, (("b", "a", "c"),), id="starts-at-the-first-of-the-file"),
        pytest.param({"x": ("a",), "a": ("b",), "b": ("a",)}, (("a", "b"),), id="what-waits-for-a-loop-is-not-in-it"),
        pytest.param(
            {"a": ("b",), "b": ("a",), "c": ("a", "d"), "d": ("c",)},
            (("a", "b"), ("c", "d")),
            id="a-loop-that-also-waits-for-a-loop",
        ),
    ],
)
def test_each_loop_is_found_once(graph, cycles):
    assert find_cycles(graph) == cycles
