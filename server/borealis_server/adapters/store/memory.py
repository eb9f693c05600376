"""Stores that forget everything with the process: for tests, with the same contract as the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.adapters.store.rules import check_events, checked_repeat, in_progress, revised
from borealis_server.domain.errors import CredentialExists, DeploymentNotFound
from borealis_server.domain.names import DeploymentName
from borealis_server.ports.store import Change, Committed, DeploymentCursor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from borealis_server.domain.agent import AgentRecord
    from borealis_server.domain.deployment import Deployment, DeploymentInputs, DeploymentKey, Event
    from borealis_server.domain.identity import ClientCredential
    from borealis_server.ports.store import Admission


class MemoryCredentialStore:
    """Implements `ports.identity.CredentialStore`."""

    def __init__(self) -> None:
        self._credentials: dict[str, ClientCredential] = {}
        self.changes = 0
        """How often they have changed."""

    async def add_credential(self, credential: ClientCredential) -> None:
        """Keep a new credential. Errors: CredentialExists."""
        if await self.find_credential(credential.tenant, credential.display_name) is not None:
            raise CredentialExists(credential.display_name)
        self._credentials[credential.client_id] = credential
        self.changes += 1

    def of_tenants(self, tenants: Collection[str]) -> dict[str, ClientCredential]:
        """Every credential of these tenants, by client id."""
        return {key: one for key, one in self._credentials.items() if one.tenant in tenants}

    def replace(self, before: Iterable[str], after: Mapping[str, ClientCredential]) -> None:
        """Forget those of `before`, keep those of `after`."""
        for key in before:
            del self._credentials[key]
        self._credentials.update(after)
        self.changes += 1

    async def get_credential(self, client_id: str) -> ClientCredential | None:
        """The credential with that client id, in whichever tenant."""
        return self._credentials.get(client_id)

    async def find_credential(self, tenant: str, display_name: str) -> ClientCredential | None:
        """The tenant's credential of that display name."""
        wanted = (tenant, display_name)
        return next((kept for kept in self._credentials.values() if (kept.tenant, kept.display_name) == wanted), None)

    async def list_credentials(self, tenant: str, *, after: str, limit: int) -> tuple[ClientCredential, ...]:
        """At most `limit` credentials of the tenant with display names behind `after`, by display name."""
        found = (kept for kept in self._credentials.values() if kept.tenant == tenant and kept.display_name > after)
        return tuple(sorted(found, key=lambda kept: kept.display_name)[:limit])

    async def list_agent_names(self, tenant: str, *, after: str, limit: int) -> tuple[str, ...]:
        """At most `limit` agents behind `after` that a credential of the tenant is bound to; sorted, each once."""
        names = {kept.agent for kept in self._credentials.values() if kept.tenant == tenant and kept.agent}
        return tuple(sorted(name for name in names if name > after)[:limit])

    async def has_agent(self, tenant: str, agent: str) -> bool:
        """Whether a credential of the tenant is bound to that agent."""
        return any(kept.tenant == tenant and kept.agent == agent != "" for kept in self._credentials.values())


class MemoryAgentRecordStore:
    """Implements `ports.agents.AgentRecordStore`."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], AgentRecord] = {}

    async def record_agent(self, record: AgentRecord) -> None:
        """Keep `record` in place of the one before."""
        self._records[record.tenant, record.name] = record

    async def agent_records(self, tenant: str, names: Collection[str]) -> tuple[AgentRecord, ...]:
        """The records of those agents of the tenant that have one, in no particular order."""
        return tuple(self._records[tenant, name] for name in names if (tenant, name) in self._records)


class MemoryDeploymentStore:
    """Implements `ports.store.DeploymentStore`."""

    def __init__(self) -> None:
        self._deployments: dict[DeploymentKey, Deployment] = {}
        self._inputs: dict[DeploymentKey, DeploymentInputs] = {}
        self._events: dict[DeploymentKey, list[Event]] = {}

    async def insert(
        self,
        deployment: Deployment,
        inputs: DeploymentInputs,
        events: Sequence[Event],
        *,
        beside: Callable[[Sequence[Deployment]], Admission] | None = None,
    ) -> Deployment:
        """Keep a new deployment; or the one that the same request has started before, unchanged.

        Errors: RequestIdReused, DeploymentInProgress.
        """
        new, replaced = Change(deployment=deployment, events=tuple(events)), None
        tenant = deployment.key.tenant
        existing = await self.of_request(tenant, deployment.request_id) if deployment.request_id else None
        if existing is not None:
            return checked_repeat(existing, deployment)
        others = [
            kept for kept in self._of(tenant) if kept.application == deployment.application and not kept.state.is_final
        ]
        if others and not deployment.state.is_final:
            if beside is None:
                raise in_progress(others)
            admission = beside(others)
            new, replaced = admission.new, admission.replaced
        check_events(new.deployment, new.events, after_sequence=0)
        if replaced:
            wanted = replaced
            await self.update(wanted.deployment.key, lambda _: wanted)
        self._deployments[deployment.key] = new.deployment
        self._inputs[deployment.key] = inputs
        self._events[deployment.key] = list(new.events)
        return new.deployment

    async def update(self, key: DeploymentKey, change: Callable[[Deployment], Change | None]) -> Committed:
        """Replace a deployment by what `change` makes of it, together with the events. Errors: DeploymentNotFound."""
        before = await self.get(key)
        wanted = change(before)
        if wanted is None:
            return Committed(before=before, after=before)
        after = revised(before, wanted)
        self._deployments[key] = after
        self._events[key].extend(wanted.events)
        return Committed(before=before, after=after)

    async def get(self, key: DeploymentKey) -> Deployment:
        """The newest state. Errors: DeploymentNotFound."""
        if key not in self._deployments:
            raise DeploymentNotFound(DeploymentName(key.tenant, key.id))
        return self._deployments[key]

    async def of_request(self, tenant: str, request_id: str) -> Deployment | None:
        """The deployment that a request of this id has started."""
        return next((kept for kept in self._of(tenant) if kept.request_id == request_id), None)

    async def inputs(self, key: DeploymentKey) -> DeploymentInputs:
        """What it was started with. Errors: DeploymentNotFound."""
        await self.get(key)
        return self._inputs[key]

    async def events(self, key: DeploymentKey, *, after_sequence: int, limit: int) -> tuple[Event, ...]:
        """Up to `limit` events after `after_sequence`, in order."""
        found = (event for event in self._events.get(key, ()) if event.sequence > after_sequence)
        return tuple(found)[:limit]

    async def list(
        self,
        tenant: str,
        *,
        limit: int,
        after: DeploymentCursor | None = None,
        application: str = "",
        in_progress_only: bool = False,
    ) -> tuple[Deployment, ...]:
        """Up to `limit` deployments of `tenant` after `after`, newest first."""
        newest_first = sorted(self._of(tenant), key=_position, reverse=True)
        found = (
            kept
            for kept in newest_first
            if (after is None or _position(kept) < (after.started_at, after.id))
            and application in ("", kept.application)
            and not (in_progress_only and kept.state.is_final)
        )
        return tuple(found)[:limit]

    async def unfinished(self) -> tuple[Deployment, ...]:
        """Every deployment of every tenant that is not final, oldest first."""
        return tuple(sorted((kept for kept in self._deployments.values() if not kept.state.is_final), key=_position))

    def _of(self, tenant: str) -> tuple[Deployment, ...]:
        return tuple(kept for key, kept in self._deployments.items() if key.tenant == tenant)


def _position(deployment: Deployment) -> tuple[object, str]:
    return (deployment.started_at, deployment.key.id)
