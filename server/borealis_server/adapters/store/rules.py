"""What every store holds to, whatever it keeps its records in. Pure, so that all of them mean the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from borealis_server.domain.errors import DeploymentInProgress, RequestIdReused
from borealis_server.domain.names import DeploymentName
from borealis_server.domain.states import DeploymentState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_server.domain.deployment import Deployment, Event
    from borealis_server.ports.store import Change

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def in_progress(open_ones: Sequence[Deployment]) -> DeploymentInProgress:
    """The refusal of another deployment of an application; `open_ones` are those that are not final, at least one."""
    running = min(open_ones, key=lambda one: one.state is DeploymentState.QUEUED)
    return DeploymentInProgress(running.application, DeploymentName(running.key.tenant, running.key.id))


def to_us(time: datetime) -> int:
    """Microseconds since 1970; exact, which floating-point timestamps are not."""
    return (time - _EPOCH) // _MICROSECOND


def from_us(time_us: int) -> datetime:
    """The time, aware and in UTC."""
    return _EPOCH + time_us * _MICROSECOND


def checked_repeat(existing: Deployment, wanted: Deployment) -> Deployment:
    """`existing`, when `wanted` is the same request sent again.

    Errors: RequestIdReused when it is another request.
    """
    if existing.digest != wanted.digest:
        raise RequestIdReused(wanted.request_id)
    return existing


def revised(before: Deployment, change: Change) -> Deployment:
    """The deployment to keep after `change`. Errors: ValueError when the events leave a gap."""
    check_events(change.deployment, change.events, after_sequence=before.sequence)
    if change.deployment.key != before.key:
        raise ValueError(f"a change of {before.key} cannot make it {change.deployment.key}")
    return replace(change.deployment, revision=before.revision + 1)


def check_events(deployment: Deployment, events: Sequence[Event], *, after_sequence: int) -> None:
    """Raise ValueError unless the events continue the sequence and the deployment names the last one."""
    numbers = [event.sequence for event in events]
    wanted = list(range(after_sequence + 1, after_sequence + 1 + len(events)))
    if numbers != wanted or deployment.sequence != after_sequence + len(events):
        raise ValueError(f"events {numbers} with sequence {deployment.sequence} do not continue {after_sequence}")
