"""A pod's life is a function of its script and its age."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_sandbox.controllers.pod_status import Moment, Script, moment_at, read_script, status_at

_SCRIPTS = st.builds(
    Script,
    is_never_ready=st.booleans(),
    fails_image=st.booleans(),
    crashes=st.booleans(),
    ready_after_s=st.floats(0, 30),
)


def _pod(annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "web", "image": "example/web:1"}]
    return {"metadata": {"name": "p", "annotations": annotations or {}}, "spec": {"containers": containers, **spec}}


def _ready(status: dict[str, Any]) -> dict[str, Any]:
    return next(each for each in status["conditions"] if each["type"] == "Ready")


@given(script=_SCRIPTS)
def test_every_life_moves_on_from_moment_to_moment(script: Script) -> None:
    elapsed_s, stages = 0.0, []
    for _ in range(40):
        moment = moment_at(script, elapsed_s)
        stages.append(moment.stage)
        if moment.next_s is None:
            break
        assert moment.next_s > 0
        elapsed_s += moment.next_s + 1e-6

    assert stages[:2] == ["Created", "Starting"]
    can_be_ready = not (script.is_never_ready or script.fails_image or script.crashes)
    assert ("Ready" in stages) is can_be_ready


@pytest.mark.parametrize(
    ("annotation", "elapsed_s", "phase", "reason"),
    [
        pytest.param({"fail-image": "true"}, 0.6, "Pending", "ErrImagePull", id="image-first"),
        pytest.param({"fail-image": "true"}, 60, "Pending", "ImagePullBackOff", id="image-later"),
        pytest.param({"crash": "true"}, 3, "Running", "CrashLoopBackOff", id="crash"),
        pytest.param({}, 0.2, "Pending", "ContainerCreating", id="starting"),
    ],
)
def test_why_a_container_waits(annotation: dict[str, str], elapsed_s: float, phase: str, reason: str) -> None:
    pod = _pod({f"sandbox.borealis.dev/{key}": value for key, value in annotation.items()})
    status = status_at(pod, moment_at(read_script(pod), elapsed_s), pod_ip="10.0.0.1", host_ip="10.0.0.2")

    assert status["phase"] == phase
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == reason
    assert _ready(status)["status"] == "False"


def test_crashes_are_counted_and_further_apart_each_time() -> None:
    script = Script(crashes=True)

    assert [moment_at(script, elapsed_s).restarts for elapsed_s in (1, 12, 34, 200)] == [0, 1, 2, 4]


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [("3s", 3.0), ("500ms", 0.5), ("2m", 120.0), ("7", 7.0), ("soon", 1.0), ("", 1.0)],
)
def test_ready_after_is_read_as_a_duration(text: str, expected_s: float) -> None:
    assert read_script(_pod({"sandbox.borealis.dev/ready-after": text})).ready_after_s == expected_s


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        pytest.param(None, ("False", "ReadinessGatesNotReady"), id="unset"),
        pytest.param("False", ("False", "ReadinessGatesNotReady"), id="false"),
        pytest.param("True", ("True", None), id="true"),
    ],
)
def test_a_readiness_gate_must_hold(gate: str | None, expected: tuple[str, str | None]) -> None:
    pod = _pod(readinessGates=[{"conditionType": "g"}])
    if gate:
        pod["status"] = {"conditions": [{"type": "g", "status": gate}]}
    ready = _ready(status_at(pod, Moment(stage="Ready"), pod_ip="10.0.0.1", host_ip="10.0.0.2"))

    assert (ready["status"], ready.get("reason")) == expected


def test_the_time_of_a_condition_moves_only_with_its_status() -> None:
    pod = _pod()
    old = {"type": "Ready", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"}
    pod["status"] = {"conditions": [old]}
    same = _ready(status_at(pod, Moment(stage="Ready"), pod_ip="10.0.0.1", host_ip="10.0.0.2"))
    other = _ready(status_at(pod, Moment(stage="Unready"), pod_ip="10.0.0.1", host_ip="10.0.0.2"))

    assert same["lastTransitionTime"] == "2020-01-01T00:00:00Z"
    assert other["lastTransitionTime"] != "2020-01-01T00:00:00Z"
