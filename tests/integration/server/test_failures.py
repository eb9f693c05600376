"""How RPCs fail: what callers see of bugs, of errors we know, and of requests that are too large."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, cast

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # no types are published
from grpc_status import rpc_status

from borealis.identity.v1 import identity_service_pb2 as pb
from borealis.identity.v1.identity_service_pb2_grpc import (
    IdentityServiceServicer,
    IdentityServiceStub,
    add_IdentityServiceServicer_to_server,
)
from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.pki import open_own_certificate
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.memory_audit import MemoryAuditStore
from borealis_server.domain.errors import CredentialNotFound, Stale
from borealis_server.domain.roles import ADMINISTRATOR
from borealis_server.services.audit_actions import ActionAudit
from borealis_server.telemetry import ServerMetrics
from borealis_server.transport.server import DoorOptions, Service, open_grpc_door
from kit.callers import a_caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.domain.identity import Principal

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "the text of a bug, with secrets in it"
LIMIT_BYTES = 1000


class Troubled(IdentityServiceServicer):
    """Fails in the way that the client id names. IssueToken is public, so nothing else is in the way."""

    async def IssueToken(self, request, context):  # noqa: N802
        match request.client_id:
            case "bug":
                raise ValueError(SECRET)
            case "bug in a group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._fail(ValueError(SECRET)))
            case "known in a group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._fail(Stale("the thing")))
            case "known and bug in a group":
                raise ExceptionGroup("both", [Stale("the thing"), ValueError(SECRET)])
            case "stray cancellation":
                raise asyncio.CancelledError
            case "abort":
                await context.abort(grpc.StatusCode.DATA_LOSS, "said by the servicer")
            case "slow":
                try:
                    await asyncio.sleep(30)
                finally:
                    self.was_cancelled.set()
            case _:
                raise CredentialNotFound("x")

    def __init__(self) -> None:
        self.was_cancelled = asyncio.Event()

    async def _fail(self, error: Exception) -> None:
        raise error

    GetCaller = CanI = UpdateClientCredential = CreateClientCredential = ListClientCredentials = (
        DeleteClientCredential
    ) = IssueToken


class VerifiesOneToken:
    """Knows one token, and it is an administrator's."""

    async def verify(self, token: str, tenant: str = "") -> Principal:
        assert (token, tenant) == ("good", "")
        return a_caller(ADMINISTRATOR, expires_at=datetime.now(UTC))


def add_nameless(server: grpc.aio.Server) -> None:
    """A service whose method names no permission."""

    async def do(_request, _context):
        raise AssertionError("nobody may get here")

    handlers = {"Do": grpc.unary_unary_rpc_method_handler(do)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("nameless.v1.Nameless", handlers),))


class Door:
    def __init__(self, channel: grpc.aio.Channel, servicer: Troubled, metrics: ServerMetrics) -> None:
        self.channel = channel
        self.stub = IdentityServiceStub(channel)
        self.servicer = servicer
        self.metrics = metrics

    async def error(self, client_id: str, *, metadata=(), timeout: float = 5) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await self.stub.IssueToken(pb.IssueTokenRequest(client_id=client_id), metadata=metadata, timeout=timeout)
        return error.value


@pytest_asyncio.fixture(loop_scope="session")
async def door(tmp_path) -> AsyncIterator[Door]:
    certificate = open_own_certificate(tmp_path, ("localhost",), datetime.now(UTC))
    options = DoorOptions(
        address="127.0.0.1:0",
        certificate_pem=certificate.certificate_file.read_bytes(),
        key_pem=certificate.key_file.read_bytes(),
        max_request_bytes=LIMIT_BYTES,
        grace_s=0,
    )
    servicer, metrics = Troubled(), ServerMetrics()
    audit = ActionAudit(MemoryAuditStore(), SystemClock(), SystemRandomness())
    service = Service(
        name="borealis.identity.v1.IdentityService", add=partial(add_IdentityServiceServicer_to_server, servicer)
    )
    nameless = Service(name="nameless.v1.Nameless", add=add_nameless)
    trust = grpc.ssl_channel_credentials((tmp_path / "ca.pem").read_bytes())
    async with (
        open_grpc_door(options, [service, nameless], verifier=VerifiesOneToken(), audit=audit, metrics=metrics) as port,
        grpc.aio.secure_channel(f"localhost:{port}", trust) as channel,
    ):
        yield Door(channel, servicer, metrics)


def detail(error: grpc.aio.AioRpcError, kind):
    message = kind()
    assert any(packed.Unpack(message) for packed in rpc_status.from_call(cast("grpc.Call", error)).details)
    return message


@pytest.mark.parametrize("trouble", ["bug", "bug in a group", "known and bug in a group", "stray cancellation"])
async def test_a_bug_says_internal_error_and_a_request_id_and_nothing_else(door, trouble):
    error = await door.error(trouble)

    assert error.code() is grpc.StatusCode.INTERNAL
    assert error.details() == "internal error"
    assert detail(error, error_details_pb2.ErrorInfo).reason == "INTERNAL"
    assert len(detail(error, error_details_pb2.RequestInfo).request_id) == 16
    assert SECRET not in str(rpc_status.from_call(cast("grpc.Call", error)))


async def test_the_request_id_is_the_callers_when_it_sends_one(door):
    error = await door.error("bug", metadata=[("x-request-id", "ci-run-42")])
    odd = await door.error("bug", metadata=[("x-request-id", "no spaces allowed")])

    assert detail(error, error_details_pb2.RequestInfo).request_id == "ci-run-42"
    assert detail(odd, error_details_pb2.RequestInfo).request_id != "no spaces allowed"


async def test_a_known_error_keeps_its_reason_through_a_task_group(door):
    error = await door.error("known in a group")

    assert error.code() is grpc.StatusCode.ABORTED
    assert detail(error, error_details_pb2.ErrorInfo).reason == "STALE"


async def test_what_a_servicer_aborts_with_is_left_alone(door):
    error = await door.error("abort")

    assert error.code() is grpc.StatusCode.DATA_LOSS
    assert error.details() == "said by the servicer"


async def test_a_deadline_cancels_the_handler(door):
    error = await door.error("slow", timeout=0.2)

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(5):
        await door.servicer.was_cancelled.wait()


async def test_a_large_request_is_refused_with_its_size_and_the_limit(door):
    error = await door.error("x" * (LIMIT_BYTES + 1))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "send less at once" in (error.details() or "")
    assert detail(error, error_details_pb2.BadRequest).field_violations[0].field == "request"


async def test_an_enormous_request_is_refused_by_grpc_itself(door):
    error = await door.error("x" * 9 * 2**20)

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_rpcs_are_counted_with_the_status_that_callers_saw(door):
    await door.error("bug")
    await door.error("other")

    text = door.metrics.render().decode()
    method = 'method="borealis.identity.v1.IdentityService/IssueToken"'
    assert f'borealis_server_rpcs_total{{{method},status="INTERNAL"}} 1.0' in text
    assert f'borealis_server_rpcs_total{{{method},status="NOT_FOUND"}} 1.0' in text
    assert f"borealis_server_rpcs_in_progress{{{method}}} 0.0" in text


async def test_an_rpc_that_names_no_permission_is_refused_for_administrators_too(door):
    call = door.channel.unary_unary("/nameless.v1.Nameless/Do")

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call(b"", metadata=[("authorization", "Bearer good")], timeout=5)

    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
