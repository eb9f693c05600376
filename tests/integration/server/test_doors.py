"""What stands at the doors: TLS, health, reflection, default deny."""

from __future__ import annotations

import asyncio
import ssl
import time
import warnings
from contextlib import AsyncExitStack

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from borealis.agent.v1 import agent_service_pb2 as agent_pb
from borealis.agent.v1.agent_service_pb2_grpc import AgentServiceStub
from borealis.identity.v1 import identity_service_pb2 as identity_pb
from borealis.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from borealis_server.main import open_server
from borealis_server.settings import ServerSettings

pytestmark = pytest.mark.asyncio(loop_scope="session")


def tls_context(ca_pem: bytes, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that speaks exactly one version, however old."""
    context = ssl.create_default_context(cadata=ca_pem.decode())
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["h2"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    return context


async def handshake(port: int, context: ssl.SSLContext):
    async with asyncio.timeout(5):
        _, writer = await asyncio.open_connection("localhost", port, ssl=context)
        version = writer.get_extra_info("ssl_object").version()
        writer.close()
        return version


@pytest.fixture(params=["grpc", "web"])
def port(request, server):
    return server.running.grpc_port if request.param == "grpc" else server.running.web_port


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
async def test_tls_1_2_and_1_3_are_spoken(server, port, version):
    spoken = await handshake(port, tls_context(server.ca_pem, version))

    assert spoken == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]


async def test_tls_1_1_is_refused_by_the_server(server, port):
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await handshake(port, tls_context(server.ca_pem, ssl.TLSVersion.TLSv1_1))


async def test_the_client_that_is_refused_does_speak_tls_1_1(server):
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    lax.load_cert_chain(server.running.data_dir / "tls" / "server.pem", server.running.data_dir / "tls" / "server.key")
    lax.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        lax.minimum_version = ssl.TLSVersion.TLSv1

    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=lax) as listener:
        port = listener.sockets[0].getsockname()[1]
        spoken = await handshake(port, tls_context(server.ca_pem, ssl.TLSVersion.TLSv1_1))

    assert spoken == "TLSv1.1"


async def test_nobody_else_can_pass_for_the_server(port):
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(port, ssl.create_default_context())


async def test_health_is_told_without_a_token(channel):
    health = health_pb2_grpc.HealthStub(channel)

    for service in ("", "borealis.identity.v1.IdentityService", "borealis.agent.v1.AgentService"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await health.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=5)
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def services_by_reflection(channel, metadata) -> set[str]:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    call = stub.ServerReflectionInfo(requests, metadata=metadata, timeout=5)
    return {service.name async for answer in call for service in answer.list_services_response.service}


async def test_reflection_lists_every_service_to_those_who_have_a_token(channel, admin):
    names = await services_by_reflection(channel, admin.metadata)

    assert {
        "borealis.identity.v1.IdentityService",
        "borealis.agent.v1.AgentService",
        "borealis.tunnel.v1.TunnelService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    } <= names


async def test_reflection_is_refused_without_a_token(channel):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await services_by_reflection(channel, [])

    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_an_unknown_method_is_unimplemented(channel, admin):
    call = channel.unary_unary("/borealis.identity.v1.IdentityService/Nothing")

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call(b"", metadata=admin.metadata, timeout=5)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_closing_server_ends_watches_at_once_and_says_that_they_may_resume(tmp_path):
    settings = ServerSettings(
        data_dir=tmp_path / "data", grpc_address="127.0.0.1:0", web_address="127.0.0.1:0", shutdown_grace_s=30
    )
    async with AsyncExitStack() as stack:
        async with open_server(settings) as running:
            ca_pem = (running.data_dir / "tls" / "ca.pem").read_bytes()
            trust = grpc.ssl_channel_credentials(ca_pem)
            channel = await stack.enter_async_context(grpc.aio.secure_channel(f"localhost:{running.grpc_port}", trust))
            secret = identity_pb.IssueTokenRequest(
                client_id=running.client.client_id, client_secret=running.client.client_secret
            )
            issued = await IdentityServiceStub(channel).IssueToken(secret, timeout=5)
            metadata = [("authorization", f"Bearer {issued.access_token}")]
            watch = AgentServiceStub(channel).WatchAgents(agent_pb.WatchAgentsRequest(), metadata=metadata)
            first = await watch.read()
            assert isinstance(first, agent_pb.WatchAgentsResponse)
            assert first.initial_state_sent
            started = time.monotonic()

        assert time.monotonic() - started < 10
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await watch.read()
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "stopping" in (error.value.details() or "")
