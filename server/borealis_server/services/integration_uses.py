"""Which integrations use a secret: for whoever is about to delete it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from borealis_server.domain.secret import SecretName
    from borealis_server.ports.integrations import IntegrationStore

_AT_ONCE = 250


class IntegrationSecretUses:
    """Implements `services.secrets.SecretUses`."""

    def __init__(self, store: IntegrationStore) -> None:
        self._store = store

    async def uses(self, name: SecretName) -> tuple[str, ...]:
        """One line of words for each integration that uses the secret."""
        lines: list[str] = []
        after = ""
        while found := await self._store.list_integrations(name.tenant, after=after, limit=_AT_ONCE):
            lines += [f"the integration {one.name.id}" for one in found if name.id in one.secrets]
            after = found[-1].name.id
        return tuple(lines)
