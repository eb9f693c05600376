"""A web door with Kubernetes APIs behind it, on a hub of this process; and clients for it."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp

from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.pki import open_own_certificate
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.memory_audit import MemoryAuditStore
from borealis_server.domain.audit import AuditCall, AuditFilter
from borealis_server.domain.identity import NewCredential
from borealis_server.services.audit import open_audit_trail
from borealis_server.services.kube_access import KubeAccess
from borealis_server.telemetry import ServerMetrics
from borealis_server.transport.kube.door import KubeDoor
from borealis_server.transport.web import WebOptions, listen, open_web_door, web_app
from kit.callers import EVERYTHING
from kit.tunnel import TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kit.tunnel import TunnelHub


@dataclass(slots=True, kw_only=True)
class KubeWeb:
    """The door, as tests see it."""

    hub: TunnelHub
    access: KubeAccess
    store: MemoryAuditStore
    url: str
    tls: ssl.SSLContext

    async def token(self, role: str = "admin") -> str:
        """A token of somebody with the role."""
        wanted = NewCredential(display_name=f"a-{role}", roles=(role,))
        if wanted.display_name not in self.hub.credentials:
            self.hub.credentials[wanted.display_name] = await self.hub.identity.create_credential(
                TENANT, wanted, giver=EVERYTHING
            )
        issued = self.hub.credentials[wanted.display_name]
        return (await self.hub.identity.issue_token(issued.credential.client_id, issued.secret)).access_token

    @asynccontextmanager
    async def client(self, role: str = "admin") -> AsyncIterator[aiohttp.ClientSession]:
        """A client with a token, at the address of the agent `prod`."""
        connector = aiohttp.TCPConnector(ssl=self.tls)
        headers = {"Authorization": f"Bearer {await self.token(role)}"}
        async with aiohttp.ClientSession(
            f"{self.url}/kube/prod/", connector=connector, headers=headers, timeout=aiohttp.ClientTimeout(total=20)
        ) as session:
            yield session

    async def audited(self) -> list[AuditCall]:
        """What was written down, newest first."""
        return [entry.call for entry in await self.store.list(AuditFilter(tenant=TENANT), limit=100)]


@asynccontextmanager
async def open_kube_web(hub: TunnelHub, folder: Path) -> AsyncIterator[KubeWeb]:
    """Serve while the context is open."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = open_own_certificate(folder, ["localhost", "127.0.0.1"], datetime.now(UTC))
    clock, store = SystemClock(), MemoryAuditStore()
    options = WebOptions(certificate_file=certificate.certificate_file, key_file=certificate.key_file, grace_s=1.0)
    listener = listen(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    async with open_audit_trail(store, clock, SystemRandomness()) as trail:
        access = KubeAccess(hub.hub, trail, hub.store, hub.identity.verify, clock)
        app = web_app(
            metrics=ServerMetrics(),
            is_ready=lambda: True,
            issuer=[],
            kube=KubeDoor(access),
            callbacks=KubeDoor(access),
        )
        async with open_web_door(listener, options, app):
            yield KubeWeb(
                hub=hub,
                access=access,
                store=store,
                url=f"https://localhost:{port}",
                tls=ssl.create_default_context(cafile=str(certificate.authority_file)),
            )
