"""What a hostile or broken agent sends through the door: it alone is hurt, and told why. Numbers are those of the
catalogue of bad inputs. Beside each of them a call to a healthy agent of the same hub succeeds."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest
from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.domain.errors import RelayRefused
from borealis_server.ports.relay import AgentRef, RelayRequest
from borealis_wire.aio.live import Timing
from kit.raw_lane import ROGUE, hello, open_raw_lane, token_of
from kit.tunnel import TENANT, open_agent, open_hub, wait_until

ROGUE_REF = AgentRef(tenant=TENANT, name=ROGUE)
GET = RelayRequest(method="GET", path="/api/small", timeout_s=5)


@pytest.fixture(autouse=True)
async def healthy_neighbour(bed):
    """Calls to another agent succeed before, beside and after."""
    await check_neighbour(bed)
    yield
    await check_neighbour(bed)
    (session,) = bed.hub.hub.sessions(bed.agent.ref)
    assert session.open_streams == 0


async def check_neighbour(bed):
    async with bed.hub.hub.call(bed.agent.ref, GET) as response:
        assert await response.read() == bed.api.small_body


def frame(stream_id=0, **kind):
    return pb.Frame(stream_id=stream_id, **kind)


async def goodbye_after(bed, *batches):
    """The GoAway with which the hub answers these batches."""
    async with open_raw_lane(bed.hub) as lane, asyncio.TaskGroup() as tasks:
        tasks.create_task(lane.end())  # reads meanwhile: what is not read when a call ends is lost
        for batch in batches:
            if isinstance(batch, bytes):
                await lane.send_bytes(batch)
            else:
                await lane.send(*batch)
    assert not bed.hub.hub.is_connected(ROGUE_REF)
    return lane.frames[-1].go_away


VIOLATIONS = [
    pytest.param([[frame(ping=pb.Ping(nonce=1))]], "the first frame is ping", id="1-first-frame-is-no-hello"),
    pytest.param([[frame(1, data=b"x")]], "the first frame is data", id="1-first-frame-is-data"),
    pytest.param([[hello()], [hello()]], "hello was not expected", id="2-hello-twice"),
    pytest.param([[hello(), hello()]], "hello was not expected", id="2-hello-twice-in-one-batch"),
    pytest.param([[hello(version_min=2, version_max=9)]], "versions 2 to 9", id="3-versions-without-overlap"),
    pytest.param([[hello(version_min=0, version_max=0)]], "versions 0 to 0", id="3-no-version"),
    pytest.param([[hello(version_min=3, version_max=1)]], "versions 3 to 1", id="3-versions-upside-down"),
    pytest.param([[hello()], [frame(open=pb.Open())]], "open for stream 0", id="7-open-of-stream-0"),
    pytest.param([[hello()], [frame(2, open=pb.Open())]], "may not be opened", id="8-an-agent-opens"),
    pytest.param([[hello()], [frame(1, open=pb.Open())]], "may not be opened", id="8-an-agent-opens-an-odd-id"),
    pytest.param([[hello()], [frame(7, data=b"x")]], "never opened", id="10-data-of-no-stream"),
    pytest.param([[hello()], [frame(7, reset=pb.Reset())] * 1000], "never opened", id="26-resets-of-no-stream"),
    pytest.param([[hello()], [frame(ping=pb.Ping())] * 1025], "1025 frames", id="15-too-many-frames"),
    pytest.param([[hello()], [frame(ping=pb.Ping(), stream_id=0)], []], "0 frames", id="15-empty-batch"),
    pytest.param(
        [[hello()], LaneRequest(frames=[frame(1, data=b"x" * 257 * 1024)]).SerializeToString()],
        "more than 262144",
        id="15-batch-of-257-kib",
    ),
    pytest.param([[hello()], b"\xff\xff\xff\xff"], "cannot be read", id="17-rubbish"),
    pytest.param([[hello()], LaneRequest(frames=[hello()]).SerializeToString()[:-3]], "cannot be read", id="17-cut"),
    pytest.param([[hello()], b"\x0a\x7f" + b"\x0b" * 127], "cannot be read", id="17-nested-bomb"),
    pytest.param([[hello()], b"\x0a\x08\x08\x01\xaa\x01\x03\x1a\x01\xff"], "cannot be read", id="17-text-that-is-none"),
    pytest.param(
        [[hello()], [frame(live_streams=pb.LiveStreams(stream_ids=range(2000)))]], "2000 live", id="29-live-set"
    ),
    pytest.param(
        [[hello()], [frame(welcome=pb.Welcome(session_id="stolen"))]], "welcome was", id="30-replayed-session-id"
    ),
]


@pytest.mark.parametrize(("batches", "rule"), VIOLATIONS)
async def test_who_breaks_the_protocol_is_sent_away_and_told_the_rule(bed, batches, rule):
    go_away = await goodbye_after(bed, *batches)

    assert go_away.cause == pb.GoAway.CAUSE_PROTOCOL
    assert rule in go_away.detail


async def test_15_a_flood_of_empty_batches_ends_with_its_session(bed):
    sent = 0
    async with open_raw_lane(bed.hub) as lane:
        await lane.send(hello())
        await lane.first("welcome")
        while sent < 100_000 and bed.hub.hub.is_connected(ROGUE_REF):
            await lane.send_bytes(b"")
            sent += 1
        await check_neighbour(bed)

    assert 0 < sent < 1000


@pytest.mark.parametrize("number", ["1", "7", "-1", "0x0", "", "zero", "9" * 40], ids=lambda text: text[:5] or "empty")
async def test_4_a_lane_number_other_than_0_is_refused(bed, number):
    async with open_raw_lane(bed.hub, metadata=(("borealis-lane", number),)) as lane:
        code, details = await lane.end()

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "borealis-lane" in details


OTHER_NAMES = {
    "neighbour": "prod",
    "none": "",
    "space": "rogue ",
    "case": "ROGUE",
    "look-alike": "r\N{CYRILLIC SMALL LETTER O}gue",
}


@pytest.mark.parametrize("name", OTHER_NAMES.values(), ids=OTHER_NAMES)
async def test_5_a_name_other_than_the_credentials_is_denied(bed, name):
    async with open_raw_lane(bed.hub) as lane:
        await lane.send(hello(agent=name))
        code, details = await lane.end()

    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert "bound to 'rogue'" in details


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _resigned(token, key, algorithm, *, kid=None, **claims):
    payload = jwt.decode(token, options={"verify_signature": False}) | claims
    return jwt.encode(
        payload, key, algorithm=algorithm, headers={"kid": kid or jwt.get_unverified_header(token)["kid"]}
    )


def _unsigned(token):
    header = {"alg": "none", "typ": "JWT", "kid": jwt.get_unverified_header(token)["kid"]}
    return f"{_b64(json.dumps(header).encode())}.{token.split('.')[1]}."


def _hmac_with_public_key(token, key):
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": jwt.get_unverified_header(token)["kid"]}
    signed = f"{_b64(json.dumps(header).encode())}.{token.split('.')[1]}"
    return f"{signed}.{_b64(hmac.digest(public, signed.encode(), 'sha256'))}"


FORGERIES = {
    "expired": lambda token, key: _resigned(token, key, "ES256", exp=int(time.time()) - 1),
    "not-yet-valid": lambda token, key: _resigned(token, key, "ES256", iat=int(time.time()) + 600),
    "wrong-audience": lambda token, key: _resigned(token, key, "ES256", aud="somebody"),
    "wrong-issuer": lambda token, key: _resigned(token, key, "ES256", iss="https://evil"),
    "other-tenant": lambda token, key: _resigned(token, key, "ES256", tenant="other"),
    "unknown-client": lambda token, key: _resigned(token, key, "ES256", sub="clients/nobody"),
    "alg-none": lambda token, _: _unsigned(token),
    "hmac-with-public-key": _hmac_with_public_key,
    "unknown-kid": lambda token, key: _resigned(token, key, "ES256", kid="other"),
    "foreign-key": lambda token, _: _resigned(token, ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "cut": lambda token, _: token[:-9],
    "rubbish": lambda _token, _key: "rubbish",
    "nothing": lambda _token, _key: "",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
async def test_6_a_token_that_is_not_good_opens_no_lane(bed, tmp_path, forge):
    key = serialization.load_pem_private_key((tmp_path / "hub" / "signing.key").read_bytes(), None)
    async with open_raw_lane(bed.hub, token=forge(await token_of(bed.hub), key)) as lane:
        code, _ = await lane.end()

    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert lane.frames == []


async def test_6_a_token_of_a_megabyte_opens_no_lane(bed):
    async with open_raw_lane(bed.hub, token="t" * 2**20) as lane:
        await lane.send(hello())
        code, _ = await lane.end()

    assert code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNAVAILABLE)
    assert lane.frames == []


async def test_6_a_token_of_a_megabyte_in_band_ends_the_session(bed):
    go_away = await goodbye_after(bed, [hello()], [frame(token_refresh=pb.TokenRefresh(token="t" * 200_000))])

    assert "too long" in go_away.detail


async def test_16_a_kind_of_a_later_version_is_ignored(bed):
    unknown = pb.Frame.FromString(b"\x08\x01\xfa\x07\x03abc")
    async with open_raw_lane(bed.hub) as lane:
        await lane.send(hello(features=["http", "teleport"]))
        welcome = (await lane.first("welcome")).welcome
        await lane.send(unknown, frame(ping=pb.Ping(nonce=42)))
        pong = (await lane.first("pong")).pong

    assert list(welcome.features) == ["http"]
    assert pong.nonce == 42


async def _answer_calls(lane, count):
    """Answer so many calls as a good agent would; the ids of their streams."""
    ids: list[int] = []
    while len(ids) < count:
        opened = [one.stream_id for one in lane.frames if one.WhichOneof("kind") == "open"]
        new = [one for one in opened if one not in ids]
        for stream in new:
            answer = pb.Opened(http=pb.HttpResponse(status=200), end_of_data=True)
            await lane.send(frame(stream, opened=answer))
        ids += new
        if len(ids) < count:
            assert await lane.receive()
    return ids


async def test_26_a_flood_of_late_resets_costs_nobody_anything(bed):
    async with open_raw_lane(bed.hub) as lane, asyncio.TaskGroup() as tasks:
        await lane.send(hello())
        await lane.first("welcome")
        call = tasks.create_task(_call(bed))
        (stream,) = await _answer_calls(lane, 1)
        await call
        for _ in range(100):
            await lane.send(*[frame(stream, reset=pb.Reset(code=pb.Reset.CODE_CANCELLED))] * 1000)
        await check_neighbour(bed)
        again = tasks.create_task(_call(bed))
        await _answer_calls(lane, 2)

    assert again.result() == 200


async def test_26_an_agent_that_resets_every_call_hurts_only_its_own(bed):
    async def reset_everything():
        seen = 0
        while await lane.receive():
            opened = [one for one in lane.frames if one.WhichOneof("kind") == "open"]
            for one in opened[seen:]:
                await lane.send(frame(one.stream_id, reset=pb.Reset(code=pb.Reset.CODE_INTERNAL, dispatched=True)))
            seen = len(opened)

    async with open_raw_lane(bed.hub) as lane, asyncio.TaskGroup() as tasks:
        await lane.send(hello())
        await lane.first("welcome")
        resetting = tasks.create_task(reset_everything())
        for _ in range(200):
            with pytest.raises(RelayRefused) as caught:
                await _call(bed)
            assert caught.value.code == "INTERNAL"
        await check_neighbour(bed)
        resetting.cancel()


async def _call(bed):
    async with bed.hub.hub.call(ROGUE_REF, GET) as response:
        await response.read()
        return response.status


@pytest.fixture
async def impatient(tmp_path, api):
    """A hub whose silence is short, with a healthy agent."""
    timing = Timing(ping_interval_s=0.3, dead_after_s=1.0, write_limit_s=1.0)
    async with (
        open_hub(tmp_path / "impatient", settings=RelaySettings(timing=timing)) as hub,
        open_agent(hub, api.kubeconfig) as agent,
    ):
        yield hub
        async with hub.hub.call(agent.ref, GET) as response:
            assert await response.read() == api.small_body


async def test_28_a_flood_of_pings_is_answered_while_it_is_read(bed):
    async with open_raw_lane(bed.hub) as lane, asyncio.TaskGroup() as tasks:
        await lane.send(hello())
        await lane.first("welcome")
        flood = tasks.create_task(_flood(lane, 40))
        while len([one for one in lane.frames if one.WhichOneof("kind") == "pong"]) < 40 * 200:
            assert await lane.receive()
        await flood
        await check_neighbour(bed)


async def _flood(lane, batches):
    for number in range(batches):
        await lane.send(*[frame(ping=pb.Ping(nonce=number))] * 200)


async def test_28_a_flood_of_pings_that_nobody_reads_ends_the_session(bed):
    async with open_raw_lane(bed.hub) as lane:
        await lane.send(hello())
        await lane.first("welcome")
        async with asyncio.timeout(30):
            while bed.hub.hub.is_connected(ROGUE_REF):
                await lane.send(*[frame(ping=pb.Ping(nonce=1))] * 1000)
        await check_neighbour(bed)


async def test_28_who_never_answers_a_ping_is_given_up(impatient):
    async with open_raw_lane(impatient) as lane:
        await lane.send(hello())
        await lane.end()

    kinds = [one.WhichOneof("kind") for one in lane.frames]
    assert "ping" in kinds
    assert not impatient.hub.is_connected(ROGUE_REF)


async def test_28_a_wrong_nonce_is_a_sign_of_life_and_no_measurement(impatient):
    async with open_raw_lane(impatient) as lane:
        await lane.send(hello())
        await lane.first("ping")
        for _ in range(15):
            await lane.send(frame(pong=pb.Pong(nonce=2**64 - 1)))
            await asyncio.sleep(0.1)
        assert impatient.hub.is_connected(ROGUE_REF)
        (connection,) = [one for one in impatient.hub._connections if one.agent == ROGUE_REF]
        assert connection.round_trip_s == 0.0


async def test_30_of_two_processes_with_one_instance_id_the_newer_one_is_right(bed):
    async with open_raw_lane(bed.hub) as older, open_raw_lane(bed.hub) as newer:
        await older.send(hello())
        first = (await older.first("welcome")).welcome
        await newer.send(hello())
        second = (await newer.first("welcome")).welcome
        go_away = (await older.first("go_away")).go_away
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(_call(bed))
            await _answer_calls(newer, 1)
        await wait_until(lambda: len(bed.hub.hub.sessions(ROGUE_REF)) == 1)

    assert second.epoch > first.epoch
    assert second.session_id != first.session_id
    assert go_away.cause == pb.GoAway.CAUSE_SUPERSEDED
    assert call.result() == 200
