"""Where deployments are kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from borealis_server.domain.deployment import Deployment, DeploymentInputs, DeploymentKey, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A new state of a deployment and the events that led to it. Shape: `events` continue the stored sequence."""

    deployment: Deployment
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a commit replaced and what it wrote."""

    before: Deployment
    after: Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentCursor:
    """Position in a list of deployments, newest first: the last one seen."""

    started_at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """How a new deployment is kept beside one in progress: in the queue, in the place of `replaced` if that waits."""

    new: Change
    replaced: Change | None = None


class DeploymentStore(Protocol):
    """Keeps deployments, their inputs and their events. Everything written is durable when the call returns."""

    async def insert(
        self,
        deployment: Deployment,
        inputs: DeploymentInputs,
        events: Sequence[Event],
        *,
        beside: Callable[[Sequence[Deployment]], Admission] | None = None,
    ) -> Deployment:
        """Keep a new deployment, atomically with its inputs and first events; returns what is kept.

        Where the tenant has a deployment of the same non-empty `request_id` and the same `digest`, that one comes back
        and nothing is written. Where the application has deployments that are not final, at most one in progress and
        one in the queue, `beside` is called with them, pure and fast, and what it admits is kept instead.

        Errors: RequestIdReused when the digest differs; DeploymentInProgress without `beside` when the application has
        a deployment that is not final (it names the one in progress).
        """
        ...

    async def update(self, key: DeploymentKey, change: Callable[[Deployment], Change | None]) -> Committed:
        """Replace a deployment by what `change` makes of its newest state, atomically with the events.

        `change` is called with the newest state and must be pure and fast. The stored `revision` is the newest one plus
        1, whatever `change` put there. None means: leave everything as it is (before and after are then equal). What
        `change` raises comes out, and nothing is written.

        Errors: DeploymentNotFound.
        """
        ...

    async def get(self, key: DeploymentKey) -> Deployment:
        """The newest state. Errors: DeploymentNotFound."""
        ...

    async def of_request(self, tenant: str, request_id: str) -> Deployment | None:
        """The deployment that a request of this id, which is not empty, has started; None where none has."""
        ...

    async def inputs(self, key: DeploymentKey) -> DeploymentInputs:
        """What it was started with. Errors: DeploymentNotFound."""
        ...

    async def events(self, key: DeploymentKey, *, after_sequence: int, limit: int) -> tuple[Event, ...]:
        """Up to `limit` events after `after_sequence`, in order; empty also for an unknown deployment."""
        ...

    async def list(
        self,
        tenant: str,
        *,
        limit: int,
        after: DeploymentCursor | None = None,
        application: str = "",
        in_progress_only: bool = False,
    ) -> tuple[Deployment, ...]:
        """Up to `limit` deployments of `tenant` after `after`, newest first (by start time, then id, descending)."""
        ...

    async def unfinished(self) -> tuple[Deployment, ...]:
        """Every deployment of every tenant that is not final, oldest first."""
        ...
