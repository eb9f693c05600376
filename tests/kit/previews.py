"""Previews on a hub of this process: an application to look at, the web door in front, and visitors."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from borealis_agent.targets.policy import KubeRule, Policy, ServiceRange
from borealis_server.adapters.pki import open_own_certificate
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.memory import MemoryDeploymentStore
from borealis_server.adapters.store.memory_previews import MemoryPreviewStore
from borealis_server.domain.deployment import Deployment, DeploymentInputs, DeploymentKey, TargetRun
from borealis_server.domain.identity import NewCredential
from borealis_server.domain.preview import Preview, PreviewAddress
from borealis_server.domain.states import Phase, TargetState
from borealis_server.services.journal import Journal
from borealis_server.services.preview_access import PreviewAccess
from borealis_server.services.previews import Previews, ServicePort, open_previews
from borealis_server.telemetry import ServerMetrics
from borealis_server.transport.previews.door import PreviewDoor
from borealis_server.transport.web import WebOptions, listen, open_web_door, web_app
from kit.callers import EVERYTHING
from kit.control_plane import JumpingClock
from kit.tunnel import TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from kit.rest import Rest
    from kit.tunnel import TunnelHub

DOMAIN = "preview.example.test"
SERVICE_PORT = 80
KEY = DeploymentKey(tenant=TENANT, id="one")
PIECE = bytes(range(256)) * 256


@dataclass(slots=True, kw_only=True)
class PreviewedApp:
    """An application of users, as tests see it."""

    host: str
    port: int = 0
    received: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)
    """Method, path and header fields (names in lower case) of each request."""
    open_requests: int = 0
    sent_bytes: int = 0
    """Bytes of large answers that have left."""

    @property
    def last(self) -> dict[str, list[str]]:
        """Header fields of the newest request."""
        return self.received[-1][2]


@asynccontextmanager
async def open_app(host: str) -> AsyncIterator[PreviewedApp]:
    """Serve on an address that endpoints of a Service may have."""
    app = PreviewedApp(host=host)
    application = web.Application(middlewares=[_recorder(app)], client_max_size=2**30)
    handlers = _Handlers(app)
    for path, handler in {
        "/": handlers.hello,
        "/echo": handlers.echo,
        "/large": handlers.large,
        "/events": handlers.events,
        "/set-cookies": handlers.set_cookies,
        "/redirect": handlers.redirect,
        "/socket": handlers.socket,
        "/private": handlers.private,
        "/late": handlers.late,
    }.items():
        application.router.add_route("*", path, handler)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, 0)
        await site.start()
        app.port = runner.addresses[0][1]
        yield app
    finally:
        await runner.cleanup()


def _recorder(app: PreviewedApp) -> Any:  # Any: aiohttp's own type of middlewares is not public
    @web.middleware
    async def record(request: web.Request, handler: Any) -> web.StreamResponse:  # Any: as above
        fields: dict[str, list[str]] = {}
        for name, value in request.headers.items():
            fields.setdefault(name.lower(), []).append(value)
        app.received.append((request.method, request.raw_path, fields))
        app.open_requests += 1
        try:
            response: web.StreamResponse = await handler(request)
            return response
        finally:
            app.open_requests -= 1

    return record


class _Handlers:
    def __init__(self, app: PreviewedApp) -> None:
        self._app = app

    async def hello(self, _: web.Request) -> web.Response:
        return web.Response(text="hello from the new version", headers={"X-Version": "2"})

    async def echo(self, request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), headers={"X-Method": request.method})

    async def large(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        left = int(request.query["mib"]) * 16
        for _ in range(left):
            await response.write(PIECE)
            self._app.sent_bytes += len(PIECE)
        return response

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(3):
            await response.write(f"data: {number}\n\n".encode())
        await asyncio.Event().wait()
        return response

    async def set_cookies(self, _: web.Request) -> web.Response:
        response = web.Response(text="cookies")
        for value in (
            "session=1; Path=/; HttpOnly",
            "wide=1; Domain=example.test; Path=/",
            "borealis_session=stolen",
            "__Host-borealis-preview=forged; Path=/; Secure",
            "=__Host-borealis-preview=forged; Path=/; Secure",
        ):
            response.headers.add("Set-Cookie", value)
        response.headers["Clear-Site-Data"] = '"cookies"'
        response.headers["Alt-Svc"] = 'h3="evil.example:443"'
        return response

    async def redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def private(self, request: web.Request) -> web.Response:
        if "Authorization" not in request.headers:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="shop"'})
        return web.Response(text=request.headers["Authorization"])

    async def late(self, _: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket_ = web.WebSocketResponse(protocols=("chat",))
        await socket_.prepare(request)
        async for message in socket_:
            if message.type is aiohttp.WSMsgType.TEXT:
                await socket_.send_str(message.data.upper())
            else:
                await socket_.send_bytes(message.data[::-1])
        return socket_


def routable_address() -> str:
    """An address of this machine that endpoints of a Service may have: not loopback, not link-local."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.1", 9))  # sends nothing: it only asks for the way
        return str(probe.getsockname()[0])


async def make_service(
    rest: Rest, namespace: str, name: str, app: PreviewedApp | None, *ports: dict[str, Any]
) -> None:  # Any: JSON
    """A Service whose one endpoint is the application; `ports` replace its port, and no `app` means no endpoint."""
    spec = {"ports": list(ports) or [{"port": SERVICE_PORT}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
    (await rest.post(f"/api/v1/namespaces/{namespace}/services", service)).ok()
    if app is not None:
        (await rest.post(f"/api/v1/namespaces/{namespace}/endpoints", endpoints(name, app))).ok()


def endpoints(service: str, app: PreviewedApp) -> dict[str, Any]:  # Any: JSON
    """What a cluster's controllers would write of a Service whose one pod is the application."""
    subset = {"addresses": [{"ip": app.host}], "ports": [{"port": app.port}]}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": service}, "subsets": [subset]}


def preview_policy(namespace: str, **changes: Any) -> Policy:  # Any: fields of a range
    """An agent that may be asked for Services of the namespace."""
    fields: dict[str, Any] = {
        "namespaces": (namespace,),
        "ports": (SERVICE_PORT,),
        "lookup": "endpoints",
        "pass_authorization": True,
    }
    return Policy(kube=KubeRule(), services={"preview": ServiceRange(**(fields | changes))})


class ToDoor(AbstractResolver):
    """Leads every name to this machine, as wildcard DNS would."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0),
        ]

    async def close(self) -> None:
        return


@dataclass(slots=True, kw_only=True)
class PreviewWeb:
    """The door, as tests see it."""

    hub: TunnelHub
    previews: Previews
    journal: Journal
    clock: JumpingClock
    port: int
    tls: ssl.SSLContext
    namespace: str

    async def expose(self, service: str = "shop", *, ttl_s: float = 300.0, login: bool = False) -> str:
        """The address of a new preview, without the slash at its end."""
        return self.previews.address.url_of(await self.preview(service, ttl_s=ttl_s, login=login)).rstrip("/")

    async def preview(self, service: str = "shop", *, ttl_s: float = 300.0, login: bool = False) -> Preview:
        """A new preview."""
        port = ServicePort(service=service, port=SERVICE_PORT)
        run = (await self.journal.store.get(KEY)).target("prod")
        (made,) = await self.previews.expose(KEY, run, "step-1", [port], ttl_s=ttl_s, login=login)
        return made

    async def token(self, role: str = "viewer") -> str:
        """An access token of somebody with the role."""
        wanted = NewCredential(display_name=f"a-{role}", roles=(role,))
        if wanted.display_name not in self.hub.credentials:
            self.hub.credentials[wanted.display_name] = await self.hub.identity.create_credential(
                TENANT, wanted, giver=EVERYTHING
            )
        issued = self.hub.credentials[wanted.display_name]
        return (await self.hub.identity.issue_token(issued.credential.client_id, issued.secret)).access_token

    @asynccontextmanager
    async def visitor(self, **options: Any) -> AsyncIterator[aiohttp.ClientSession]:  # Any: aiohttp's
        """Somebody with a browser."""
        connector = aiohttp.TCPConnector(ssl=self.tls, resolver=ToDoor())
        limit = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(connector=connector, timeout=limit, **options) as session:
            yield session

    async def raw(self, data: bytes) -> bytes:
        """Everything that comes back for these bytes over a connection of HTTP/1.1."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        try:
            writer.write(data)
            await writer.drain()
            async with asyncio.timeout(20):
                return await reader.read()
        finally:
            writer.close()


def origin_of(url: str) -> str:
    """Host and port of an address."""
    return URL(url).authority


@asynccontextmanager
async def open_preview_web(hub: TunnelHub, folder: Path, namespace: str) -> AsyncIterator[PreviewWeb]:
    """Serve while the context is open."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = open_own_certificate(folder, ["localhost", f"*.{DOMAIN}"], datetime.now(UTC))
    options = WebOptions(certificate_file=certificate.certificate_file, key_file=certificate.key_file, grace_s=1.0)
    listener = listen(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    clock, journal = JumpingClock(), Journal(MemoryDeploymentStore())
    await journal.store.insert(
        a_running_deployment(namespace, clock.now()), DeploymentInputs(deploy_file="", objects={}), ()
    )
    address = PreviewAddress(domain=DOMAIN, port=port)
    previews = Previews(MemoryPreviewStore(), journal, clock, SystemRandomness(), address)
    async with open_previews(previews):
        access = PreviewAccess(previews, hub.hub, hub.identity.verify, clock, issuer="https://localhost")
        app = web_app(
            metrics=ServerMetrics(),
            issuer=[],
            is_ready=lambda: True,
            kube=_nothing,
            callbacks=_nothing,
            previews=PreviewDoor(access),
        )
        async with open_web_door(listener, options, app):
            yield PreviewWeb(
                hub=hub,
                previews=previews,
                journal=journal,
                clock=clock,
                port=port,
                tls=ssl.create_default_context(cafile=str(certificate.authority_file)),
                namespace=namespace,
            )


def a_running_deployment(namespace: str, now: datetime) -> Deployment:
    """A deployment whose target `prod` is in progress."""
    run = TargetRun(name="prod", account="prod", namespace=namespace, state=TargetState.RUNNING, phase=Phase.STEPPING)
    return Deployment(
        key=KEY, application="shop", targets=(run,), started_by="test", started_at=now, readiness_timeout_s=60.0
    )


async def _nothing(scope: Any, _receive: Any, _send: Any) -> None:  # Any: ASGI
    raise AssertionError(f"nobody should ask for Kubernetes here: {scope['path']}")
