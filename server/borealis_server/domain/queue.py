"""The queue of an application: one deployment waits behind the one in progress, and a newer one takes its place."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from borealis_server.domain.deployment import Deployment, Wait
from borealis_server.domain.record import Note, Recorded, settle
from borealis_server.domain.stages import with_steps_ended
from borealis_server.domain.states import DeploymentState, EndReason, EventKind, Phase
from borealis_server.domain.transitions import StepEvent, TargetEvent, move_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A deployment in the queue, and the one whose place it took, if there was one."""

    recorded: Recorded
    replaced: Recorded | None = None


def enqueue(deployment: Deployment, others: Sequence[Deployment], now: datetime) -> Queued:
    """`deployment`, of which nothing has happened yet, in the queue behind `others`: those of its application that are
    not final, at least one.
    """
    waiting = next((other for other in others if other.state is DeploymentState.QUEUED), None)
    # Only one that waits: what it waits for has just ended, and the turn has not been taken yet.
    blocker = next((other.key.id for other in others if other is not waiting), others[0].blocked_by)
    what = f"deployment {blocker} of {deployment.application} to end"
    wait = Wait(what=what, since=now, ended_by="the end of that deployment; cancel either one to end it sooner")
    queued = replace(
        deployment,
        state=DeploymentState.QUEUED,
        blocked_by=blocker,
        message=f"waits for {what}",
        targets=tuple(replace(run, wait=wait) for run in deployment.targets),
    )
    note = Note(kind=EventKind.DEPLOYMENT_QUEUED, message=queued.message, actor=deployment.started_by)
    return Queued(
        recorded=Recorded(deployment=queued).with_event(note, now),
        replaced=_replaced(waiting, deployment, now) if waiting else None,
    )


def take_turn(deployment: Deployment, known_agents: Collection[str], now: datetime) -> Recorded:
    """The queued `deployment` started; or rejected, when an agent that it needs is not known any more."""
    lost = sorted({run.account for run in deployment.targets} - set(known_agents))
    if lost:
        message = f"never started: when its turn came there was no agent {' or '.join(lost)} any more"
        return _ended(deployment, DeploymentState.REJECTED, EndReason.REJECTED, message, now)
    running = replace(
        deployment,
        state=DeploymentState.RUNNING,
        message="",
        targets=tuple(replace(run, wait=None) for run in deployment.targets),
    )
    message = f"started, since deployment {deployment.blocked_by} has ended"
    return settle(
        Recorded(deployment=running).with_event(Note(kind=EventKind.DEPLOYMENT_STARTED, message=message), now), now
    )


def _replaced(waiting: Deployment, newer: Deployment, now: datetime) -> Recorded:
    message = f"never started: the newer deployment {newer.key.id} took its place in the queue"
    older = replace(waiting, replaced_by=newer.key.id)
    return _ended(older, DeploymentState.REPLACED, EndReason.REPLACED, message, now)


def _ended(deployment: Deployment, state: DeploymentState, reason: EndReason, message: str, now: datetime) -> Recorded:
    """The end of a deployment that never started."""
    recorded = Recorded(deployment=deployment)
    for run in deployment.targets:
        ended = with_steps_ended(move_target(run, TargetEvent.CANCELLED, now), StepEvent.CANCELLED, now)
        ended = replace(ended, phase=Phase.ENDED, end_reason=reason, message=message, wait=None)
        recorded = recorded.with_target(ended, (), now)
    recorded = replace(recorded, deployment=replace(recorded.deployment, state=state, message=message, ended_at=now))
    for run in recorded.deployment.targets:
        recorded = recorded.with_event(Note(kind=EventKind.TARGET_CHANGED, message=message), now, run)
    return recorded.with_event(Note(kind=EventKind.DEPLOYMENT_ENDED, message=message), now)
