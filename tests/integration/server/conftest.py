"""A whole server in this process, over real TLS on loopback, and clients for it.

One event loop for all of it: grpc.aio wants no more than one in a process.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio

from borealis.agent.v1.agent_service_pb2_grpc import AgentServiceStub
from borealis.identity.v1 import identity_service_pb2 as pb
from borealis.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from borealis_server.main import RunningServer, open_server
from borealis_server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True)
class Server:
    running: RunningServer
    settings: ServerSettings

    @property
    def ca_pem(self) -> bytes:
        return Path(self.running.client.ca_file).read_bytes()

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[grpc.aio.Channel]:
        credentials = grpc.ssl_channel_credentials(self.ca_pem)
        async with grpc.aio.secure_channel(f"localhost:{self.running.grpc_port}", credentials) as channel:
            yield channel


class Client:
    """Calls with a token."""

    def __init__(self, channel: grpc.aio.Channel, token: str | None) -> None:
        self.identity = IdentityServiceStub(channel)
        self.agents = AgentServiceStub(channel)
        self.token = token

    @property
    def metadata(self) -> list[tuple[str, str]]:
        return [] if self.token is None else [("authorization", f"Bearer {self.token}")]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    settings = ServerSettings(
        data_dir=tmp_path_factory.mktemp("server"),
        grpc_address="127.0.0.1:0",
        web_address="127.0.0.1:0",
        shutdown_grace_s=1,
    )
    async with open_server(settings) as running:
        yield Server(running, settings)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def channel(server: Server) -> AsyncIterator[grpc.aio.Channel]:
    async with server.channel() as channel:
        yield channel


@pytest_asyncio.fixture(loop_scope="session")
async def token(server: Server, channel: grpc.aio.Channel) -> str:
    """A token of the administrator on this machine."""
    client = server.running.client
    request = pb.IssueTokenRequest(client_id=client.client_id, client_secret=client.client_secret)
    return (await IdentityServiceStub(channel).IssueToken(request, timeout=5)).access_token


@pytest.fixture
def admin(channel: grpc.aio.Channel, token: str) -> Client:
    return Client(channel, token)


@pytest.fixture
def as_token(channel: grpc.aio.Channel):
    """A client that sends the token it is given."""
    return lambda token: Client(channel, token)


@pytest.fixture
def as_role(channel: grpc.aio.Channel, admin: Client):
    """A client with a new credential of a role; the credential's name goes with it."""

    async def log_in(display_name: str, role: str, agent: str = "") -> tuple[Client, str]:
        request = pb.CreateClientCredentialRequest(display_name=display_name, role=role, agent=agent)
        created = await admin.identity.CreateClientCredential(request, metadata=admin.metadata, timeout=5)
        issued = await admin.identity.IssueToken(
            pb.IssueTokenRequest(client_id=created.credential.client_id, client_secret=created.client_secret), timeout=5
        )
        return Client(channel, issued.access_token), created.credential.name

    return log_in
