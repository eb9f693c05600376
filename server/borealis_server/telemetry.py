"""Logs and metrics: how they are set up, and the one object that holds the metrics.

Owns their form. What is logged and counted is said where it happens.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from structlog.typing import Processor

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def set_up_logging(*, level: Literal["debug", "info", "warning", "error"], form: Literal["text", "json"]) -> None:
    """Send structured events to standard error, and what libraries log along with them."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    rendering = renderers(form, colors=sys.stderr.isatty())
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=max(_LEVELS[level], logging.WARNING), force=True)


def renderers(form: Literal["text", "json"], *, colors: bool) -> list[Processor]:
    """What turns an event into a line. Tracebacks show code and never values: those may be secrets."""
    if form == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback  # the default prints local variables where it finds a library for it
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


class ServerMetrics:
    """The server's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rpcs = Counter(
            "borealis_server_rpcs",
            "RPCs that ended, by method and gRPC status.",
            ["method", "status"],
            registry=self.registry,
        )
        self.rpc_duration = Histogram(
            "borealis_server_rpc_duration_seconds",
            "Time from the first byte of an RPC to its end, streams included.",
            ["method"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600),
            registry=self.registry,
        )
        self.rpcs_in_progress = Gauge(
            "borealis_server_rpcs_in_progress", "RPCs that have not ended.", ["method"], registry=self.registry
        )
        self.commits = Histogram(
            "borealis_server_store_commit_operations",
            "Operations that shared one durable commit.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=self.registry,
        )

        self.audit_entries = Counter(
            "borealis_server_audit_entries",
            "Entries of the audit of relayed calls, by whether they were written or lost.",
            ["result"],
            registry=self.registry,
        )

    def render(self) -> bytes:
        """Every metric in the text format of Prometheus."""
        return generate_latest(self.registry)
