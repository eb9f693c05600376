"""A whole server whose issuer trusts another one, and strangers' clients for it; all over TLS on loopback."""

from __future__ import annotations

import gc
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
import pytest
import pytest_asyncio

from borealis.identity.v1 import identity_service_pb2 as pb
from borealis.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from borealis_server.adapters.pki import open_own_certificate
from borealis_server.domain.login.throttle import RateLimit
from borealis_server.main import RunningServer, open_server
from borealis_server.settings import ServerSettings
from kit.browser import Browser
from kit.oidc import StandardClient, open_client, open_provider
from kit.programs import free_ports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

import grpc

REDIRECT = "http://127.0.0.1:4000/callback"
AUDIENCE = "https://borealis.example"
PEOPLE = {
    "bob": {
        "email": "bob@home.example",
        "email_verified": True,
        "name": "Bob Builder",
        "groups": ["Deployments Full Access", "Football"],
    },
    "zoe": {"email": "zoe@home.example", "email_verified": True, "name": "Zoe", "groups": []},
    "eve": {"email": "eve@home.example", "email_verified": False, "name": "Eve", "groups": []},
}
ISSUERS = """
[[providers]]
id = "acme"
name = "Acme"
issuer = "{issuer}"
client_id = "borealis"
client_secret_file = "secret"
scopes = ["openid", "email", "profile", "groups"]

[[trust]]
id = "ci"
issuer = "{issuer}"
audience = "{audience}"
roles = ["Deployments Full Access"]
conditions = {{client_id = "ci"}}
"""


@dataclass(frozen=True)
class Site:
    """The server and its surroundings."""

    running: RunningServer
    issuer: str
    provider: str
    ca_file: Path

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))

    @asynccontextmanager
    async def http(self) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.TCPConnector(ssl=self.tls)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=20)) as session:
            yield session

    async def post(self, path: str, form: dict[str, str], **options: object):
        """Status and JSON of an answer."""
        async with self.http() as session, session.post(self.issuer + path, data=form, **options) as response:  # type: ignore[arg-type]  # options are aiohttp's
            return response.status, await response.json()

    async def caller(self, token: str):
        """Whom the gRPC door takes the bearer for."""
        credentials = grpc.ssl_channel_credentials(self.ca_file.read_bytes())
        async with grpc.aio.secure_channel(f"localhost:{self.running.grpc_port}", credentials) as channel:
            answer = await IdentityServiceStub(channel).GetCaller(
                pb.GetCallerRequest(), metadata=[("authorization", f"Bearer {token}")], timeout=10
            )
        return answer.principal


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(tmp_path_factory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("oidc")
    web_port, provider_port = free_ports(2)
    issuer, provider = f"https://localhost:{web_port}", f"https://localhost:{provider_port}"
    data_dir = folder / "server"
    data_dir.mkdir(mode=0o700)
    (data_dir / "tls").mkdir(mode=0o700)
    certificate = open_own_certificate(data_dir / "tls", ["localhost", "127.0.0.1"], datetime.now(UTC))
    assert certificate.authority_file
    (folder / "secret").write_text("secret-of-borealis\n")
    (folder / "issuers.toml").write_text(ISSUERS.format(issuer=provider, audience=AUDIENCE))
    settings = ServerSettings(
        data_dir=data_dir,
        grpc_address="127.0.0.1:0",
        web_address=f"127.0.0.1:{web_port}",
        host_names=("localhost", "127.0.0.1"),
        shutdown_grace_s=1,
        may_sign_up=True,
        issuers_file=folder / "issuers.toml",
        issuers_ca_file=certificate.authority_file,
    )
    async with (
        open_provider(
            issuer=provider,
            port=provider_port,
            callback=f"{issuer}/login/callback",
            certificate=str(certificate.certificate_file),
            key=str(certificate.key_file),
            people=PEOPLE,
            audience=AUDIENCE,
        ),
        open_server(settings) as running,
    ):
        yield Site(running, issuer, provider, certificate.authority_file)


@pytest.fixture(autouse=True)
def full_buckets() -> None:
    """All tests come from one address: each begins as if nobody had tried anything there for a while."""
    for one in gc.get_objects():
        if type(one) is RateLimit:
            one._buckets.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def browser(site) -> AsyncIterator[Browser]:
    async with Browser(site.tls) as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(site) -> AsyncIterator[StandardClient]:
    async with open_client(site.issuer, site.ca_file, REDIRECT) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ana(site) -> AsyncIterator[Browser]:
    """A browser in which somebody is logged in, who has founded an organization."""
    async with Browser(site.tls) as browser:
        page = await browser.sign_up(site.issuer, "ana@shop.example", "correct horse battery staple")
        assert page.title == "Ana Lopez", page.text
        yield browser
