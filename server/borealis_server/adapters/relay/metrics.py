"""What the hub counts: sessions, calls, bytes, and what went wrong. Labels are words of ours, never names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.ports.audit import RelayOutcome
from borealis_server.ports.relay import Priority
from borealis_wire.aio.stream import StreamWasReset

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_wire.aio.stream import StreamError

MODES: Final = ("http", "upgrade", "tcp")
"""Ways to use a stream, as in `Open.request`."""
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class RelayMetrics:
    """The hub's metrics. Counters that every call touches are looked up once."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = registry = registry or CollectorRegistry()
        prefix = "borealis_server_relay"
        self._calls = Counter(
            f"{prefix}_calls", "Relayed calls that ended, by kind and outcome.", ["mode", "outcome"], registry=registry
        )
        self.calls = {(mode, one): self._calls.labels(mode, one.value) for mode in MODES for one in RelayOutcome}
        """Of each mode and outcome."""
        self.open_duration = Histogram(
            f"{prefix}_open_duration_seconds",
            "Time from a call to the head of its answer, waits and repetitions included.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._bytes = Counter(
            f"{prefix}_bytes", "Bytes of bodies and connections.", ["direction", "priority"], registry=registry
        )
        self.sent_bytes = {one: self._bytes.labels("sent", one.name.lower()) for one in Priority}
        """Of each priority."""
        self.received_bytes = {one: self._bytes.labels("received", one.name.lower()) for one in Priority}
        """Of each priority."""
        self.refused = Counter(
            f"{prefix}_refused", "Calls above a limit of ours, by limit.", ["limit"], registry=registry
        )
        self.retries = Counter(
            f"{prefix}_retries", "Calls that were sent again, or waited for an agent.", ["why"], registry=registry
        )
        self.resets = Counter(
            f"{prefix}_resets",
            "Streams that ended early, by code and by whose will.",
            ["code", "by"],
            registry=registry,
        )
        self.tunnels_ended = Counter(
            f"{prefix}_tunnels_ended", "Tunnels that ended, by cause.", ["cause"], registry=registry
        )
        self.token_refreshes = Counter(
            f"{prefix}_token_refreshes", "Tokens that agents renewed in band.", ["accepted"], registry=registry
        )
        self.round_trip = Histogram(
            f"{prefix}_ping_seconds", "Round trips of pings.", buckets=_SECONDS, registry=registry
        )

    def count_reset(self, failure: StreamError) -> None:
        """A stream ended early."""
        if isinstance(failure, StreamWasReset):
            code = pb.Reset.Code.Name(failure.code).removeprefix("CODE_").lower()
            self.resets.labels(code, "peer" if failure.by_peer else "server").inc()
        else:
            self.resets.labels("tunnel_lost", "nobody").inc()

    def observe(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Show what `value` says whenever somebody looks."""
        Gauge(f"borealis_server_relay_{name}", meaning, registry=self._registry).set_function(value)
