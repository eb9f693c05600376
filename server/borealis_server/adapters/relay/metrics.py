"""What the hub counts: sessions, calls, bytes, and what went wrong. Labels are words of ours, never names."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_server.ports.audit import RelayOutcome
from borealis_server.ports.relay import Priority
from borealis_wire.aio.stats import BATCH_FRAMES, TunnelStats
from borealis_wire.aio.stream import StreamWasReset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

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
        self.tunnels = TunnelStats()
        """What all tunnels of this server do."""
        registry.register(_TunnelCollector(self.tunnels))
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


class _TunnelCollector(Collector):
    """Shows what tunnels counted, when somebody asks: they count every batch, so they count in plain numbers."""

    def __init__(self, stats: TunnelStats) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        stats, prefix = self._stats, "borealis_server_relay_tunnel"
        frames = HistogramMetricFamily(f"{prefix}_batch_frames", "Frames of the batches sent to agents.")
        frames.add_metric([], buckets=_cumulated(stats.batches), sum_value=stats.frames)
        yield frames
        counters = {
            "sent_bytes": ("Bytes of batches sent to agents.", stats.sent_bytes),
            "received_bytes": ("Bytes of batches received from agents.", stats.received_bytes),
            "credit_stall_seconds": ("Time that streams had data and the agent gave no credit.", stats.stalled_s),
            "forgotten_streams": ("Streams that one side held and the other did not.", stats.forgotten_streams),
        }
        for name, (meaning, value) in counters.items():
            yield CounterMetricFamily(f"{prefix}_{name}", meaning, value=value)
        lag_s = stats.take_worst_lag_s()
        yield GaugeMetricFamily(f"{prefix}_loop_lag_seconds", "Longest stop of the event loop lately.", value=lag_s)


def _cumulated(batches: list[int]) -> list[tuple[str, float]]:
    bounds = [str(float(most)) for most in BATCH_FRAMES[:-1]] + ["+Inf"]
    return list(zip(bounds, accumulate(map(float, batches)), strict=True))
