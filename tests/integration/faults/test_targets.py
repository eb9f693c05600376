"""Targets that fail, and authority that ends, seen from the hub through the whole way: rows F8 and F14."""

from __future__ import annotations

import pytest

from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from kit.tunnel import wait_until


async def refusal_of(bed, path, **more) -> RelayRefused:
    with pytest.raises(RelayRefused) as caught:
        await bed.body(path, **more)
    return caught.value


async def test_f8_a_target_that_refuses_connections_was_surely_not_asked(bed):
    bed.to_target.close()
    bed.to_target.refuse()

    for method in ("GET", "POST"):
        refused = await refusal_of(bed, "/api/small", method=method)
        assert (refused.code, refused.dispatched) == ("DIAL_FAILED", False)


async def test_f8_a_target_that_takes_a_call_and_never_answers_is_given_up_at_the_limit(bed):
    refused = await refusal_of(bed, "/api/late", method="POST", timeout_s=0.5)

    assert refused.code == "DEADLINE"
    assert refused.dispatched is not False
    await wait_until(lambda: bed.api.open_requests == 0)


async def test_f8_a_target_that_falls_silent_in_its_answer_is_given_up_at_the_limit(bed):
    refused = await refusal_of(bed, "/api/late-body", idle_timeout_s=0.5)

    assert refused.code == "IDLE"
    await wait_until(lambda: bed.api.open_requests == 0)


async def test_f8_a_frozen_target_costs_its_calls_alone(bed):
    first = bed.session_ids()
    bed.to_target.freeze()
    refused = await refusal_of(bed, "/api/small", timeout_s=0.5)
    bed.to_target.heal()

    assert refused.code in {"DEADLINE", "DIAL_TIMEOUT"}
    assert await bed.body("/api/small") == bed.api.small_body
    assert bed.session_ids() == first


async def test_f8_connections_that_the_target_closed_meanwhile_cost_nothing(bed):
    for method in ("GET", "POST") * 5:
        assert await bed.body("/api/small", method=method) == bed.api.small_body
        bed.to_target.close()


async def test_f14_a_revoked_agent_loses_its_terminals_and_its_tunnel(bed):
    async with bed.terminal() as terminal:
        echo = await terminal.echo(b"hello")
        await bed.hub.revoke(bed.agent.ref.name)
        with pytest.raises((AgentUnavailable, RelayRefused)):
            await _type_for_ever(terminal)
    await wait_until(lambda: not bed.knows_agent)

    assert echo == b"hello"


async def _type_for_ever(terminal) -> None:
    while True:
        await terminal.echo(b"still there?")
