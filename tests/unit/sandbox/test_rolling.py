"""The arithmetic of a rolling update never leaves its bounds, and always arrives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_sandbox.controllers.rolling import (
    bounds_of,
    is_same_template,
    next_new,
    next_old,
    template_hash,
)


def _deployment(replicas: int, surge: int | str = "25%", unavailable: int | str = "25%") -> dict[str, Any]:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {"spec": {"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}}


def _set(name: str, replicas: int, available: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"replicas": replicas},
        "status": {"availableReplicas": available},
    }


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        pytest.param(4, "25%", "25%", (1, 1), id="exact"),
        pytest.param(3, "25%", "25%", (1, 0), id="rounds-apart"),
        pytest.param(10, 2, 3, (2, 3), id="numbers"),
        pytest.param(5, 0, 0, (0, 1), id="never-both-zero"),
    ],
)
def test_bounds(replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]) -> None:
    bounds = bounds_of(_deployment(replicas, surge, unavailable))

    assert (bounds.surge, bounds.unavailable) == expected


@given(
    replicas=st.integers(1, 12),
    surge=st.integers(0, 4),
    unavailable=st.integers(0, 4),
    start=st.integers(0, 12),
)
def test_a_rollout_keeps_its_bounds_and_arrives(replicas: int, surge: int, unavailable: int, start: int) -> None:
    deployment = _deployment(replicas, surge, unavailable)
    bounds = bounds_of(deployment)
    new, old = 0, start
    for _ in range(60):
        sets = _set("new", new, new), _set("old", old, old)
        wanted = next_new(deployment, sets[0], sets[1:])
        if wanted != new:
            assert wanted + old <= replicas + bounds.surge
            new = wanted
            continue
        left = next_old(deployment, sets[0], sets[1:])["old"]
        assert left <= old
        assert new + left >= min(replicas - bounds.unavailable, new + old)
        old = left

    assert (new, old) == (replicas, 0)


def test_unhealthy_old_pods_go_first() -> None:
    left = next_old(_deployment(4), _set("new", 1, 1), [_set("sick", 2, 0), _set("well", 2, 2)])

    assert left == {"sick": 0, "well": 2}


def test_templates_differ_by_more_than_the_hash_label() -> None:
    one = {"metadata": {"labels": {"a": "1"}}, "spec": {}}
    hashed = {"metadata": {"labels": {"a": "1", "pod-template-hash": "x"}}, "spec": {}}

    assert is_same_template(one, hashed)
    assert not is_same_template(one, {**one, "spec": {"x": 1}})


def test_the_hash_depends_on_template_and_collisions_only() -> None:
    template = {"spec": {"a": 1, "b": 2}}

    assert template_hash(template, 0) == template_hash({"spec": {"b": 2, "a": 1}}, 0)
    assert len({template_hash(template, 0), template_hash(template, 1), template_hash({}, 0)}) == 3
