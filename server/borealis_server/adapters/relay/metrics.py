"""What the hub counts: sessions, calls, bytes, and what went wrong. Labels are words of ours, never names."""

from __future__ import annotations

from bisect import bisect_left
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
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client import Metric

    from borealis_wire.aio.stream import StreamError

MODES: Final = ("http", "upgrade", "tcp")
"""Ways to use a stream, as in `Open.request`."""
_PREFIX: Final = "borealis_server_relay"
_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class RelayMetrics:
    """The hub's metrics."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = registry = registry or CollectorRegistry()
        self._calls = {(mode, outcome): 0 for mode in MODES for outcome in RelayOutcome}
        self._bytes = {priority: [0, 0] for priority in Priority}
        self._answers = [0] * (len(_SECONDS) + 1)
        self._answers_s = 0.0
        registry.register(_Collected(self._collect_calls))
        self.refused = Counter(
            f"{_PREFIX}_refused", "Calls above a limit of ours, by limit.", ["limit"], registry=registry
        )
        self.retries = Counter(
            f"{_PREFIX}_retries", "Calls that were sent again, or waited for an agent.", ["why"], registry=registry
        )
        self.resets = Counter(
            f"{_PREFIX}_resets",
            "Streams that ended early, by code and by whose will.",
            ["code", "by"],
            registry=registry,
        )
        self.tunnels_ended = Counter(
            f"{_PREFIX}_tunnels_ended", "Tunnels that ended, by cause.", ["cause"], registry=registry
        )
        self.token_refreshes = Counter(
            f"{_PREFIX}_token_refreshes", "Tokens that agents renewed in band.", ["accepted"], registry=registry
        )
        self.tunnels = TunnelStats()
        """What all tunnels of this server do."""
        registry.register(_Collected(self._collect_tunnels))
        self.round_trip = Histogram(
            f"{_PREFIX}_ping_seconds", "Round trips of pings.", buckets=_SECONDS, registry=registry
        )

    def count_answer(self, after_s: float) -> None:
        """A call has the head of its answer."""
        self._answers[bisect_left(_SECONDS, after_s)] += 1
        self._answers_s += after_s

    def count_call(
        self, mode: str, outcome: RelayOutcome, priority: Priority, sent_bytes: int, received_bytes: int
    ) -> None:
        """A call has ended."""
        self._calls[mode, outcome] += 1
        counts = self._bytes[priority]
        counts[0] += sent_bytes
        counts[1] += received_bytes

    def count_reset(self, failure: StreamError) -> None:
        """A stream ended early."""
        if isinstance(failure, StreamWasReset):
            code = pb.Reset.Code.Name(failure.code).removeprefix("CODE_").lower()
            self.resets.labels(code, "peer" if failure.by_peer else "server").inc()
        else:
            self.resets.labels("tunnel_lost", "nobody").inc()

    def observe(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Show what `value` says whenever somebody looks."""
        Gauge(f"{_PREFIX}_{name}", meaning, registry=self._registry).set_function(value)

    def _collect_calls(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            f"{_PREFIX}_calls", "Relayed calls that ended, by kind and outcome.", labels=["mode", "outcome"]
        )
        for (mode, outcome), count in self._calls.items():
            calls.add_metric([mode, outcome.value], count)
        yield calls
        sizes = CounterMetricFamily(
            f"{_PREFIX}_bytes", "Bytes of bodies and connections.", labels=["direction", "priority"]
        )
        for priority, counts in self._bytes.items():
            for direction, size in zip(("sent", "received"), counts, strict=True):
                sizes.add_metric([direction, priority.name.lower()], size)
        yield sizes
        answers = HistogramMetricFamily(
            f"{_PREFIX}_open_duration_seconds",
            "Time from a call to the head of its answer, waits and repetitions included.",
        )
        answers.add_metric([], buckets=_buckets(_SECONDS, self._answers), sum_value=self._answers_s)
        yield answers

    def _collect_tunnels(self) -> Iterator[Metric]:
        stats, prefix = self.tunnels, f"{_PREFIX}_tunnel"
        frames = HistogramMetricFamily(f"{prefix}_batch_frames", "Frames of the batches sent to agents.")
        frames.add_metric([], buckets=_buckets(BATCH_FRAMES[:-1], stats.batches), sum_value=stats.frames)
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


class _Collected(Collector):
    """Metrics that are made when somebody asks: what every call and batch touches is counted in plain numbers."""

    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        return self._collect()


def _buckets(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Counts below each bound, the last of which is infinity."""
    names = [*(str(float(bound)) for bound in bounds), "+Inf"]
    return list(zip(names, accumulate(map(float, counts)), strict=True))
