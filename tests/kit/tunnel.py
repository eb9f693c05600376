"""A hub with agents in one process, joined by real gRPC over TLS on the loopback."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import grpc
from pydantic import SecretStr

from borealis.identity.v1.identity_service_pb2_grpc import add_IdentityServiceServicer_to_server
from borealis.tunnel.v1.tunnel_service_pb2_grpc import add_TunnelServiceServicer_to_server
from borealis_agent.backoff import Backoff
from borealis_agent.link import Link, Offer
from borealis_agent.settings import LinkSettings
from borealis_agent.streams import StreamServer
from borealis_agent.targets.catalog import Catalog
from borealis_agent.targets.kube import open_kube_target
from borealis_agent.targets_file import kube_alone
from borealis_agent.telemetry import AgentMetrics
from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.pki import open_own_certificate
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.relay.hub import RelayHub
from borealis_server.adapters.relay.metrics import RelayMetrics
from borealis_server.adapters.store.memory import MemoryCredentialStore
from borealis_server.adapters.store.memory_audit import MemoryAuditStore
from borealis_server.adapters.tokens import JwtSigner, open_signing_key
from borealis_server.domain.identity import NewCredential
from borealis_server.domain.names import CredentialName
from borealis_server.ports.relay import AgentRef
from borealis_server.services.audit_actions import ActionAudit
from borealis_server.services.directories import Directories
from borealis_server.services.explanations import Explanations
from borealis_server.telemetry import ServerMetrics
from borealis_server.transport.server import DoorOptions, Service, open_grpc_door
from borealis_server.transport.servicers.identity import IdentityServicer
from borealis_server.transport.servicers.tunnel import TunnelServicer, add_tunnel_service
from kit.callers import EVERYTHING, a_directory_store, an_identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from borealis.tunnel.v1.tunnel_service_pb2_grpc import TunnelServiceServicer
    from borealis_agent.session import Session
    from borealis_agent.targets.policy import Policy
    from borealis_server.adapters.relay.connection import RelaySettings
    from borealis_server.ports.audit import RelayAudit
    from borealis_server.ports.clock import Clock
    from borealis_server.services.identity import IdentityService, IssuedCredential

TENANT = "main"
_CONNECT_LIMIT_S = 10.0


@dataclass(slots=True, kw_only=True)
class TunnelHub:
    """A running hub and what is needed to reach it."""

    hub: RelayHub
    identity: IdentityService
    store: MemoryCredentialStore
    port: int
    ca_pem: bytes
    credentials: dict[str, IssuedCredential] = field(default_factory=dict)

    async def link_settings(self, agent: str, /, **changes: object) -> LinkSettings:
        """Settings of an agent with a credential of its own; `changes` replace some of them."""
        if agent not in self.credentials:
            wanted = NewCredential(display_name=agent.lower(), roles=("agent",), agent=agent)
            self.credentials[agent] = await self.identity.create_credential(TENANT, wanted, giver=EVERYTHING)
        issued = self.credentials[agent]
        given: dict[str, object] = {
            "server": f"localhost:{self.port}",
            "agent": agent,
            "client_id": issued.credential.client_id,
            "client_secret": SecretStr(issued.secret),
            "ca_pem": self.ca_pem,
            "server_name": "",
            "drain_grace_s": 5.0,
        }
        return LinkSettings(**(given | changes))  # type: ignore[arg-type]  # the tests know the fields

    async def revoke(self, agent: str) -> None:
        """Take the credential of an agent away."""
        client_id = self.credentials[agent].credential.client_id
        await self.identity.delete_credential(TENANT, CredentialName(TENANT, client_id), giver=EVERYTHING)


@dataclass(slots=True, kw_only=True)
class RunningAgent:
    """An agent in this process."""

    ref: AgentRef
    link: Link
    metrics: AgentMetrics
    stop: asyncio.Event
    task: asyncio.Task[None]

    def sessions(self) -> list[Session]:
        """Its newest tunnel, if it ever had one."""
        return [self.link.session] if self.link.session is not None else []

    def kill(self) -> None:
        """End it as a crash would: without a word."""
        self.task.cancel()


@asynccontextmanager
async def open_hub(
    folder: Path,
    *,
    settings: RelaySettings | None = None,
    token_lifetime_s: int = 900,
    before: TunnelHub | None = None,
    clock: Clock | None = None,
    servicer: TunnelServiceServicer | None = None,
    audit: RelayAudit | None = None,
) -> AsyncIterator[TunnelHub]:
    """Run a hub behind a gRPC door while the context is open.

    Shape: `before` is one that ended and starts again; `servicer` takes the lanes instead of the hub.
    """
    folder.mkdir(parents=True, exist_ok=True)
    certificate = open_own_certificate(folder, ["localhost", "127.0.0.1"], datetime.now(UTC))
    assert certificate.authority_file is not None
    clock = clock or SystemClock()
    store = before.store if before else MemoryCredentialStore()
    signer = JwtSigner(open_signing_key(folder / "signing.key"), issuer="https://localhost")
    identity = an_identity(clock, signer, store=store, token_lifetime_s=token_lifetime_s)
    explanations = Explanations(Directories(a_directory_store(store), clock))
    metrics = ServerMetrics()
    hub = RelayHub(clock, settings, audit=audit, metrics=RelayMetrics(metrics.registry))
    services = [
        Service(
            name="borealis.identity.v1.IdentityService",
            add=partial(
                add_IdentityServiceServicer_to_server,
                IdentityServicer(identity, explanations),
            ),
        ),
        Service(
            name="borealis.tunnel.v1.TunnelService",
            add=partial(add_TunnelServiceServicer_to_server, servicer)
            if servicer
            else partial(add_tunnel_service, TunnelServicer(hub, identity.verify)),
        ),
    ]
    options = DoorOptions(
        address=f"127.0.0.1:{before.port if before else 0}",
        certificate_pem=certificate.certificate_file.read_bytes(),
        key_pem=certificate.key_file.read_bytes(),
        max_request_bytes=2**20,
        grace_s=1.0,
    )
    actions = ActionAudit(MemoryAuditStore(), clock, SystemRandomness())
    door = open_grpc_door(options, services, verifier=identity, audit=actions, metrics=metrics, drains=[hub.drain])
    async with door as port:
        ca_pem = certificate.authority_file.read_bytes()
        bed = TunnelHub(hub=hub, identity=identity, store=store, port=port, ca_pem=ca_pem)
        bed.credentials |= before.credentials if before else {}
        yield bed


@asynccontextmanager
async def open_agent(
    bed: TunnelHub,
    kubeconfig: Path,
    *,
    agent: str = "prod",
    path_prefixes: tuple[str, ...] = ("/",),
    max_streams: int = 1000,
    port: int = 0,
    policy: Policy | None = None,
) -> AsyncIterator[RunningAgent]:
    """Run an agent while the context is open; it is connected when the context begins. `port` is a way to the hub."""
    metrics = AgentMetrics()
    stop = asyncio.Event()
    settings = await bed.link_settings(agent, server=f"localhost:{port or bed.port}")
    policy = policy or kube_alone(path_prefixes)
    async with open_kube_target(kubeconfig=kubeconfig, context="") as kube:
        catalog = Catalog(policy, kube=kube)
        link = Link(
            settings,
            StreamServer(catalog, metrics),
            metrics,
            max_streams=max_streams,
            offer=Offer(targets=policy.names, policy_digest=policy.digest, kubernetes_version=kube.version),
            chance=lambda: 0.1,
            backoff=Backoff(longest_s=1.0),
        )
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(link.keep(stop), name=f"agent.{agent}")
            ref = AgentRef(tenant=TENANT, name=agent)
            await wait_until(lambda: link.is_up)
            try:
                yield RunningAgent(ref=ref, link=link, metrics=metrics, stop=stop, task=task)
            finally:
                stop.set()
        catalog.close()


async def wait_until(condition: Callable[[], object], limit_s: float = _CONNECT_LIMIT_S) -> None:
    """Wait until `condition()` holds; fails after `limit_s`."""
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.005)


def trusting_channel(bed: TunnelHub) -> grpc.aio.Channel:
    """A channel to the hub's door."""
    return grpc.aio.secure_channel(f"localhost:{bed.port}", grpc.ssl_channel_credentials(bed.ca_pem))
