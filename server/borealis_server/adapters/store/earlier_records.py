"""Records that earlier versions wrote, as this one means them: what defaults of new fields cannot say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from borealis_server.domain.deployment import Deployment, Event, TargetRun


def deployment_of_today(deployment: Deployment) -> Deployment:
    """The deployment, whichever version wrote it."""
    if all(step.stage for run in deployment.targets for step in run.steps):
        return deployment
    return replace(deployment, targets=tuple(_with_stages(run) for run in deployment.targets))


def event_of_today(event: Event) -> Event:
    """The event, whichever version wrote it."""
    return replace(event, target_run=_with_stages(event.target_run) if event.target_run else None)


def _with_stages(run: TargetRun) -> TargetRun:
    """Steps without a stage ran one after the other."""
    return replace(
        run, steps=tuple(replace(step, stage=step.stage or number) for number, step in enumerate(run.steps, start=1))
    )
