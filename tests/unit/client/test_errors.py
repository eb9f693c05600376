"""Errors: every reason has its class, every detail arrives, every cause of no connection says what to do."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

import grpc
import pytest

import borealis_client
from borealis_client import errors
from borealis_client._generated.borealis.errors.v1 import Reason
from borealis_client.status import CLASS_BY_REASON
from kit.client_messages import NAME
from kit.scripted_server import CLIENT_ID, CLIENT_SECRET, Failure, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from borealis_client import Borealis


def test_every_reason_has_exactly_one_class():
    reasons = {reason.name for reason in Reason if reason is not Reason.UNSPECIFIED}

    assert set(CLASS_BY_REASON) == reasons


def test_every_class_with_a_reason_is_in_the_table_and_public():
    leaves = {
        leaf
        for leaf in vars(errors).values()
        if isinstance(leaf, type) and issubclass(leaf, errors.BorealisError) and leaf.reason
    }

    assert set(CLASS_BY_REASON.values()) == leaves
    assert all(leaf.__name__ in borealis_client.__all__ for leaf in leaves)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, borealis_client.InvalidError),
        (grpc.StatusCode.NOT_FOUND, borealis_client.NotFoundError),
        (grpc.StatusCode.ALREADY_EXISTS, borealis_client.AlreadyExistsError),
        (grpc.StatusCode.FAILED_PRECONDITION, borealis_client.RefusedError),
        (grpc.StatusCode.ABORTED, borealis_client.ConflictError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, borealis_client.ExhaustedError),
        (grpc.StatusCode.PERMISSION_DENIED, borealis_client.DeniedError),
        (grpc.StatusCode.INTERNAL, borealis_client.ServerError),
        (grpc.StatusCode.UNIMPLEMENTED, borealis_client.ServerError),
    ],
)
async def test_a_reason_from_the_future_falls_back_to_its_status(
    server: ScriptedServer, borealis: Borealis, code: grpc.StatusCode, kind: type[borealis_client.BorealisError]
):
    server.fail("GetDeployment", Failure(code=code, reason="FROM_THE_FUTURE"))

    with pytest.raises(borealis_client.BorealisError) as raised:
        await borealis.deployments.get(NAME)

    assert type(raised.value) is kind
    assert raised.value.sent_reason == "FROM_THE_FUTURE"


async def test_message_metadata_and_request_id_arrive(server: ScriptedServer, borealis: Borealis):
    server.fail(
        "StartDeployment",
        Failure(
            code=grpc.StatusCode.ALREADY_EXISTS,
            reason="DEPLOYMENT_IN_PROGRESS",
            message="shöp is in progress",
            metadata={"deployment": NAME},
            request_id="r-1",
        ),
    )

    with pytest.raises(borealis_client.DeploymentInProgressError) as raised:
        await borealis.deployments.start(b"x")

    assert raised.value.message == "shöp is in progress"
    assert raised.value.metadata == {"deployment": NAME}
    assert raised.value.request_id == "r-1"


async def test_every_violation_arrives_with_its_place(server: ScriptedServer, borealis: Borealis):
    faults = [("deploy.yaml:3:7", "no such strategy\nhelp: write one", "UNKNOWN_STRATEGY"), ("a:1:1", "bad", "SYNTAX")]
    failure = Failure(code=grpc.StatusCode.INVALID_ARGUMENT, reason="DEPLOY_FILE_INVALID", violations=faults)
    server.fail("StartDeployment", failure)

    with pytest.raises(borealis_client.DeployFileInvalidError) as raised:
        await borealis.deployments.start(b"x")

    assert [(one.field, one.description, one.reason) for one in raised.value.violations] == faults


async def call(address: str, ca_file: Path | None) -> None:
    quick = borealis_client.RetryPolicy(base_s=0.001)
    async with borealis_client.connect(
        address, ca_file=ca_file, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, timeout_s=2, retry=quick
    ) as borealis:
        await borealis.deployments.get(NAME)


async def test_nothing_listening_names_the_address_and_what_to_do(server: ScriptedServer):
    server.stop()

    with pytest.raises(borealis_client.ServerUnreachableError, match=f"{server.address}.*borealis server"):
        await call(server.address, server.ca_file)


async def test_an_unknown_host_is_named(server: ScriptedServer):
    with pytest.raises(borealis_client.ServerUnreachableError, match=r"nowhere\.invalid"):
        await call("nowhere.invalid:7443", server.ca_file)


async def test_a_certificate_of_another_authority_says_which_file_to_name(server: ScriptedServer):
    with pytest.raises(borealis_client.CertificateError, match="BOREALIS_CA_FILE"):
        await call(server.address, None)


async def test_a_certificate_for_another_host_is_refused(tmp_path: Path):
    with (
        ScriptedServer(tmp_path, hosts=("elsewhere.example",)) as server,
        pytest.raises(borealis_client.CertificateError, match="not trusted"),
    ):
        await call(server.address, server.ca_file)


@pytest.fixture
async def plain_port() -> AsyncIterator[int]:
    """Something that listens and speaks neither TLS nor HTTP/2."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


async def test_a_server_without_tls_is_told_from_one_that_is_away(server: ScriptedServer, plain_port: int):
    with pytest.raises(borealis_client.CertificateError, match="does not speak TLS"):
        await call(f"127.0.0.1:{plain_port}", server.ca_file)


async def test_a_listener_that_never_answers_meets_the_time_limit(server: ScriptedServer):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        with pytest.raises(borealis_client.DeadlineExceededError, match=str(port)):
            await call(f"127.0.0.1:{port}", server.ca_file)


def test_tls_is_at_least_1_2(server: ScriptedServer):
    settings = borealis_client.resolve(server.address, ca_file=server.ca_file, token="t")

    context = settings.ssl_context()

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
