"""A web server on this machine that plays webhooks: it fails, stalls, redirects, is late, and keeps what came."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    Answer = web.Response | Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Came:
    """A request that came."""

    method: str
    target: str
    """Path and query as they were sent."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Hooks:
    """A running server. It answers in the order of `answers`, with the last one for ever."""

    root: str
    """Its address, without a slash behind it."""
    port: int
    answers: deque[Answer] = field(default_factory=lambda: deque([status(200)]))
    came: list[Came] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the end, so that nobody stalls on."""

    def says(self, *answers: Answer) -> None:
        """Answer like this from now on."""
        self.answers = deque(answers)

    async def until_called(self, count: int = 1, limit_s: float = 20.0) -> Came:
        """The request of that number, once it has come."""
        async with asyncio.timeout(limit_s):
            while len(self.came) < count:
                await asyncio.sleep(0.01)
        return self.came[count - 1]


@asynccontextmanager
async def open_hooks(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Hooks]:
    """A server while the context is open; over TLS where `tls` is given."""

    async def handle(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        hooks.came.append(Came(request.method, request.raw_path, headers, await request.read()))
        answer = hooks.answers.popleft() if len(hooks.answers) > 1 else hooks.answers[0]
        return answer_of(answer) if isinstance(answer, web.Response) else await answer(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    hooks = Hooks(root=f"{'https' if tls else 'http'}://{host}:{port}", port=port)
    try:
        yield hooks
    finally:
        hooks.over.set()
        await runner.cleanup()


def answer_of(answer: web.Response) -> web.Response:
    """The same answer once more: one is good for one request."""
    return web.Response(status=answer.status, reason=answer.reason, body=answer.body, headers=answer.headers)


def status(code: int, text: str = "", **headers: str) -> web.Response:
    """Answers with a status and a text."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=code, text=text, headers=fields)


def late(seconds: float, code: int = 200) -> Answer:
    """Answers after a while."""

    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(seconds)
        return status(code)

    return answer


def silent(hooks: Hooks) -> Answer:
    """Takes the request and says nothing."""

    async def answer(_: web.Request) -> web.Response:
        await hooks.over.wait()
        return status(500)

    return answer


def endless(hooks: Hooks, part: bytes) -> Answer:
    """Answers with a body that never ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not hooks.over.is_set():
            await response.write(part)
        return response

    return answer


def hang_up() -> Answer:
    """Closes the connection instead of an answer."""

    async def answer(request: web.Request) -> web.Response:
        transport: Any = request.transport  # Any: None once it is closed
        transport.abort()
        return status(500)

    return answer
