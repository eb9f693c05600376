"""A real Prometheus that scrapes a target whose errors a test controls."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import threading
import time
import urllib.parse
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from kit.programs import Program, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_LIMIT_S = 30.0
_CONFIG = """\
global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}
scrape_configs:
  - job_name: shop
    honor_labels: true
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


@dataclass
class Traffic:
    """What a version serves: counters that grow with time by themselves, each second by so many requests."""

    per_second: float = 100.0
    error_share: float = 0.0
    """Of the requests; 0.05 are 5 %."""
    _since: float = field(default_factory=time.monotonic)
    _good: float = 0.0
    _bad: float = 0.0

    def counters(self) -> tuple[float, float]:
        """Good and bad requests until now."""
        now = time.monotonic()
        served = (now - self._since) * self.per_second
        self._since = now
        self._bad += served * self.error_share
        self._good += served * (1 - self.error_share)
        return self._good, self._bad


@dataclass
class Target:
    """What Prometheus scrapes: a line for each version that has traffic."""

    port: int = 0
    versions: dict[str, Traffic] = field(default_factory=dict)
    """By the value of the label `rs`."""

    def page(self) -> str:
        """The metrics now."""
        lines = ["# TYPE http_requests_total counter"]
        for name, traffic in tuple(self.versions.items()):
            good, bad = traffic.counters()
            lines.append(f'http_requests_total{{rs="{name}",code="200"}} {good}')
            lines.append(f'http_requests_total{{rs="{name}",code="500"}} {bad}')
        return "\n".join([*lines, ""])


@dataclass
class Prometheus:
    """A running Prometheus, and what it scrapes."""

    url: str
    target: Target

    def ask(self, query: str) -> list[dict[str, object]]:
        """The series of an instant query, now."""
        _, body = _get(self.url, f"/api/v1/query?{urllib.parse.urlencode({'query': query})}")
        found: list[dict[str, object]] = json.loads(body)["data"]["result"]
        return found

    async def until(self, query: str, limit_s: float = _LIMIT_S) -> None:
        """Wait until the query has an answer."""
        async with asyncio.timeout(limit_s):
            while not await asyncio.to_thread(self.ask, query):
                await asyncio.sleep(0.1)


@contextmanager
def open_prometheus(folder: Path) -> Iterator[Prometheus]:
    """A Prometheus that scrapes four times a second, while the block runs."""
    installed = subprocess.run([ROOT / "tests/tools/install-prometheus.sh"], check=True, capture_output=True, text=True)
    with _serving(Target()) as target:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(_CONFIG.format(port=target.port))
        (port,) = free_ports(1)
        command: list[str | Path] = [
            installed.stdout.strip(),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
        program = Program(command, log=folder / "prometheus.log", env={})
        prometheus = Prometheus(f"http://127.0.0.1:{port}", target)
        try:
            program.wait_until(lambda: _is_ready(prometheus), what="answer", limit_s=_LIMIT_S)
            yield prometheus
        finally:
            program.stop()


def _is_ready(prometheus: Prometheus) -> bool:
    try:
        return _get(prometheus.url, "/-/ready")[0] == 200
    except OSError:
        return False


def _get(url: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def _serving(target: Target) -> Iterator[Target]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = target.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # of a scraper that has lost its patience
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    target.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, name="scraped", daemon=True)
    thread.start()
    try:
        yield target
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
