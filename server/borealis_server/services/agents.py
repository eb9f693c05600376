"""Agents: which there are, and whether calls can reach their clusters.

Owns the view of an agent. Agents come into being by their credential; their tunnels are the relay's.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from borealis_server.domain.agent import AgentRecord
from borealis_server.domain.errors import AgentNotFound, BorealisError
from borealis_server.domain.names import AgentName
from borealis_server.domain.paging import MAX_PAGE_SIZE, Page, PageRequest, page_token
from borealis_server.ports.relay import AgentChange, AgentChangeKind, AgentRef

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from borealis_server.ports.agents import AgentRecordStore
    from borealis_server.ports.identity import CredentialStore
    from borealis_server.ports.relay import AgentSession, Relay

_RETRY_S = 5.0

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """An agent as it is now."""

    name: AgentName
    """Its resource name."""
    since: datetime | None
    """Since when it is connected or disconnected; None when it has never connected."""
    last_seen_at: datetime | None
    """Last sign of life; None when it has never connected."""
    sessions: tuple[AgentSession, ...]
    """Its live tunnels, oldest first; empty when it is disconnected."""


class AgentService:
    """Shows the agents of a tenant."""

    def __init__(self, *, credentials: CredentialStore, records: AgentRecordStore, relay: Relay) -> None:
        self._credentials = credentials
        self._records = records
        self._relay = relay

    async def get(self, tenant: str, name: AgentName) -> AgentView:
        """One agent. Errors: AgentNotFound, also for an agent of another tenant."""
        if name.tenant != tenant or not await self._credentials.has_agent(tenant, name.id):
            raise AgentNotFound(name)
        (view,) = await self._views(tenant, (name.id,))
        return view

    async def list(self, tenant: str, page: PageRequest) -> Page[AgentView]:
        """The agents of the tenant that have a credential, by name. Errors: InvalidArgument, PageTokenInvalid."""
        query, limit = f"agents/{tenant}", page.limit()
        names = await self._credentials.list_agent_names(tenant, after=page.after(query), limit=limit + 1)
        token = page_token(query, names[limit - 1]) if len(names) > limit else ""
        return Page(items=await self._views(tenant, names[:limit]), next_token=token)

    async def agent_names(self, tenant: str) -> tuple[str, ...]:
        """Every agent of the tenant that has a credential, connected or not, by name."""
        names: tuple[str, ...] = ()
        while more := await self._credentials.list_agent_names(
            tenant, after=names[-1] if names else "", limit=MAX_PAGE_SIZE
        ):
            names += more
        return names

    async def away(self, tenant: str, names: Sequence[str]) -> dict[str, datetime | None]:
        """Those of the agents that are not connected, each with its last sign of life."""
        views = await self._views(tenant, names)
        return {view.name.id: view.last_seen_at for view in views if not view.sessions}

    @asynccontextmanager
    async def watch(self, tenant: str, name: AgentName | None) -> AsyncIterator[AgentWatch]:
        """The agents as they are, or only `name`, and each again whenever one of its tunnels begins or ends.

        Errors: AgentNotFound for a `name` that is none of the tenant's.
        """
        async with self._relay.watch_agents() as changes:  # before the first look, so that nothing falls in between
            names = await self.agent_names(tenant) if name is None else ((await self.get(tenant, name)).name.id,)
            views = await self._views(tenant, names)
            wanted = None if name is None else name.id
            yield AgentWatch(initial=views, changes=self._changed_views(changes, tenant, wanted))

    async def keep_records(self) -> None:
        """Write down when agents come and go, for ever. Whoever made the service runs this."""
        while True:
            try:
                async with self._relay.watch_agents() as changes:
                    async for change in changes:
                        await self._records.record_agent(self._record(change))
            except BorealisError as error:
                log.warning("agents.record_failed", reason=error.reason, error=error.message, retry_s=_RETRY_S)
            await asyncio.sleep(_RETRY_S)

    async def _views(self, tenant: str, names: Sequence[str]) -> tuple[AgentView, ...]:
        records = {record.name: record for record in await self._records.agent_records(tenant, names)}
        return tuple(self._view(tenant, name, records.get(name)) for name in names)

    def _view(self, tenant: str, name: str, record: AgentRecord | None) -> AgentView:
        sessions = self._relay.sessions(AgentRef(tenant=tenant, name=name))
        since: datetime | None = None
        last_seen_at: datetime | None = None
        if sessions:
            since = min(session.connected_at for session in sessions)
            last_seen_at = max(session.last_seen_at for session in sessions)
        elif record is not None:
            since, last_seen_at = record.disconnected_at or record.last_seen_at, record.last_seen_at
        return AgentView(name=AgentName(tenant, name), since=since, last_seen_at=last_seen_at, sessions=sessions)

    async def _changed_views(
        self, changes: AsyncIterator[AgentChange], tenant: str, wanted: str | None
    ) -> AsyncIterator[AgentView]:
        async for change in changes:
            agent = change.session.agent
            if agent.tenant == tenant and wanted in (None, agent.name):
                for view in await self._views(tenant, (agent.name,)):
                    yield view

    def _record(self, change: AgentChange) -> AgentRecord:
        session = change.session
        is_gone = change.kind is AgentChangeKind.DISCONNECTED and not self._relay.is_connected(session.agent)
        return AgentRecord(
            tenant=session.agent.tenant,
            name=session.agent.name,
            last_seen_at=session.last_seen_at,
            disconnected_at=session.last_seen_at if is_gone else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWatch:
    """A look at agents that goes on."""

    initial: tuple[AgentView, ...]
    """The agents as they were at its beginning, by name."""
    changes: AsyncIterator[AgentView]
    """Each agent again, after one of its tunnels began or ended."""
