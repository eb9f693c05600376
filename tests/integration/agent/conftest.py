"""What the agent's tests share: certificates, a client to a server of the test's own, and nothing left behind."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import uvloop

from borealis_agent.targets.dialer import Dialer
from borealis_agent.targets.http1.client import HttpClient
from borealis_agent.targets.target import TargetRequest
from borealis_agent.targets.tls import TlsFiles, TlsSource
from borealis_sandbox.pki import Authority
from kit.leaks import no_leaks
from kit.raw_server import HOSTS, open_raw_server, server_tls, trust

__all__ = ["no_leaks"]


def pytest_asyncio_loop_factories(config, item):  # noqa: ARG001 - the names are those of the hook
    """The loop that the agent runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority():
    return Authority("of the test")


@pytest.fixture(params=["tls", "plain"])
def talk(request, authority, tmp_path):
    """Opens a server of the test's own and a client to it, with TLS and without."""

    @asynccontextmanager
    async def open_both(serve):
        is_tls = request.param == "tls"
        tls = server_tls(tmp_path / "server", authority.issue(HOSTS)) if is_tls else None
        files = TlsSource(TlsFiles(ca_file=trust(tmp_path, authority))) if is_tls else None
        async with open_raw_server(serve, tls=tls) as server:
            client = HttpClient(Dialer("127.0.0.1", server.port, tls=files, allow_local=True))
            try:
                yield client, server
            finally:
                client.close()

    return open_both


@pytest.fixture
def get():
    def make(path="/x", **more):
        return TargetRequest(method=more.pop("method", "GET"), path=path, fields=b"Accept: */*\r\n", **more)

    return make


@pytest.fixture
def body_of():
    async def read(connection):
        data = b""
        while piece := await connection.read():
            data += piece
        return data

    return read
