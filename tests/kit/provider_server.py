"""A metric provider that says exactly what a test tells it to, and keeps every byte that it was asked."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from borealis_server.adapters.metrics.asking import HttpMetrics
from borealis_server.adapters.outside.direct import open_direct
from borealis_server.domain.analysis.evidence import Window
from borealis_server.domain.integration import Integration, IntegrationName, ProviderSettings
from borealis_server.ports.metrics import Question
from kit.raw_server import Peer, open_raw_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.ports.outside import OutsideAnswer, OutsideFailure, OutsideRequest
    from borealis_server.ports.relay import AgentRef

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
END = datetime(2026, 3, 1, 12, 1, tzinfo=UTC)


def http(body: bytes | str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    content = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def as_json(value: Any, status: str = "200 OK") -> bytes:  # Any: JSON
    """A whole answer with JSON."""
    return http(json.dumps(value), status)


class OnlyDirect:
    """The outside without agents: implements `ports.outside.Outside`."""

    def __init__(self, direct: Any) -> None:  # Any: what `open_direct` gives
        self._direct = direct

    async def send(self, request: OutsideRequest, *, via: AgentRef | None = None) -> OutsideAnswer | OutsideFailure:
        """The answer; nothing goes through agents here."""
        assert via is None
        result: OutsideAnswer | OutsideFailure = await self._direct.send(request)
        return result


@dataclass
class ProviderServer:
    """The provider, and the metrics that ask it."""

    metrics: HttpMetrics
    url: str = ""
    answers: list[bytes] = field(default_factory=list)
    """What it says next; the last one stays."""
    requests: list[bytes] = field(default_factory=list)

    def integration(self, settings: ProviderSettings, *, path: str = "") -> Integration:
        """An integration with it."""
        return Integration(
            name=IntegrationName("main", "provider"),
            url=self.url + path,
            settings=settings,
            created_at=START,
            updated_at=START,
            updated_by="somebody",
        )

    async def serve(self, peer: Peer) -> None:
        """One connection."""
        self.requests.append(await peer.request())
        await peer.send(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        peer.close()


@asynccontextmanager
async def provider_server() -> AsyncIterator[ProviderServer]:
    """A provider on this machine while the context is open."""
    async with open_direct(allows_private=True) as direct:
        provider = ProviderServer(metrics=HttpMetrics(OnlyDirect(direct)))
        async with open_raw_server(provider.serve) as server:
            provider.url = f"http://127.0.0.1:{server.port}"
            yield provider


def question(text: str, **credentials: str) -> Question:
    """A question about the minute from `START` to `END`."""
    return Question(text=text, window=Window(start=START, end=END), credentials=credentials)


def request_of(raw: bytes) -> tuple[str, dict[str, str], bytes]:
    """Request line, header fields in lower case without those of the connection, and body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
    for name in ("host", "connection", "user-agent", "content-length"):
        headers.pop(name, None)
    return line, headers, body
