"""Feeds broken batches to both sides of a tunnel until a time is up: `tests/conformance/fuzz_tunnel.py --minutes 10`.

Looks for exceptions, for streams and bytes above the limits, and for anything left when the tunnel has ended. A run
that fails is named by its seed, so that it can be made again with `--seed N --count 1`.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest
from borealis_wire.errors import LocalProtocolError
from borealis_wire.events import StreamOpened
from borealis_wire.limits import Limits

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from kit.wire import Pair, http, ok

if TYPE_CHECKING:
    from random import Random

    from borealis_wire.tunnel import Tunnel

LIMIT_BYTES: Final = 200 * 2**20
LIMITS: Final = Limits(initial_credit_bytes=4096, scarce_credit_bytes=512, receive_budget_bytes=32_768, max_streams=20)
_SHORT: Final = 100


def main() -> int:
    """Run until the time is up; 1 if anything was found."""
    arguments = _arguments()
    end, seed, found = time.monotonic() + 60 * arguments.minutes, arguments.seed, 0
    while (arguments.count is None or seed < arguments.seed + arguments.count) and time.monotonic() < end:
        try:
            _run(random.Random(seed))  # noqa: S311 - the same run for the same seed
        except Exception:  # noqa: BLE001 - whatever it is, it is what we look for
            found += 1
            sys.stderr.write(f"--seed {seed} --count 1\n{traceback.format_exc()}")
        seed += 1
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found += memory > LIMIT_BYTES
    sys.stdout.write(f"{seed - arguments.seed} runs, {found} problems, most memory {memory >> 20} MiB\n")
    return 1 if found else 0


def _run(chance: Random) -> None:
    """One session in which each side also gets batches that the other never sent."""
    pair = Pair.greeted(LIMITS)
    for now in range(chance.randrange(5, 60)):
        if chance.random() < 0.5:
            _open(pair.server, chance)
        for tunnel, pipe in ((pair.agent, pair.to_agent), (pair.server, pair.to_server)):
            pair.write_to_agent()
            pair.write_to_server()
            batches = [pipe.popleft() for _ in range(len(pipe))] or [_batch(chance)]
            for batch in batches:
                _feed(tunnel, _mutated(batch, chance), float(now), chance)
            _check(tunnel)
    for tunnel in (pair.server, pair.agent):
        tunnel.end()
        assert (tunnel.open_streams, tunnel.buffered_bytes, tunnel.granted_bytes, tunnel.queued_bytes) == (0, 0, 0, 0)


def _open(server: Tunnel, chance: Random) -> None:
    body = chance.randbytes(chance.randrange(6000))
    with suppress(LocalProtocolError):  # it is leaving, or all are open
        server.open(http(priority=chance.randrange(4)), body, ends=chance.random() < 0.7)


def _feed(tunnel: Tunnel, batch: bytes, now: float, chance: Random) -> None:
    tunnel.tick(now)
    for event in tunnel.receive_batch(batch, now):
        stream = getattr(event, "stream_id", 0)
        if isinstance(event, StreamOpened) and stream in tunnel.live_streams:
            tunnel.answer(stream, ok())
            tunnel.send(stream, chance.randbytes(chance.randrange(9000)))
            if chance.random() < 0.8:
                tunnel.half_close(stream)
        size = len(getattr(event, "data", b""))
        if size and chance.random() < 0.8:
            tunnel.consumed(stream, size)


def _check(tunnel: Tunnel) -> None:
    assert tunnel.open_streams <= LIMITS.max_streams
    assert tunnel.buffered_bytes <= tunnel.granted_bytes <= LIMITS.max_streams * LIMITS.initial_credit_bytes


def _batch(chance: Random) -> bytes:
    """Frames that nobody expects."""
    kinds = [field.name for field in pb.Frame.DESCRIPTOR.fields if field.message_type is not None]
    frames = [pb.Frame(stream_id=chance.randrange(50)) for _ in range(chance.randrange(1, 6))]
    for frame in frames:
        getattr(frame, chance.choice(kinds)).SetInParent()
    return LaneRequest(frames=frames).SerializeToString()


def _mutated(batch: bytes, chance: Random) -> bytes:
    """The batch, with a few bytes changed, cut or doubled; every other time as it is."""
    changed = bytearray(batch)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 3))):
        place = chance.randrange(min(len(changed), _SHORT)) if changed else 0
        match chance.randrange(4):
            case 0 if changed:
                changed[place] = chance.randrange(256)
            case 1:
                del changed[place : place + chance.randrange(1, 9)]
            case 2:
                changed[place:place] = changed[place : place + chance.randrange(1, 40)]
            case _:
                changed[place:place] = chance.randbytes(chance.randrange(1, 5))
    return bytes(changed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
