"""Which errands a deployment wants run now, and what their reports make of it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from borealis_server.domain.decision import Circumstances
from borealis_server.domain.deployment import Deployment, DeploymentKey, StepRun, TargetRun
from borealis_server.domain.errand import Errand, ErrandReport
from borealis_server.domain.record import Recorded, settle
from borealis_server.domain.states import StepState
from borealis_server.domain.steps.registry import EXECUTORS


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrandRef:
    """Which errand: an attempt of a step."""

    deployment: DeploymentKey
    target: str
    step: str
    attempt: int


def wanted(deployment: Deployment) -> Iterator[tuple[ErrandRef, Errand]]:
    """Every errand that a step of the deployment waits for."""
    if deployment.state.is_final:
        return
    for run in deployment.targets:
        for step in run.current_steps:
            if step.errand and step.state is StepState.RUNNING:
                ref = ErrandRef(deployment=deployment.key, target=run.name, step=step.ref, attempt=step.errand.attempt)
                yield ref, step.errand


def find(deployment: Deployment, ref: ErrandRef) -> tuple[TargetRun, StepRun, Errand] | None:
    """The errand with its target and its step; None when nobody waits for it any more."""
    for one, errand in wanted(deployment):
        if one == ref:
            run = deployment.target(ref.target)
            return run, run.step(ref.step), errand
    return None


def absorb(deployment: Deployment, ref: ErrandRef, report: ErrandReport, now: datetime) -> Recorded | None:
    """The deployment after the report; None where nobody waits for it: the step is over, or a later attempt counts."""
    found = find(deployment, ref)
    if found is None:
        return None
    run, step, _ = found
    here = Circumstances(now=now, readiness_timeout_s=deployment.readiness_timeout_s, objects=())
    told = replace(step, errand=None)
    after = EXECUTORS[step.kind].absorb(run.with_step(told), told, report, here)
    return settle(Recorded(deployment=deployment).with_target(after.run, after.notes, now), now)
