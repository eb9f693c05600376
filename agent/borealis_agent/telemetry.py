"""Log lines and metrics of the agent: how they look, and which there are."""

from __future__ import annotations

import logging
import sys

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge


def configure_logging(*, log_format: str, level: str) -> None:
    """Write log lines to standard error, as text for people or as JSON."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if log_format == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class AgentMetrics:
    """What the agent counts. One object, passed to who counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.connected = Gauge("borealis_agent_connected", "1 while a tunnel is up.", registry=self.registry)
        self.streams = Gauge("borealis_agent_streams", "Requests being relayed.", registry=self.registry)
        self.relayed = Counter(
            "borealis_agent_relayed",
            "Requests that were relayed, by how they ended.",
            ["result"],
            registry=self.registry,
        )
        self.relayed_ok = self.relayed.labels("ok")
        moved = Counter(
            "borealis_agent_bytes",
            "Bytes of bodies and connections that were relayed.",
            ["direction"],
            registry=self.registry,
        )
        self.to_target_bytes = moved.labels("to_target")
        self.from_target_bytes = moved.labels("from_target")
        self.attempts = Counter(
            "borealis_agent_connects",
            "Attempts to reach the server, by how they ended.",
            ["result"],
            registry=self.registry,
        )
