"""The composition root: settings to adapters to services to doors, and the order in which they stop.

The only module that knows all others. Everything opened here is closed here, in the reverse order.
"""

# Long on purpose: the object graph is in one place, so that a reader sees what knows what.
from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import structlog

from borealis.agent.v1.agent_service_pb2_grpc import add_AgentServiceServicer_to_server
from borealis.analysis.v1.analysis_service_pb2_grpc import add_AnalysisServiceServicer_to_server
from borealis.audit.v1.audit_service_pb2_grpc import add_AuditServiceServicer_to_server
from borealis.config.v1.config_service_pb2_grpc import add_ConfigServiceServicer_to_server
from borealis.deployment.v1.deployment_service_pb2_grpc import add_DeploymentServiceServicer_to_server
from borealis.identity.v1.identity_service_pb2_grpc import add_IdentityServiceServicer_to_server
from borealis.integration.v1.integration_service_pb2_grpc import add_IntegrationServiceServicer_to_server
from borealis.kube.v1.kube_service_pb2_grpc import add_KubeServiceServicer_to_server
from borealis.preview.v1.preview_service_pb2_grpc import add_PreviewServiceServicer_to_server
from borealis.role.v1.role_service_pb2_grpc import add_RoleServiceServicer_to_server
from borealis.secret.v1.secret_service_pb2_grpc import add_SecretServiceServicer_to_server
from borealis.tenant.v1.tenant_service_pb2_grpc import add_TenantServiceServicer_to_server
from borealis.user.v1.user_service_pb2_grpc import add_UserServiceServicer_to_server
from borealis_server.adapters import private_files
from borealis_server.adapters.callback_key import open_callback_key
from borealis_server.adapters.client_file import ClientFile, read_client_file, write_client_file
from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.cluster.client import RelayedCluster
from borealis_server.adapters.envelope import EnvelopeCipher
from borealis_server.adapters.fetcher import HttpFetcher, open_fetcher
from borealis_server.adapters.key_file import open_key_file
from borealis_server.adapters.metrics.asking import HttpMetrics
from borealis_server.adapters.outside.direct import open_direct
from borealis_server.adapters.outside.outside import HttpOutside
from borealis_server.adapters.outside.through_agent import OutsideThroughAgent
from borealis_server.adapters.pki import ServerCertificate, open_given_certificate, open_own_certificate
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.relay.admission import AdmissionLimits
from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.adapters.relay.hub import RelayHub
from borealis_server.adapters.relay.metrics import RelayMetrics
from borealis_server.adapters.store.agents import SqliteAgentRecordStore
from borealis_server.adapters.store.audit import SqliteAuditStore
from borealis_server.adapters.store.credentials import SqliteCredentialStore
from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.directory import SqliteDirectoryStore
from borealis_server.adapters.store.integrations import SqliteIntegrationStore
from borealis_server.adapters.store.previews import SqlitePreviewStore
from borealis_server.adapters.store.secrets import SqliteSecretStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.domain.callback_tokens import CallbackTokens
from borealis_server.domain.names import MAIN_TENANT
from borealis_server.domain.preview import PreviewAddress
from borealis_server.domain.states import ErrandKind
from borealis_server.issuer import IssuerRoots, issuer_roots, open_issuer
from borealis_server.services.agents import AgentService
from borealis_server.services.asking import Asker
from borealis_server.services.audit import AuditService, AuditSettings, open_audit_trail
from borealis_server.services.audit_actions import ActionAudit
from borealis_server.services.audit_proof import AuditProofService
from borealis_server.services.callbacks import Callbacks
from borealis_server.services.config import ConfigService
from borealis_server.services.deploy_files import DeployFileShelf
from borealis_server.services.deployments import Deployments
from borealis_server.services.directories import Directories
from borealis_server.services.errands import open_errands
from borealis_server.services.evidence import Evidence
from borealis_server.services.explanations import Explanations
from borealis_server.services.exposing import ServiceExposer
from borealis_server.services.identity import IdentityService
from borealis_server.services.integration_uses import IntegrationSecretUses
from borealis_server.services.integrations import Integrations
from borealis_server.services.journal import Journal
from borealis_server.services.judgements import JudgementRunner
from borealis_server.services.kube_access import KubeAccess
from borealis_server.services.live_replicas import LiveReplicasReader
from borealis_server.services.local_access import local_credential
from borealis_server.services.organizations import Organizations
from borealis_server.services.preview_access import PreviewAccess
from borealis_server.services.previews import Previews, open_previews
from borealis_server.services.queue import open_queue
from borealis_server.services.retrospection import Retrospection
from borealis_server.services.roles import RoleService
from borealis_server.services.runner import open_runner
from borealis_server.services.secret_uses import DeploymentSecretUses
from borealis_server.services.secrets import SecretService, SecretUses
from borealis_server.services.tenants import TenantService
from borealis_server.services.users import UserService
from borealis_server.services.webhooks import WebhookCaller
from borealis_server.settings import split_address
from borealis_server.telemetry import ServerMetrics
from borealis_server.transport.callbacks import CallbackDoor
from borealis_server.transport.kube.door import KubeDoor
from borealis_server.transport.previews.door import PreviewDoor
from borealis_server.transport.server import DoorOptions, Service, open_grpc_door
from borealis_server.transport.servicers.agent import AgentServicer
from borealis_server.transport.servicers.analysis import AnalysisServicer
from borealis_server.transport.servicers.audit import AuditServicer
from borealis_server.transport.servicers.config import ConfigServicer
from borealis_server.transport.servicers.deployment import DeploymentServicer
from borealis_server.transport.servicers.identity import IdentityServicer
from borealis_server.transport.servicers.integration import IntegrationServicer
from borealis_server.transport.servicers.kube import KubeServicer
from borealis_server.transport.servicers.preview import PreviewServicer
from borealis_server.transport.servicers.role import RoleServicer
from borealis_server.transport.servicers.secret import SecretServicer
from borealis_server.transport.servicers.tenant import TenantServicer
from borealis_server.transport.servicers.tunnel import TunnelServicer, add_tunnel_service
from borealis_server.transport.servicers.user import UserServicer
from borealis_server.transport.web import WebOptions, issuer_routes, listen, open_web_door, web_app

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from borealis_server.adapters.store.sqlite import SqliteDatabase
    from borealis_server.services.errands import ErrandRunner
    from borealis_server.settings import ServerSettings

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server that answers."""

    grpc_port: int
    """Port of the gRPC door."""
    web_port: int
    """Port of the web door."""
    data_dir: Path
    """Its data folder."""
    client_file: Path
    """`client.json`, for clients on the same machine."""
    client: ClientFile
    """What that file holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What services and doors are made of."""

    settings: ServerSettings
    clock: SystemClock
    metrics: ServerMetrics
    certificate: ServerCertificate
    database: SqliteDatabase
    directories: Directories
    identity: IdentityService
    hub: RelayHub
    kube: KubeAccess
    roots: IssuerRoots
    secrets: SecretService
    fetcher: HttpFetcher
    journal: Journal
    shelf: DeployFileShelf
    outside: HttpOutside
    tokens: CallbackTokens
    actions: ActionAudit
    callbacks: Callbacks
    previews: Previews


async def serve(settings: ServerSettings, *, port_file: Path | None = None) -> None:
    """Run a server until SIGTERM or SIGINT; a second signal ends the process at once.

    `port_file` is written once the server answers: JSON with the ports `grpc` and `web`.
    Errors: StartRefusedError.
    """
    stopping = asyncio.Event()
    _stop_on_signals(stopping)
    async with open_server(settings) as server:
        if port_file is not None:
            ports = {"grpc": server.grpc_port, "web": server.web_port}
            private_files.write(port_file, json.dumps(ports).encode())
        sys.stdout.write(greeting(server))
        sys.stdout.flush()
        log.info("server.started", grpc_port=server.grpc_port, web_port=server.web_port)
        await stopping.wait()
        log.info("server.stopping", grace_s=settings.shutdown_grace_s)
    log.info("server.stopped")


@asynccontextmanager
async def open_server(settings: ServerSettings) -> AsyncIterator[RunningServer]:
    """A server that answers while the context is open.

    Errors: StartRefusedError when something that its owner must change is in the way.
    """
    async with AsyncExitStack() as stack:
        data_dir = private_files.open_directory(settings.data_dir)
        stack.enter_context(private_files.hold_lock(data_dir / "server.lock"))
        listener = stack.enter_context(closing(listen(split_address(settings.web_address))))
        web_port = listener.getsockname()[1]
        parts = await stack.enter_async_context(_open_parts(settings, data_dir, web_port))
        services = await stack.enter_async_context(_open_services(parts))
        ready = asyncio.Event()
        await stack.enter_async_context(_open_web_door(parts, listener, ready))
        grpc_port = await stack.enter_async_context(_open_grpc_door(parts, services))
        client_file = data_dir / "client.json"
        client = await _keep_client_file(parts, client_file, grpc_port)
        ready.set()
        stack.callback(ready.clear)  # the first thing that happens when the server stops
        yield RunningServer(
            grpc_port=grpc_port, web_port=web_port, data_dir=data_dir, client_file=client_file, client=client
        )


def greeting(server: RunningServer) -> str:
    """What a person reads when the server is ready: where it is, and what to do next."""
    return f"""
Borealis {version("borealis-cd")} is ready.

  gRPC   {server.client.server}
  web    {server.client.web}
  data   {server.data_dir}
  login  {server.client_file} (the CLI on this machine finds it there)

Next, in another terminal:
  borealis agent create my-cluster       make the credential of an agent, to start it with
  borealis agent list                    see which agents are connected
  borealis deploy -f deploy.yaml --watch start a deployment and follow it

"""


@asynccontextmanager
async def _open_parts(settings: ServerSettings, data_dir: Path, web_port: int) -> AsyncIterator[_Parts]:
    clock, metrics = SystemClock(), ServerMetrics()
    certificate = _certificate(settings, data_dir, clock)
    issuer = settings.issuer.rstrip("/") or f"https://{_host(settings)}:{web_port}"
    async with AsyncExitStack() as stack:
        fetcher = await stack.enter_async_context(open_fetcher(allows_private=settings.allow_private_addresses))
        file = data_dir / "borealis.db"
        database = await stack.enter_async_context(open_database(file, on_commit=metrics.commits.observe))
        actions = ActionAudit(
            SqliteAuditStore(database),
            clock,
            SystemRandomness(),
            on_written=metrics.audit_entries.labels("written").inc,
            on_lost=metrics.audit_entries.labels("lost").inc,
        )
        directories = Directories(SqliteDirectoryStore(database), clock, on_own_change=actions.happened)
        await Organizations(directories, clock, SystemRandomness()).open_home()
        roots = issuer_roots(settings, data_dir, issuer, database, clock)
        credentials, identity = (
            SqliteCredentialStore(database),
            _identity(settings, roots, database, directories, clock),
        )
        trail = await stack.enter_async_context(
            open_audit_trail(
                SqliteAuditStore(database),
                clock,
                SystemRandomness(),
                settings=AuditSettings(retention_s=settings.audit_retention_days * 86400.0),
                on_written=metrics.audit_entries.labels("written").inc,
                on_lost=metrics.audit_entries.labels("lost").inc,
            )
        )
        hub = RelayHub(clock, _relay_settings(settings), audit=trail, metrics=RelayMetrics(metrics.registry))
        secrets = await _open_secrets(settings, data_dir, database, clock)
        journal = Journal(SqliteDeploymentStore(database))
        shelf = DeployFileShelf(journal.store)
        direct = await stack.enter_async_context(open_direct(allows_private=settings.allow_private_addresses))
        tokens = CallbackTokens(open_callback_key(data_dir / "keys" / "callbacks.key", SystemRandomness()))
        yield _Parts(
            settings=settings,
            clock=clock,
            metrics=metrics,
            certificate=certificate,
            database=database,
            directories=directories,
            identity=identity,
            hub=hub,
            kube=KubeAccess(hub, trail, credentials, identity.verify, clock),
            roots=roots,
            secrets=secrets,
            fetcher=fetcher,
            journal=journal,
            shelf=shelf,
            outside=HttpOutside(direct, OutsideThroughAgent(hub)),
            tokens=tokens,
            actions=actions,
            callbacks=Callbacks(journal, shelf, secrets, tokens, identity.verify, actions, clock),
            previews=await stack.enter_async_context(_open_previews(settings, database, journal, web_port)),
        )


def _identity(
    settings: ServerSettings, roots: IssuerRoots, database: SqliteDatabase, directories: Directories, clock: SystemClock
) -> IdentityService:
    return IdentityService(
        credentials=SqliteCredentialStore(database),
        directories=directories,
        signer=roots.signer,
        clock=clock,
        randomness=SystemRandomness(),
        token_lifetime_s=settings.token_lifetime_s,
        gate=roots.gate,
        rules=roots.others.rules,
    )


async def _open_secrets(
    settings: ServerSettings, data_dir: Path, database: SqliteDatabase, clock: SystemClock
) -> SecretService:
    file, randomness = settings.secret_keys_file or data_dir / "keys" / "secrets.keys", SystemRandomness()
    keys = open_key_file(file, randomness, is_given=settings.secret_keys_file is not None)
    users: list[SecretUses] = [
        DeploymentSecretUses(SqliteDeploymentStore(database)),
        IntegrationSecretUses(SqliteIntegrationStore(database)),
    ]
    secrets = SecretService(SqliteSecretStore(database), EnvelopeCipher(keys, randomness), clock, users=users)
    if missing := await secrets.missing_keys():
        log.error("secrets.unreadable", keys=sorted(missing), file=str(file), advice="restore the file of keys")
    return secrets


def _open_previews(
    settings: ServerSettings, database: SqliteDatabase, journal: Journal, web_port: int
) -> AbstractAsyncContextManager[Previews]:
    domain, _, port = settings.preview_address.partition(":")
    address = PreviewAddress(domain=domain, port=int(port or web_port))
    store = SqlitePreviewStore(database)
    return open_previews(Previews(store, journal, SystemClock(), SystemRandomness(), address))


def _relay_settings(settings: ServerSettings) -> RelaySettings:
    return RelaySettings(
        max_age_s=settings.tunnel_max_age_s,
        budget_bytes=settings.tunnel_budget_bytes,
        admission=AdmissionLimits(
            agent_calls=settings.relay_agent_calls,
            agent_calls_per_s=settings.relay_agent_calls_per_s,
            tenant_calls=settings.relay_tenant_calls,
            tenant_calls_per_s=settings.relay_tenant_calls_per_s,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Services:
    """What stands behind the gRPC door, and how it goes when the door closes."""

    behind_door: Sequence[Service]
    wind_down: Callable[[float], Coroutine[None, None, None]]
    """Park every run, then send the agents away; at most so many seconds."""


@asynccontextmanager
async def _open_services(parts: _Parts) -> AsyncIterator[_Services]:
    """Every service. Runs are parked before the tunnels go, so that no run takes that for a loss."""
    agents = AgentService(
        credentials=SqliteCredentialStore(parts.database),
        records=SqliteAgentRecordStore(parts.database),
        relay=parts.hub,
    )
    integrations = Integrations(SqliteIntegrationStore(parts.database), _asker(parts), parts.clock)
    deployments = Deployments(
        parts.journal,
        agents,
        parts.clock,
        SystemRandomness(),
        parts.fetcher,
        secrets=parts.secrets,
        providers=integrations,
    )
    engine = _Engine(parts, agents)

    async def wind_down(grace_s: float) -> None:
        await engine.park()
        await parts.hub.drain(grace_s)

    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(agents.keep_records(), name="agents.records")
        group.create_task(engine.run(), name="engine")
        await engine.started.wait()
        try:
            yield _Services(behind_door=_behind_door(parts, agents, deployments, integrations), wind_down=wind_down)
        finally:
            await engine.park()
            keeper.cancel()


class _Engine:
    """Owns the contexts of runner, errands and queue, so that they can end before the doors are shut."""

    def __init__(self, parts: _Parts, agents: AgentService) -> None:
        self._parts = parts
        self._agents = agents
        self._stopping = asyncio.Event()
        self._parked = asyncio.Event()
        self.started = asyncio.Event()

    async def run(self) -> None:
        """Drive deployments until `park`."""
        parts = self._parts
        try:
            async with (
                open_runner(parts.journal, RelayedCluster(parts.hub), parts.hub, parts.clock),
                open_errands(parts.journal, parts.clock, _errand_runners(parts)),
                open_queue(parts.journal, self._agents, parts.clock),
            ):
                self.started.set()
                await self._stopping.wait()
        finally:
            self._parked.set()

    async def park(self) -> None:
        """Stop driving, and wait until nothing is driven any more."""
        self._stopping.set()
        await self._parked.wait()


def _asker(parts: _Parts) -> Asker:
    return Asker(SqliteIntegrationStore(parts.database), parts.secrets, HttpMetrics(parts.outside), parts.clock)


def _errand_runners(parts: _Parts) -> dict[ErrandKind, ErrandRunner]:
    """Who runs what steps want done outside."""
    caller = WebhookCaller(
        parts.outside, parts.shelf, parts.secrets, parts.tokens, parts.clock, web=parts.roots.address
    )
    return {
        ErrandKind.CALL_WEBHOOK: caller,
        ErrandKind.ASK_METRICS: JudgementRunner(parts.shelf, _asker(parts)),
        ErrandKind.EXPOSE_SERVICES: ServiceExposer(parts.previews, RelayedCluster(parts.hub), parts.hub),
    }


def _behind_door(
    parts: _Parts, agents: AgentService, deployments: Deployments, integrations: Integrations
) -> Sequence[Service]:
    identity = IdentityServicer(parts.identity, Explanations(parts.directories))
    tunnels = TunnelServicer(parts.hub, parts.identity.verify)
    directories, clock, chance = parts.directories, parts.clock, SystemRandomness()
    tenants = TenantService(directories, SqliteDeploymentStore(parts.database), clock, chance)
    users, roles = UserService(directories, clock, chance), RoleService(directories, clock, chance)
    audit_store = SqliteAuditStore(parts.database)
    audit = AuditServicer(AuditService(audit_store, parts.clock), AuditProofService(audit_store))
    config = ConfigServicer(ConfigService(directories, clock, chance))
    adds = {
        "borealis.identity.v1.IdentityService": partial(add_IdentityServiceServicer_to_server, identity),
        "borealis.tenant.v1.TenantService": partial(add_TenantServiceServicer_to_server, TenantServicer(tenants)),
        "borealis.user.v1.UserService": partial(add_UserServiceServicer_to_server, UserServicer(users)),
        "borealis.role.v1.RoleService": partial(add_RoleServiceServicer_to_server, RoleServicer(roles)),
        "borealis.agent.v1.AgentService": partial(add_AgentServiceServicer_to_server, AgentServicer(agents)),
        "borealis.tunnel.v1.TunnelService": partial(add_tunnel_service, tunnels),
        "borealis.audit.v1.AuditService": partial(add_AuditServiceServicer_to_server, audit),
        "borealis.kube.v1.KubeService": partial(add_KubeServiceServicer_to_server, KubeServicer(parts.kube)),
        "borealis.preview.v1.PreviewService": partial(
            add_PreviewServiceServicer_to_server, PreviewServicer(parts.previews)
        ),
        "borealis.config.v1.ConfigService": partial(add_ConfigServiceServicer_to_server, config),
        "borealis.secret.v1.SecretService": partial(add_SecretServiceServicer_to_server, SecretServicer(parts.secrets)),
        "borealis.integration.v1.IntegrationService": partial(
            add_IntegrationServiceServicer_to_server, IntegrationServicer(integrations)
        ),
        "borealis.analysis.v1.AnalysisService": partial(
            add_AnalysisServiceServicer_to_server,
            AnalysisServicer(Retrospection(_asker(parts), parts.clock), Evidence(parts.journal.store)),
        ),
        "borealis.deployment.v1.DeploymentService": partial(
            add_DeploymentServiceServicer_to_server,
            DeploymentServicer(deployments, LiveReplicasReader(RelayedCluster(parts.hub), agents), parts.callbacks),
        ),
    }
    return [Service(name=name, add=add) for name, add in adds.items()]


@asynccontextmanager
async def _open_web_door(parts: _Parts, listener: socket.socket, ready: asyncio.Event) -> AsyncIterator[None]:
    options = WebOptions(
        certificate_file=parts.certificate.certificate_file,
        key_file=parts.certificate.key_file,
        grace_s=parts.settings.shutdown_grace_s,
    )
    async with open_issuer(parts.settings, parts.roots, parts.identity, parts.directories, parts.clock) as served:
        app = web_app(
            metrics=parts.metrics,
            is_ready=ready.is_set,
            issuer=issuer_routes(*served),
            kube=KubeDoor(parts.kube),
            callbacks=CallbackDoor(parts.callbacks),
            previews=PreviewDoor(
                PreviewAccess(parts.previews, parts.hub, parts.identity.verify, parts.clock, issuer=parts.roots.address)
            ),
        )
        async with open_web_door(listener, options, app):
            yield


def _open_grpc_door(parts: _Parts, services: _Services) -> AbstractAsyncContextManager[int]:
    options = DoorOptions(
        address=parts.settings.grpc_address,
        certificate_pem=private_files.read(parts.certificate.certificate_file),
        key_pem=private_files.read(parts.certificate.key_file),
        max_request_bytes=parts.settings.max_request_bytes,
        grace_s=parts.settings.shutdown_grace_s,
    )
    return open_grpc_door(
        options,
        services.behind_door,
        verifier=parts.identity,
        audit=parts.actions,
        metrics=parts.metrics,
        drains=[services.wind_down],
    )


async def _keep_client_file(parts: _Parts, file: Path, grpc_port: int) -> ClientFile:
    """Write how this machine's CLI reaches the server now, with a credential that is made once."""
    kept = read_client_file(file)
    known = (kept.client_id, kept.client_secret) if kept else None
    credentials = SqliteCredentialStore(parts.database)
    client_id, client_secret = await local_credential(parts.identity, credentials, MAIN_TENANT, known)
    content = ClientFile(
        server=f"{_host(parts.settings)}:{grpc_port}",
        web=parts.roots.address,
        ca_file=str(parts.certificate.authority_file or ""),
        tenant=MAIN_TENANT,
        client_id=client_id,
        client_secret=client_secret,
    )
    write_client_file(file, content)
    return content


def _certificate(settings: ServerSettings, data_dir: Path, clock: SystemClock) -> ServerCertificate:
    if settings.tls_cert_file is not None and settings.tls_key_file is not None:
        return open_given_certificate(settings.tls_cert_file, settings.tls_key_file, settings.tls_ca_file, clock.now())
    previews = f"*.{settings.preview_address.partition(':')[0]}"
    return open_own_certificate(data_dir / "tls", (*settings.host_names, previews), clock.now())


def _host(settings: ServerSettings) -> str:
    name = settings.host_names[0]
    return f"[{name}]" if ":" in name else name


def _stop_on_signals(stopping: asyncio.Event) -> None:
    """The first signal stops the server in order; a second one ends the process, as if nobody handled it."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def stop() -> None:
        stopping.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, stop)
