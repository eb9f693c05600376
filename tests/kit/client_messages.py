"""Deployments as clients see them, for tests of SDK and command line: `a_deployment()`, `a_target()` and so on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from borealis_client import (
    Approval,
    Deployment,
    DeploymentEvent,
    DeploymentEventKind,
    DeploymentState,
    Pause,
    SetWeight,
    StepRun,
    StepRunState,
    TargetRun,
    TargetRunState,
    Wait,
    Workload,
)

T0 = datetime(2026, 11, 20, 10, 0, 0, tzinfo=UTC)
"""When everything starts."""
NAME = "tenants/main/deployments/abcdefgh2345"


def at(seconds: float) -> datetime:
    """So many seconds after the start."""
    return T0 + timedelta(seconds=seconds)


def a_deployment(**fields: Any) -> Deployment:  # Any: the message's own fields
    """A running deployment of `shop` with one target, changed as `fields` say."""
    defaults: dict[str, Any] = {
        "name": NAME,
        "application": "shop",
        "state": DeploymentState.RUNNING,
        "targets": [a_target()],
        "started_by": "clients/ana",
        "start_time": T0,
        "sequence": 1,
    }
    return Deployment(**(defaults | fields))


def a_target(**fields: Any) -> TargetRun:  # Any: the message's own fields
    """A running target `prod` in the middle of a canary, changed as `fields` say."""
    defaults: dict[str, Any] = {
        "name": "prod",
        "account": "kind",
        "namespace": "shop",
        "state": TargetRunState.RUNNING,
        "start_time": T0,
        "steps": [a_weight(1, 25, StepRunState.RUNNING), an_approval(2, StepRunState.NOT_STARTED)],
        "workloads": [a_workload()],
    }
    return TargetRun(**(defaults | fields))


def a_weight(number: int, percent: int, state: StepRunState) -> StepRun:
    """The step `setWeight`."""
    return StepRun(ref=f"step-{number}", state=state, set_weight=SetWeight(weight_percent=percent), start_time=T0)


def an_approval(number: int, state: StepRunState, **fields: Any) -> StepRun:  # Any: the approval's own fields
    """The step `pause` until somebody approves."""
    return StepRun(ref=f"step-{number}", state=state, pause=Pause(approval=Approval(**fields)), start_time=T0)


def a_workload(**fields: Any) -> Workload:  # Any: the message's own fields
    """One of four pods is new."""
    defaults: dict[str, Any] = {
        "name": "web",
        "namespace": "shop",
        "replicas": 4,
        "new_pods": 1,
        "old_pods": 3,
        "new_available": 1,
        "old_available": 3,
        "asked_weight_percent": 25,
        "actual_weight_percent": 25,
    }
    return Workload(**(defaults | fields))


def a_waiting_target(**fields: Any) -> TargetRun:  # Any: the message's own fields
    """A target that waits for somebody's approval."""
    defaults: dict[str, Any] = {
        "state": TargetRunState.AWAITING_APPROVAL,
        "steps": [
            a_weight(1, 25, StepRunState.SUCCEEDED),
            an_approval(2, StepRunState.AWAITING_APPROVAL),
            a_weight(3, 100, StepRunState.NOT_STARTED),
        ],
        "wait": Wait(
            what="approval",
            since_time=T0,
            ended_by="anyone who may approve",
            limit_time=at(3600),
            at_limit="cancelled and rolled back",
        ),
    }
    return a_target(**(defaults | fields))


def an_event(sequence: int, **fields: Any) -> DeploymentEvent:  # Any: the message's own fields
    """Something that happened in `prod`."""
    defaults: dict[str, Any] = {
        "sequence": sequence,
        "time": at(sequence),
        "kind": DeploymentEventKind.TARGET_CHANGED,
        "target": "prod",
        "message": f"event {sequence}",
        "actor": "borealis",
        "deployment_state": DeploymentState.RUNNING,
        "target_run": a_target(),
    }
    return DeploymentEvent(**(defaults | fields))


def the_end(sequence: int, state: DeploymentState) -> DeploymentEvent:
    """The last event."""
    return an_event(
        sequence,
        kind=DeploymentEventKind.DEPLOYMENT_ENDED,
        target="",
        target_run=None,
        deployment_state=state,
        message="it is over",
    )
