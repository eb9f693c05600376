"""A small HTTPS server that stands for whatever an agent relays to: answers that are small, large, endless or late."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from borealis_server.adapters.pki import open_own_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler, Middleware

TOKEN = "token-of-the-cluster"
_SMALL = json.dumps({"kind": "PodList", "items": [{"name": f"pod-{n}", "note": "x" * 80} for n in range(18)]}).encode()


@dataclass(slots=True, kw_only=True)
class TargetApi:
    """The server, as tests see it."""

    url: str
    ca_file: Path
    kubeconfig: Path
    received: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers (names in lower case) of each request."""
    open_requests: int = 0
    """Requests being answered now."""
    bytes_sent: int = 0
    """Bytes of endless answers that have left."""

    @property
    def small_body(self) -> bytes:
        """What `/api/small` answers: about 2 KiB of JSON."""
        return _SMALL


_API: web.AppKey[TargetApi] = web.AppKey("api", TargetApi)


@asynccontextmanager
async def open_target_api(folder: Path) -> AsyncIterator[TargetApi]:
    """Serve while the context is open; `folder` takes its certificate and a kubeconfig."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = open_own_certificate(folder, ["localhost", "127.0.0.1"], datetime.now(UTC))
    assert certificate.authority_file is not None
    api = TargetApi(url="", ca_file=certificate.authority_file, kubeconfig=folder / "kubeconfig")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    runner = web.AppRunner(_application(api), access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        api.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
        api.kubeconfig.write_text(_kubeconfig(api))
        yield api
    finally:
        await runner.cleanup()


def _application(api: TargetApi) -> web.Application:
    application = web.Application(middlewares=[_recorder(api)], client_max_size=64 * 2**20)
    routes = {
        "/version": _version,
        "/api/small": _small,
        "/api/large": _large,
        "/api/watch": _watch,
        "/api/endless": _endless,
        "/api/echo": _echo,
        "/api/exec": _exec,
        "/api/late": _late,
        "/api/broken": _broken,
        "/api/late-body": _late_body,
        "/api/refuses-body": _refuses_body,
        "/api/socket": _socket,
        "/api/unauthorized": _unauthorized,
    }
    application[_API] = api
    for path, handler in routes.items():
        application.router.add_route("*", path, handler)
    return application


def _recorder(api: TargetApi) -> Middleware:
    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        api.received.append((request.method, request.raw_path, {k.lower(): v for k, v in request.headers.items()}))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"kind": "Status", "code": 401, "reason": "Unauthorized"}, status=401)
        api.open_requests += 1
        try:
            return await handler(request)
        finally:
            api.open_requests -= 1

    return record


async def _version(_: web.Request) -> web.Response:
    return web.json_response({"gitVersion": "v1.30.0+test"})


async def _small(_: web.Request) -> web.Response:
    return web.Response(
        body=_SMALL, content_type="application/json", headers={"Set-Cookie": "secret=1", "X-Kept": "yes"}
    )


async def _large(request: web.Request) -> web.Response:
    return web.Response(body=bytes(range(256)) * (int(request.query.get("bytes", 5 * 2**20)) // 256))


async def _watch(request: web.Request) -> web.StreamResponse:
    """Three events at once, then one more for each 10 ms."""
    response = web.StreamResponse()
    await response.prepare(request)
    number = 0
    while True:
        await response.write(json.dumps({"type": "MODIFIED", "number": number}).encode() + b"\n")
        number += 1
        if number >= 3:
            await asyncio.sleep(0.01)


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"e" * 65536)
        await asyncio.sleep(0)  # with TLS, writing to a peer that said goodbye neither waits nor fails
        request.app[_API].bytes_sent += 65536


async def _echo(request: web.Request) -> web.Response:
    return web.Response(status=201, body=await request.read(), headers={"X-Method": request.method})


async def _exec(request: web.Request) -> web.WebSocketResponse:
    """A WebSocket that says everything again, as a terminal does."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_bytes(message.data)
    return socket


async def _late(request: web.Request) -> web.Response:
    await asyncio.sleep(float(request.query.get("seconds", "60")))
    return web.Response(text="late")


async def _broken(request: web.Request) -> web.StreamResponse:
    """Breaks off in the middle of its answer."""
    response = web.StreamResponse(headers={"Content-Length": "200000"})
    await response.prepare(request)
    await response.write(b"b" * 70_000)
    assert request.transport is not None
    request.transport.abort()
    return response


async def _late_body(request: web.Request) -> web.StreamResponse:
    """A head at once, and then nothing."""
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.sleep(60)
    return response


async def _refuses_body(_: web.Request) -> web.Response:
    return web.Response(status=413, text="too much")


async def _socket(request: web.Request) -> web.WebSocketResponse:
    """Echoes messages; `close` makes it close with code 4001, `leave` makes it go without a word."""
    socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
    await socket.prepare(request)
    async for message in socket:
        if message.data == "close":
            await socket.close(code=4001, message=b"as you wish")
        elif message.data == "leave":
            assert request.transport is not None
            request.transport.abort()
        elif isinstance(message.data, str):
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)
    return socket


async def _unauthorized(_: web.Request) -> web.Response:
    """As an API server that does not know the agent's token."""
    return web.json_response({"kind": "Status", "code": 401, "reason": "Unauthorized"}, status=401)


def _kubeconfig(api: TargetApi) -> str:
    cluster = {"server": api.url, "certificate-authority": str(api.ca_file)}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": TOKEN}}],
        },
    )


async def _serve_for_ever(folder: Path) -> None:
    async with open_target_api(folder) as api:
        print(api.url, flush=True)  # noqa: T201 - tells the parent that it is ready
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_for_ever(Path(sys.argv[1])))
