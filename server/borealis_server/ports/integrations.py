"""Where integrations are kept."""

from collections.abc import Callable
from typing import Protocol

from borealis_server.domain.integration import Integration, IntegrationName


class IntegrationStore(Protocol):
    """Keeps integrations. Everything written is durable when the call returns."""

    async def add_integration(self, integration: Integration) -> None:
        """Keep a new integration. Errors: IntegrationExists."""
        ...

    async def get_integration(self, name: IntegrationName) -> Integration:
        """The integration. Errors: IntegrationNotFound."""
        ...

    async def list_integrations(self, tenant: str, *, after: str, limit: int) -> tuple[Integration, ...]:
        """At most `limit` integrations of the tenant with ids behind `after`, by id."""
        ...

    async def integration_names(self, tenant: str) -> frozenset[str]:
        """The ids of all integrations of the tenant."""
        ...

    async def update_integration(
        self, name: IntegrationName, change: Callable[[Integration], Integration]
    ) -> Integration:
        """Replace an integration by what `change`, pure and fast, makes of its newest state; what is kept.

        Errors: IntegrationNotFound; what `change` raises, and nothing is written then.
        """
        ...

    async def remove_integration(self, name: IntegrationName) -> None:
        """Forget an integration. Errors: IntegrationNotFound."""
        ...
