"""How streams that ended early are told to callers."""

from __future__ import annotations

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.adapters.relay.failures import is_worth_another_replica, to_domain
from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from borealis_server.ports.relay import AgentRef
from borealis_wire.aio.stream import StreamWasReset, TunnelLost

PROD = AgentRef(tenant="main", name="prod")


def reset(code, *, dispatched=False):
    return to_domain(PROD, StreamWasReset(code, "because", dispatched=dispatched))


@pytest.mark.parametrize("dispatched", [None, False])
def test_a_lost_tunnel_is_an_agent_that_is_away(dispatched):
    error = to_domain(PROD, TunnelLost("no sign of life", dispatched=dispatched))

    assert isinstance(error, AgentUnavailable)
    assert (error.agent, error.dispatched) == ("prod", dispatched)
    assert "no sign of life" in error.message


@pytest.mark.parametrize("code", [pb.Reset.CODE_REFUSED, pb.Reset.CODE_OVERLOAD, pb.Reset.CODE_AUTHORITY_ENDED])
def test_an_agent_that_takes_no_calls_is_away(code):
    assert isinstance(reset(code), AgentUnavailable)


@pytest.mark.parametrize("code", [pb.Reset.CODE_DENIED, pb.Reset.CODE_DIAL_FAILED, pb.Reset.CODE_UNSPECIFIED])
def test_every_other_reset_is_a_refusal_with_its_code(code):
    error = reset(code)

    assert isinstance(error, RelayRefused)
    assert f"CODE_{error.code}" == pb.Reset.Code.Name(code)


@pytest.mark.parametrize(
    ("code", "dispatched", "worth"),
    [
        (pb.Reset.CODE_REFUSED, False, True),
        (pb.Reset.CODE_DIAL_FAILED, False, True),
        (pb.Reset.CODE_DIAL_TIMEOUT, False, True),
        (pb.Reset.CODE_DENIED, False, False),
        (pb.Reset.CODE_TARGET_RESET, True, False),
        (pb.Reset.CODE_REFUSED, True, False),
    ],
)
def test_another_replica_is_asked_only_if_surely_nothing_arrived(code, dispatched, worth):
    assert is_worth_another_replica(reset(code, dispatched=dispatched)) is worth


def test_an_unknown_outcome_is_never_repeated():
    assert not is_worth_another_replica(AgentUnavailable("prod", dispatched=None))
