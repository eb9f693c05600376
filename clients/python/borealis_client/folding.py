"""A deployment's state after one more event. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from borealis_client._generated.borealis.deployment.v1 import DeploymentEventKind, DeploymentState

if TYPE_CHECKING:
    from borealis_client._generated.borealis.deployment.v1 import Deployment, DeploymentEvent

FINAL_STATES: Final = frozenset(
    {
        DeploymentState.SUCCEEDED,
        DeploymentState.FAILED,
        DeploymentState.CANCELLED,
        DeploymentState.REPLACED,
        DeploymentState.REJECTED,
    }
)
"""States that a deployment never leaves."""


def is_final(deployment: Deployment) -> bool:
    """Whether nothing more will happen in the deployment."""
    return deployment.state in FINAL_STATES


def is_end(event: DeploymentEvent) -> bool:
    """Whether it is the last event of its deployment."""
    return event.kind is DeploymentEventKind.DEPLOYMENT_ENDED


def fold(deployment: Deployment, event: DeploymentEvent) -> Deployment:
    """The deployment after `event`; the one before it stays as it was."""
    run = event.target_run
    return replace(
        deployment,
        state=event.deployment_state or deployment.state,
        targets=[run if run and run.name == one.name else one for one in deployment.targets],
        sequence=max(event.sequence, deployment.sequence),
        end_time=event.time if is_end(event) else deployment.end_time,
        message=event.deployment_message,
    )
