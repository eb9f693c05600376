"""Peers of an earlier version: row F21 of the table of faults.

`recorded/` holds what a hub and an agent of each earlier version really said to each other, batch by batch; here one
of the two is replaced by its record. Each session has three calls: a small one, a large one, and an upload.
"""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from borealis.tunnel.v1 import tunnel_pb2
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest, LaneResponse
from borealis.tunnel.v1.tunnel_service_pb2_grpc import TunnelServiceServicer, TunnelServiceStub
from borealis_server.ports.relay import AgentRef, RelayRequest
from kit.target_api import open_target_api
from kit.tunnel import TENANT, open_agent, open_hub, trusting_channel, wait_until

RECORDS = sorted(Path(__file__).with_name("recorded").glob("*.json"))
PROD = AgentRef(tenant=TENANT, name="prod")
LARGE = bytes(range(256)) * 512
FUTURE = bytes.fromhex("f20703616263")
"""A frame's field 126: a kind that nobody knows yet."""


def frames_of(path, side):
    """Everything that one side said, in order."""
    record = json.loads(path.read_text())
    batches = [zlib.decompress(base64.b64decode(one["batch"])) for one in record if one["from"] == side]
    return [frame for batch in batches for frame in LaneRequest.FromString(batch).frames]


def by_stream(frames):
    """The frames of each stream, in order; 0 is the session."""
    found = defaultdict(list)
    for frame in frames:
        found[frame.stream_id].append(frame)
    return found


class RecordedHub(TunnelServiceServicer):
    """Says what a hub said, and keeps what the agent says."""

    def __init__(self, frames) -> None:
        self.said = by_stream(frames)
        self.heard: list[tunnel_pb2.Frame] = []

    async def Lane(self, request_iterator, context):  # type: ignore[override]  # noqa: N802, ARG002 - as in the servicer of the hub
        await self._hear(context, lambda frame: frame.HasField("hello"))
        await context.write(LaneResponse(frames=[self.said[0][0]]))
        for number in (1, 3, 5):
            await context.write(LaneResponse(frames=self.said[number]))
            await self._hear(context, partial(self._ends, number))
        await asyncio.Event().wait()

    async def _hear(self, context, until):
        while isinstance(message := await context.read(), LaneRequest):
            self.heard += message.frames
            if any(map(until, message.frames)):
                return
        raise AssertionError("the agent went away")

    @staticmethod
    def _ends(number, frame):
        return frame.stream_id == number and (frame.HasField("half_close") or frame.opened.end_of_data)

    @property
    def is_done(self) -> bool:
        return any(self._ends(5, frame) for frame in self.heard)

    def answer(self, number):
        """Status and body of the answer on a stream."""
        frames = [frame for frame in self.heard if frame.stream_id == number]
        opened = next(frame.opened for frame in frames if frame.HasField("opened"))
        return opened.http.status, opened.first + b"".join(frame.data for frame in frames if frame.HasField("data"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
async def test_f21_todays_agent_serves_an_earlier_hub(path, tmp_path):
    hub = RecordedHub(frames_of(path, "server"))
    async with (
        open_target_api(tmp_path / "api") as api,
        open_hub(tmp_path / "hub", servicer=hub) as bed,
        open_agent(bed, api.kubeconfig) as agent,
    ):
        await wait_until(lambda: hub.is_done)
        agent.stop.set()

    assert hub.answer(1) == (200, api.small_body)
    assert hub.answer(3) == (200, LARGE)
    assert hub.answer(5) == (201, b"b" * 100_000)


async def speak(hub, frames, *, extra=b""):
    """Say what an agent said: Hello at once, each answer when its stream is opened. `extra` goes into each batch."""
    said = by_stream(frames)
    token = await hub.identity.issue_token((await hub.link_settings("prod")).client_id, hub.credentials["prod"].secret)
    async with trusting_channel(hub) as channel:
        metadata = (("authorization", f"Bearer {token.access_token}"),)
        call: Any = TunnelServiceStub(channel).Lane(None, metadata=metadata)  # the published types are incomplete
        hello, *_ = said[0]
        await call.write(LaneRequest(frames=[hello, *_future(extra)]))
        while isinstance(message := await call.read(), LaneResponse):
            for frame in message.frames:
                if frame.HasField("open"):
                    await call.write(LaneRequest(frames=[*_future(extra), *said[frame.stream_id]]))
        call.cancel()


def _future(extra):
    return [tunnel_pb2.Frame.FromString(extra)] if extra else []


async def call(hub, **request):
    async with hub.hub.call(PROD, RelayRequest(**request)) as response:
        return response.status, await response.read()


@pytest.mark.parametrize("extra", [b"", FUTURE], ids=["as-recorded", "with-unknown-frames"])
@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
async def test_f21_todays_hub_uses_an_earlier_agent(path, extra, tmp_path):
    async with open_hub(tmp_path / "hub") as hub, asyncio.TaskGroup() as tasks:
        agent = tasks.create_task(speak(hub, frames_of(path, "agent"), extra=extra))
        await wait_until(lambda: hub.hub.is_connected(PROD))
        small = await call(hub, method="GET", path="/api/small")
        large = await call(hub, method="GET", path="/api/large?bytes=131072")
        upload = await call(hub, method="POST", path="/api/echo", body=b"b" * 100_000)
        agent.cancel()

    assert (small[0], len(small[1])) == (200, 2036)
    assert large == (200, LARGE)
    assert upload == (201, b"b" * 100_000)


@pytest.mark.parametrize(
    ("lowest", "highest", "agreed"),
    [pytest.param(1, 1, 1, id="same"), pytest.param(1, 9, 1, id="newer-agent-that-still-speaks-ours")],
)
async def test_f21_versions_that_overlap_agree_on_ours(hub, lowest, highest, agreed):
    welcome, _ = await greet(hub, version_min=lowest, version_max=highest, features=["http", "telepathy"])

    assert welcome.version == agreed
    assert "telepathy" not in welcome.features


@pytest.mark.parametrize(("lowest", "highest"), [(2, 9), (0, 0), (3, 2)])
async def test_f21_versions_that_do_not_overlap_are_told_so(hub, lowest, highest):
    welcome, go_away = await greet(hub, version_min=lowest, version_max=highest, features=["http"])

    assert welcome is None
    assert go_away.cause == tunnel_pb2.GoAway.CAUSE_PROTOCOL
    assert "version" in go_away.detail


@pytest.fixture
async def hub(tmp_path):
    async with open_hub(tmp_path / "hub") as hub:
        yield hub


async def greet(hub, **hello):
    """The hub's Welcome or GoAway."""
    settings = await hub.link_settings("prod")
    token = await hub.identity.issue_token(settings.client_id, hub.credentials["prod"].secret)
    frame = tunnel_pb2.Frame(hello=tunnel_pb2.Hello(agent="prod", instance_id="i", **hello))
    async with trusting_channel(hub) as channel:
        metadata = (("authorization", f"Bearer {token.access_token}"),)
        lane: Any = TunnelServiceStub(channel).Lane(None, metadata=metadata)  # the published types are incomplete
        await lane.write(LaneRequest(frames=[frame]))
        message = await lane.read()
        lane.cancel()
    (answer, *_) = message.frames
    return (answer.welcome, None) if answer.HasField("welcome") else (None, answer.go_away)
