"""Builds the agent from its settings, runs it and stops it in order. The only module that knows all the others."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog
import uvloop

from borealis_agent.failures import Cause, LinkFailure
from borealis_agent.health import HealthPages, open_health_pages
from borealis_agent.link import Link, Offer
from borealis_agent.settings import AgentSettings, LinkSettings, SettingsFault, load_settings
from borealis_agent.streams import StreamServer
from borealis_agent.targets.kube import KubeTarget, KubeUnconfigured, open_kube_target
from borealis_agent.telemetry import AgentMetrics, configure_logging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

log = structlog.get_logger(__name__)

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_SETTINGS: Final = 2
EXIT_CREDENTIAL: Final = 4


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the agent as a program; says its exit status."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings(
            credentials_file=options.credentials_file,
            kubeconfig=options.kubeconfig,
            context=options.context,
        )
        if options.check_settings:
            print(json.dumps(settings.model_dump(mode="json"), indent=2))  # noqa: T201 - it is the answer
            settings.link()
            return EXIT_OK
        link_settings = settings.link()
    except SettingsFault as fault:
        print(fault, file=sys.stderr)  # noqa: T201 - logging is not configured yet
        return EXIT_SETTINGS
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, link_settings, once=options.once))


async def _run(settings: AgentSettings, link_settings: LinkSettings, *, once: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with open_agent(settings, link_settings) as link:
            if not once:
                await link.keep(stop)
            else:
                end = await link.hold(stop)
                log.info("tunnel.ended", cause=end.detail)
    except KubeUnconfigured as error:
        log.error("kube.unconfigured", cause=str(error))  # noqa: TRY400 - the cause is one line
        return EXIT_SETTINGS
    except LinkFailure as failure:
        log.error("tunnel.failed", cause=str(failure))  # noqa: TRY400 - the cause is one line
        return EXIT_CREDENTIAL if failure.cause is Cause.CREDENTIAL else EXIT_FAILED
    except OSError as error:
        log.error("agent.failed", cause=str(error))  # noqa: TRY400 - the cause is one line
        return EXIT_FAILED
    log.info("agent.stopped")
    return EXIT_OK


@asynccontextmanager
async def open_agent(settings: AgentSettings, link_settings: LinkSettings) -> AsyncIterator[Link]:
    """The agent, ready to hold its link; its targets and pages are closed with the context.

    Errors: KubeUnconfigured; OSError if the address of the health pages cannot be used.
    """
    metrics = AgentMetrics()
    async with open_kube_target(
        kubeconfig=settings.kubeconfig,
        context=settings.context,
        path_prefixes=settings.kube_path_prefixes,
    ) as kube:
        link = _link(settings, link_settings, kube, metrics)
        async with open_health_pages(HealthPages(link, metrics), settings.health_address) as address:
            if address:
                log.info("health.listening", address=address)
            yield link


def _link(settings: AgentSettings, link_settings: LinkSettings, kube: KubeTarget, metrics: AgentMetrics) -> Link:
    policy = json.dumps({"kube": {"paths": settings.kube_path_prefixes}}, sort_keys=True)
    return Link(
        link_settings,
        StreamServer({"kube": kube}, metrics),
        metrics,
        max_streams=settings.max_streams,
        offer=Offer(
            targets=("kube",),
            policy_digest=hashlib.sha256(policy.encode()).hexdigest(),
            kubernetes_version=kube.version,
        ),
        chance=random.random,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="borealis-agent",
        description="Dials a Borealis server from a cluster and relays its calls to the Kubernetes API.",
        epilog="Every setting is an environment variable with the prefix BOREALIS_AGENT_; see --check-settings.",
    )
    parser.add_argument("--credentials-file", help="file written by `borealis agent create`")
    parser.add_argument("--kubeconfig", help="kubeconfig file; default: the pod's ServiceAccount, else ~/.kube/config")
    parser.add_argument("--context", help="context in the kubeconfig file; default: its current context")
    parser.add_argument("--once", action="store_true", help="make one tunnel and end with it; exit status 4 if refused")
    parser.add_argument("--check-settings", action="store_true", help="print the settings without secrets, and end")
    return parser
