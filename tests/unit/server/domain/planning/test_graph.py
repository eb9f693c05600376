"""The order of targets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.planning.graph import CycleError, plan_order


@pytest.mark.parametrize(
    ("names", "depends_on", "waves"),
    [
        pytest.param([], {}, (), id="nothing"),
        pytest.param(["a", "b"], {}, (("a", "b"),), id="independent-targets-run-together"),
        pytest.param(["live", "qa"], {"live": ("qa",)}, (("qa",), ("live",)), id="a-chain"),
        pytest.param(
            ["dev", "scan", "stage", "live"],
            {"scan": ("dev",), "stage": ("dev",), "live": ("scan", "stage")},
            (("dev",), ("scan", "stage"), ("live",)),
            id="a-diamond",
        ),
        pytest.param(["a", "b", "c"], {"c": ("a",), "b": ()}, (("a", "b"), ("c",)), id="as-early-as-possible"),
    ],
)
def test_targets_run_in_waves(names, depends_on, waves):
    assert plan_order(names, depends_on) == waves


@pytest.mark.parametrize(
    ("depends_on", "cycles"),
    [
        pytest.param({"a": ("a",)}, (("a",),), id="itself"),
        pytest.param({"a": ("b",), "b": ("c",), "c": ("a",)}, (("a", "b", "c"),), id="three"),
        pytest.param({"c": ("a",), "a": ("b",), "b": ("a",)}, (("a", "b"),), id="those-behind-a-loop-are-not-in-it"),
        pytest.param({"a": ("b",), "b": ("a",), "x": ("y",), "y": ("x",)}, (("a", "b"), ("x", "y")), id="two-loops"),
    ],
)
def test_every_loop_is_named_in_its_order(depends_on, cycles):
    with pytest.raises(CycleError, match="targets wait for each other: a -> ") as caught:
        plan_order(list(depends_on), depends_on)

    assert caught.value.cycles == cycles


def test_a_dependency_outside_the_names_is_refused():
    with pytest.raises(ValueError, match="unknown targets: qa"):
        plan_order(["live"], {"live": ("qa",)})


graphs = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.lists(st.sampled_from("abcdefgh"), max_size=3).map(tuple),
).map(lambda graph: {name: tuple(other for other in others if other in graph) for name, others in graph.items()})


@given(graph=graphs)
def test_order_respects_every_dependency_or_names_a_real_loop(graph):
    try:
        waves = plan_order(list(graph), graph)
    except CycleError as error:
        for cycle in error.cycles:
            for name, after in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
                assert after in graph[name]
        return

    wave_of = {name: index for index, wave in enumerate(waves) for name in wave}
    assert sorted(wave_of) == sorted(graph)
    assert all(wave_of[other] < wave_of[name] for name, others in graph.items() for other in others)
