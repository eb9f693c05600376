"""Use cases around integrations: managed by people, used by analyses, tried out by whoever doubts them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from borealis_server.domain.analysis.evidence import Answer, Window
from borealis_server.domain.errors import BorealisError, IntegrationNotFound, Stale
from borealis_server.domain.integration import (
    DEFAULT_URLS,
    SETTINGS_OF,
    Integration,
    IntegrationName,
    ProviderKind,
    ProviderSettings,
    checked,
)
from borealis_server.domain.paging import Page, page_token

if TYPE_CHECKING:
    from borealis_server.domain.paging import PageRequest
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.integrations import IntegrationStore
    from borealis_server.services.asking import Asker

TRIAL_QUERIES: Final = {
    ProviderKind.PROMETHEUS: "vector(1)",
    ProviderKind.DATADOG: "avg:system.cpu.idle{*}.rollup(avg, 300)",
    ProviderKind.NEW_RELIC: "SELECT count(*) FROM Transaction SINCE 5 minutes ago UNTIL now",
}
"""Questions that every account can answer."""
_TRIAL_WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wants an integration to be."""

    url: str
    """Empty for the usual one of its kind."""
    settings: ProviderSettings
    agent: str = ""
    etag: str = ""
    """Of the integration to replace; empty replaces whatever is there."""


class Integrations:
    """The metric providers of tenants. Callers are known and allowed by then."""

    def __init__(self, store: IntegrationStore, asker: Asker, clock: Clock) -> None:
        self._store = store
        self._asker = asker
        self._clock = clock

    async def create(self, name: IntegrationName, draft: Draft, *, actor: str) -> Integration:
        """Keep a new integration. Errors: InvalidArgument, IntegrationExists."""
        now = self._clock.now()
        new = Integration(
            name=name,
            url=draft.url or _usual_url(draft.settings),
            settings=draft.settings,
            agent=draft.agent,
            created_at=now,
            updated_at=now,
            updated_by=actor,
        )
        await self._store.add_integration(checked(new))
        return new

    async def update(self, tenant: str, name: IntegrationName, draft: Draft, *, actor: str) -> Integration:
        """Replace an integration. Errors: InvalidArgument, IntegrationNotFound, Stale."""
        self._check(tenant, name)
        now = self._clock.now()

        def change(before: Integration) -> Integration:
            if draft.etag not in ("", str(before.revision)):
                raise Stale(name)
            after = replace(
                before,
                url=draft.url or _usual_url(draft.settings),
                settings=draft.settings,
                agent=draft.agent,
                updated_at=now,
                updated_by=actor,
                revision=before.revision + 1,
            )
            return checked(after)

        return await self._store.update_integration(name, change)

    async def get(self, tenant: str, name: IntegrationName) -> Integration:
        """One integration. Errors: IntegrationNotFound, also for one of another tenant."""
        self._check(tenant, name)
        return await self._store.get_integration(name)

    async def list(self, tenant: str, page: PageRequest) -> Page[Integration]:
        """Integrations of the tenant by name. Errors: InvalidArgument, PageTokenInvalid."""
        query, limit = f"integrations/{tenant}", page.limit()
        found = await self._store.list_integrations(tenant, after=page.after(query), limit=limit + 1)
        items = found[:limit]
        return Page(items=items, next_token=page_token(query, items[-1].name.id) if len(found) > limit else "")

    async def names(self, tenant: str) -> frozenset[str]:
        """What deploy files of the tenant may name as a metric provider."""
        return await self._store.integration_names(tenant)

    async def delete(self, tenant: str, name: IntegrationName) -> None:
        """Forget an integration. Errors: IntegrationNotFound."""
        self._check(tenant, name)
        await self._store.remove_integration(name)

    async def test(self, tenant: str, name: IntegrationName, query: str) -> Answer:
        """What the provider answers to `query`; empty: what all accounts can answer. Errors: IntegrationNotFound."""
        integration = await self.get(tenant, name)
        now = self._clock.now().replace(microsecond=0)
        text, window = query or TRIAL_QUERIES[integration.kind], Window(start=now - _TRIAL_WINDOW, end=now)
        try:
            return await self._asker.ask_once(integration, text, window)
        except BorealisError as error:
            return Answer(question=text, error=error.message)

    def _check(self, tenant: str, name: IntegrationName) -> None:
        if name.tenant != tenant:
            raise IntegrationNotFound(name)


def _usual_url(settings: ProviderSettings) -> str:
    return next(DEFAULT_URLS[kind] for kind, shape in SETTINGS_OF.items() if isinstance(settings, shape))
