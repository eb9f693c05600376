"""A running tunnel: moves frames between a lane and the protocol, and notices when the peer is gone.

Owns the three tasks of a lane. A pending read is never cancelled while the tunnel lives: with gRPC that ends the lane.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from borealis_wire.aio.cancels import pending_cancels, take_back_cancels
from borealis_wire.aio.lane import LaneLost
from borealis_wire.aio.stats import TunnelStats
from borealis_wire.aio.stream import LiveStream, StreamWasReset, TunnelLost
from borealis_wire.errors import LocalProtocolError
from borealis_wire.events import (
    DataReceived,
    Event,
    HalfClosed,
    PongReceived,
    SessionViolated,
    StreamAnswered,
    StreamOpened,
    StreamReset,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from borealis.tunnel.v1 import tunnel_pb2 as pb
    from borealis_wire.aio.lane import Lane
    from borealis_wire.tunnel import Tunnel


_LEAST_PAUSE_S: Final = 0.01
_LEAST_FACTOR: Final = 0.8
_FACTOR_SPREAD: Final = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a running tunnel asks for a sign of life, and when it gives up.

    Units: seconds.
    """

    ping_interval_s: float = 15.0
    """Silence after which the peer is asked for a sign of life; each time up to a fifth more or less."""
    dead_after_s: float = 30.0
    """Silence after which the tunnel is lost."""
    write_limit_s: float = 20.0
    """How long the lane may take to accept one batch."""
    live_interval_s: float = 30.0
    """How often both sides compare which streams are live."""
    finish_limit_s: float = 0.0
    """How long the peer may take to end its side after this side has ended; 0 if this side's end ends the lane."""


class _Ended(Exception):  # noqa: N818 - it ends the tasks of the tunnel, nothing is wrong
    """Stops the tasks of a tunnel; the text says why it ended."""


class LiveTunnel:
    """One tunnel over one lane.

    Shape: events of streams go to their streams; everything else goes to `on_event`, streams that the peer opens to
    `on_open`. Both are called from the reader and must not wait.
    """

    def __init__(
        self,
        tunnel: Tunnel,
        lane: Lane,
        *,
        on_event: Callable[[Event], None],
        on_open: Callable[[LiveStream, pb.Open], None] | None = None,
        timing: Timing | None = None,
        stats: TunnelStats | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.core = tunnel
        self.timing = timing or Timing()
        """May be replaced while the tunnel runs."""
        self.stats = stats or TunnelStats()
        """What it has done; may be shared with other tunnels."""
        self.loop = asyncio.get_running_loop()
        """The loop that runs it."""
        self._chance = chance
        self._lane = lane
        self._on_event = on_event
        self._on_open = on_open
        self._streams: dict[int, LiveStream] = {}
        self._paused: dict[int, LiveStream] = {}
        self._output = asyncio.Event()
        self._closing: str | None = None
        self._is_over = False
        self._idle: asyncio.Event | None = None
        self._write_began_at: float | None = None
        self._pings = 0
        self._ping_sent_at: float | None = None
        self._ping_factor = 1.0
        self._forgotten = 0
        self._lag_s = 0.0  # how long the loop stood still since the peer was heard
        self._handlers: dict[type[Event], Callable[[Any], None]] = {  # Any: the event of that type
            StreamAnswered: self._on_answered,
            DataReceived: self._on_data,
            HalfClosed: self._on_half_closed,
            StreamReset: self._on_reset,
            StreamOpened: self._on_opened,
            PongReceived: self._on_pong,
            SessionViolated: self._on_violated,
        }
        self.last_received_at = self.loop.time()
        """When the last batch came, by the clock of the event loop."""
        self.last_round_trip_s = 0.0
        """How long the last ping and its answer took; 0 while none was measured."""

    async def run(self) -> str:
        """Carry the tunnel until it ends; says why it did. All its streams have ended then."""
        detail = "cancelled"
        cancels = pending_cancels()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(), name="tunnel.read")
                tasks.create_task(self._write(), name="tunnel.write")
                tasks.create_task(self._watch(), name="tunnel.watch")
        except* _Ended as ended:
            detail = str(ended.exceptions[0])
        finally:
            self._end_streams(detail)
        take_back_cancels(cancels)
        return detail

    def close(self, detail: str) -> None:
        """Send what can be sent, then end the tunnel."""
        if self._closing is None:
            self._closing = detail
        self._output.set()

    def flush(self) -> None:
        """Let the writer look for frames; needed after calls to `core`."""
        self._output.set()

    @property
    def is_ending(self) -> bool:
        """Whether the tunnel has ended or is about to."""
        return self._is_over or self._closing is not None

    @property
    def streams(self) -> int:
        """Streams that some task still uses, or that are open."""
        return max(len(self._streams), self.core.open_streams)

    def open(self, request: pb.Open, body: bytes = b"", *, ends: bool = True) -> LiveStream:
        """Open a stream and send `body` on it; `ends` says whether that is all of this side's data.

        Errors: LocalProtocolError if the tunnel takes no new streams.
        """
        if self.is_ending:
            raise LocalProtocolError("the tunnel has ended")
        stream = LiveStream(self, self.core.open(request, body, ends=ends))
        stream.sent_bytes = len(body)
        self._streams[stream.id] = stream
        self._output.set()
        return stream

    async def idle(self) -> None:
        """Wait until no stream is open or in use."""
        while self.streams:
            self._idle = self._idle or asyncio.Event()
            self._idle.clear()
            await self._idle.wait()

    # Used by streams

    def answer(self, stream_id: int, opened: pb.Opened) -> None:
        """Answer a stream."""
        self.core.answer(stream_id, opened)
        self._output.set()

    def send(self, stream_id: int, data: bytes) -> None:
        """Queue data of a stream."""
        self.core.send(stream_id, data)
        self._output.set()

    def half_close(self, stream_id: int, trailers: Iterable[pb.HttpHeader]) -> None:
        """Queue the end of a stream's data."""
        self.core.half_close(stream_id, trailers)
        self._output.set()

    def reset(self, stream_id: int, code: pb.Reset.Code, detail: str, *, dispatched: bool) -> None:
        """End a stream at once."""
        self.core.reset(stream_id, code, detail, dispatched=dispatched)
        self._output.set()

    def end_if_open(self, stream_id: int) -> None:
        """Queue the end of a stream's data, unless it was queued or the stream has ended."""
        if self.core.is_writable(stream_id):
            self.half_close(stream_id, ())

    def abort(self, stream_id: int, code: pb.Reset.Code, detail: str) -> bool:
        """End a stream at once; says whether it was open."""
        was_open = self.core.reset(stream_id, code, detail)
        self._output.set()
        return was_open

    def abort_all(self, code: pb.Reset.Code, detail: str) -> None:
        """End all streams at once, for whoever waits on this side too."""
        for stream in tuple(self._streams.values()):
            stream.abort(code, detail)

    def consumed(self, stream_id: int, size_bytes: int) -> None:
        """Return credit for data that was taken."""
        self.core.consumed(stream_id, size_bytes)
        if self.core.has_output:
            self._output.set()

    def room(self, stream_id: int) -> int:
        """Bytes that a stream's sender should add now."""
        return self.core.room(stream_id)

    def pause(self, stream: LiveStream) -> None:
        """Call `stream.on_room` when there is room again."""
        self._paused[stream.id] = stream

    def forget(self, stream_id: int) -> None:
        """Nobody uses a stream any more: cancel it, unless only its last data must still go out."""
        self._paused.pop(stream_id, None)
        if self._streams.pop(stream_id, None) is not None:
            self.core.release(stream_id)
            self._output.set()
            self._tell_idle()

    # Tasks

    async def _read(self) -> None:
        core, stats, handlers = self.core, self.stats, self._handlers
        while True:
            try:
                batch = await self._lane.read()
            except LaneLost as error:
                raise _Ended(str(error)) from error
            if batch is None:
                raise _Ended(self._closing or "the peer ended the tunnel")
            now = self.last_received_at = self.loop.time()
            stats.received_bytes += len(batch)
            for event in core.receive_batch(batch, now):
                handlers.get(type(event), self._on_event)(event)
            if core.wants_round_trip and self._ping_sent_at is None:
                self._ping(now)
            if core.has_output:
                self._output.set()
            self._tell_idle()

    async def _write(self) -> None:
        while True:
            await self._output.wait()
            self._output.clear()
            if len(self._streams) > 1:  # let frames gather: a message costs the same for one frame as for many
                await asyncio.sleep(0)
            try:
                await self._write_all()
                if self._closing is not None:
                    await self._finish(self._closing)
            except LaneLost as error:
                raise _Ended(str(error)) from error

    async def _write_all(self) -> None:
        core = self.core
        before = core.frames_taken
        while batch := core.take_batch():
            self._write_began_at = self.loop.time()
            await self._lane.write(batch)
            self._write_began_at = None
            self.stats.count_batch(core.frames_taken - before, len(batch))
            if self._paused:
                self._resume()
            self._tell_idle()
            before = core.frames_taken

    def _resume(self) -> None:
        """Let senders go on that wait for room."""
        for stream in [stream for stream in self._paused.values() if self.core.room(stream.id)]:
            del self._paused[stream.id]
            stream.on_room()

    async def _finish(self, detail: str) -> NoReturn:
        self._write_began_at = self.loop.time()
        await self._lane.finish()
        self._write_began_at = None
        await asyncio.sleep(self.timing.finish_limit_s)  # the reader ends the tunnel earlier if the peer does
        raise _Ended(detail)

    async def _watch(self) -> None:
        """Watchdog: must not depend on the writer, which may be the one that hangs."""
        looked_at = compared_at = self.loop.time()
        while True:
            pause_s = self._pause_s(looked_at)
            await asyncio.sleep(pause_s)
            now = self.loop.time()
            lag_s = max(0.0, now - looked_at - pause_s)
            self.stats.worst_lag_s = max(self.stats.worst_lag_s, lag_s)
            self._lag_s = lag_s if self.last_received_at > looked_at else self._lag_s + lag_s
            self._check_life(now)
            self._check_streams(now, now - looked_at)
            looked_at = now
            if now - compared_at >= self.timing.live_interval_s and self.core.has_live_news:
                compared_at = now
                self.core.announce_live()
                self._output.set()

    def _pause_s(self, now: float) -> float:
        """How long there is surely nothing to notice: a dead peer is given up when it is due, not a look later."""
        pause_s = min(self.timing.ping_interval_s, self.timing.dead_after_s) / 5
        due_s = self.last_received_at + self.timing.dead_after_s + self._lag_s - now
        if self._write_began_at is not None:
            due_s = min(due_s, self._write_began_at + self.timing.write_limit_s + self._lag_s - now)
        return max(_LEAST_PAUSE_S, min(pause_s, due_s))

    def _check_life(self, now: float) -> None:
        silent_s = now - self.last_received_at
        # while this process did not run it could not hear either: what came meanwhile has yet to be read
        if silent_s - self._lag_s >= self.timing.dead_after_s:
            raise _Ended(f"no sign of life for {silent_s:.0f} s")
        if self._write_began_at is not None and now - self._write_began_at - self._lag_s >= self.timing.write_limit_s:
            raise _Ended(f"nothing could be sent for {self.timing.write_limit_s:.0f} s")
        if silent_s >= self.timing.ping_interval_s * self._ping_factor:
            self._ping(now)

    def _check_streams(self, now: float, since_s: float) -> None:
        """Count and, in the end, give up streams that the peer does not let go on."""
        core, stats = self.core, self.stats
        forgotten = core.forgotten_streams
        for event in core.tick(now):
            self._handlers[type(event)](event)
            self._output.set()
        stats.stalled_s += since_s * core.stalled_streams
        stats.forgotten_streams += forgotten - self._forgotten
        self._forgotten = forgotten

    def _ping(self, now: float) -> None:
        self._pings += 1
        self._ping_sent_at = now
        self._ping_factor = _LEAST_FACTOR + _FACTOR_SPREAD * self._chance()
        self.core.ping(self._pings)
        self._output.set()

    def _on_pong(self, event: PongReceived) -> None:
        if event.nonce == self._pings and self._ping_sent_at is not None:
            self.last_round_trip_s = self.last_received_at - self._ping_sent_at
            self._ping_sent_at = None
            self.core.measured(self.last_round_trip_s)
            self._on_event(event)

    def _on_opened(self, event: StreamOpened) -> None:
        stream = LiveStream(self, event.stream_id)
        self._streams[stream.id] = stream
        assert self._on_open is not None, "only agents are opened to"  # noqa: S101 - an invariant of ours
        self._on_open(stream, event.open)

    def _on_answered(self, event: StreamAnswered) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.on_answer(event.opened)

    def _on_data(self, event: DataReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.on_data(event.data)

    def _on_half_closed(self, event: HalfClosed) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.on_end(event.trailers)

    def _on_reset(self, event: StreamReset) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is not None:
            stream.on_error(
                StreamWasReset(event.code, event.detail, dispatched=event.dispatched, by_peer=event.by_peer)
            )

    def _on_violated(self, event: SessionViolated) -> None:
        self.close(f"the peer broke the protocol: {event.detail}")
        self._on_event(event)

    def _tell_idle(self) -> None:
        if self._idle is not None and not self.streams:
            self._idle.set()

    def _end_streams(self, detail: str) -> None:
        self._is_over = True
        for lost in self.core.end():
            stream = self._streams.get(lost.stream_id)
            if stream is not None:
                stream.on_error(TunnelLost(detail, dispatched=lost.dispatched))
