"""Integrations that are forgotten with the process: for tests, with the same contract as the real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.domain.errors import IntegrationExists, IntegrationNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_server.domain.integration import Integration, IntegrationName


class MemoryIntegrationStore:
    """Implements `ports.integrations.IntegrationStore`."""

    def __init__(self, *kept: Integration) -> None:
        self._kept: dict[IntegrationName, Integration] = {one.name: one for one in kept}

    async def add_integration(self, integration: Integration) -> None:
        """Keep a new integration. Errors: IntegrationExists."""
        if integration.name in self._kept:
            raise IntegrationExists(integration.name)
        self._kept[integration.name] = integration

    async def get_integration(self, name: IntegrationName) -> Integration:
        """The integration. Errors: IntegrationNotFound."""
        if name not in self._kept:
            raise IntegrationNotFound(name)
        return self._kept[name]

    async def list_integrations(self, tenant: str, *, after: str, limit: int) -> tuple[Integration, ...]:
        """At most `limit` integrations of the tenant with ids behind `after`, by id."""
        found = (name for name in sorted(self._kept) if name.tenant == tenant and name.id > after)
        return tuple(self._kept[name] for name in found)[:limit]

    async def integration_names(self, tenant: str) -> frozenset[str]:
        """The ids of all integrations of the tenant."""
        return frozenset(name.id for name in self._kept if name.tenant == tenant)

    async def update_integration(
        self, name: IntegrationName, change: Callable[[Integration], Integration]
    ) -> Integration:
        """Replace an integration by what `change` makes of its newest state. Errors: IntegrationNotFound."""
        self._kept[name] = change(await self.get_integration(name))
        return self._kept[name]

    async def remove_integration(self, name: IntegrationName) -> None:
        """Forget an integration. Errors: IntegrationNotFound."""
        await self.get_integration(name)
        del self._kept[name]
