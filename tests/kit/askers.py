"""Asking real providers without a server around it: integrations and secrets in memory."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.envelope import EnvelopeCipher
from borealis_server.adapters.key_file import open_key_file
from borealis_server.adapters.metrics.asking import HttpMetrics
from borealis_server.adapters.outside.direct import open_direct
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.memory_integrations import MemoryIntegrationStore
from borealis_server.adapters.store.memory_secrets import MemorySecretStore
from borealis_server.domain.integration import IntegrationName, PrometheusSettings
from borealis_server.services.asking import Asker
from borealis_server.services.integrations import Draft, Integrations
from borealis_server.services.retrospection import Retrospection
from borealis_server.services.secrets import SecretService
from kit.provider_server import OnlyDirect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from borealis_server.domain.integration import ProviderSettings
    from borealis_server.ports.clock import Clock

TENANT = "main"


@dataclass
class Bench:
    """Everything that asks providers."""

    integrations: Integrations
    asker: Asker
    retrospection: Retrospection
    secrets: SecretService
    clock: Clock

    async def integrate(self, name: str, url: str, settings: ProviderSettings | None = None) -> None:
        """Make an integration."""
        draft = Draft(url=url, settings=settings or PrometheusSettings())
        await self.integrations.create(IntegrationName(TENANT, name), draft, actor="ana")

    def now(self) -> datetime:
        """The time, in full seconds."""
        return datetime.now(UTC).replace(microsecond=0)


@asynccontextmanager
async def open_bench(folder: Path, *, pause_s: float = 0.01) -> AsyncIterator[Bench]:
    """Asks real providers while the context is open; `pause_s` lies between two tries."""
    clock, randomness, store = SystemClock(), SystemRandomness(), MemoryIntegrationStore()
    cipher = EnvelopeCipher(open_key_file(folder / "secrets.keys", randomness), randomness)
    secrets = SecretService(MemorySecretStore(), cipher, clock)
    async with open_direct(allows_private=True) as direct:
        asker = Asker(store, secrets, HttpMetrics(OnlyDirect(direct)), clock, pause_s=pause_s)
        yield Bench(
            integrations=Integrations(store, asker, clock),
            asker=asker,
            retrospection=Retrospection(asker, clock),
            secrets=secrets,
            clock=clock,
        )
