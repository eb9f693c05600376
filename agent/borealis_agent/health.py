"""Pages about the agent for its cluster: liveness, readiness, metrics. Off unless an address is configured."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_agent.link import Link
    from borealis_agent.telemetry import AgentMetrics

_DEAD_AFTER_S: Final = 300.0
"""Without a tunnel for this long the agent asks to be restarted."""


class HealthPages:
    """What the pages say. Shape: `now` is the loop's clock."""

    def __init__(self, link: Link, metrics: AgentMetrics) -> None:
        self._link = link
        self._metrics = metrics

    def application(self) -> web.Application:
        """The pages as an application."""
        application = web.Application()
        application.router.add_get("/health/liveness", self._liveness)
        application.router.add_get("/health/readiness", self._readiness)
        application.router.add_get("/metrics", self._metrics_page)
        return application

    async def _liveness(self, _: web.Request) -> web.Response:
        down_s = asyncio.get_running_loop().time() - self._link.down_since
        if self._link.is_up or down_s < _DEAD_AFTER_S:
            return web.Response(text="alive\n")
        return web.Response(status=503, text=f"no tunnel for {down_s:.0f} s\n")

    async def _readiness(self, _: web.Request) -> web.Response:
        if self._link.is_up:
            return web.Response(text="ready\n")
        return web.Response(status=503, text="no tunnel to the server\n")

    async def _metrics_page(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(self._metrics.registry), headers=headers)


@asynccontextmanager
async def open_health_pages(pages: HealthPages, address: str) -> AsyncIterator[str]:
    """Serve the pages at `address` while the context is open; gives the address with the real port, empty if off.

    Errors: OSError if the address cannot be used.
    """
    if not address:
        yield ""
        return
    host, _, port = address.rpartition(":")
    runner = web.AppRunner(pages.application(), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host.strip("[]"), int(port))
        await site.start()
        yield f"{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
