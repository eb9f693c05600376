"""One line for each cause, with what to check."""

from __future__ import annotations

import grpc
import pytest

from borealis_agent.failures import Cause, explain

UNREACHABLE = "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:7443: Connection refused (111)"
UNTRUSTED = "failed to connect to all addresses; last error: UNKNOWN: Ssl handshake failed: CERTIFICATE_VERIFY_FAILED"


@pytest.mark.parametrize(
    ("code", "detail", "cause", "advice"),
    [
        (
            grpc.StatusCode.UNAUTHENTICATED,
            "client id or secret is wrong",
            Cause.CREDENTIAL,
            "check client id and secret",
        ),
        (grpc.StatusCode.PERMISSION_DENIED, "not yours", Cause.CREDENTIAL, "`borealis agent create prod`"),
        (grpc.StatusCode.UNAVAILABLE, UNREACHABLE, Cause.UNREACHABLE, "check the address"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", Cause.UNREACHABLE, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.UNAVAILABLE, UNTRUSTED, Cause.UNTRUSTED, "check BOREALIS_AGENT_CA_FILE"),
        (grpc.StatusCode.UNIMPLEMENTED, "no such method", Cause.SERVER, "is a Borealis server"),
    ],
)
def test_each_status_has_its_cause_and_advice(code, detail, cause, advice):
    metadata = grpc.aio.Metadata()
    failure = explain(
        grpc.aio.AioRpcError(code, metadata, metadata, details=detail, debug_error_string=""),
        server="cd.example.com:7443",
        agent="prod",
    )

    assert failure.cause is cause
    assert advice in str(failure)
    assert "\n" not in str(failure)
