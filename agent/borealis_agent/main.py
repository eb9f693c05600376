"""Builds the agent from its settings, runs it and stops it in order. The only module that knows all the others."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import resource
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog
import uvloop

from borealis_agent.failures import Cause, LinkFailure
from borealis_agent.health import HealthPages, open_health_pages
from borealis_agent.link import Link, Offer
from borealis_agent.settings import AgentSettings, LinkSettings, SettingsFault, load_settings
from borealis_agent.streams import StreamServer
from borealis_agent.targets.catalog import Catalog
from borealis_agent.targets.kube import open_kube_target
from borealis_agent.targets.kube_credentials import KubeUnconfigured
from borealis_agent.telemetry import AgentMetrics, configure_logging

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from borealis_agent.targets.policy import Policy

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
            settings.link(), settings.policy()
            return EXIT_OK
        link_settings, policy = settings.link(), settings.policy()
    except SettingsFault as fault:
        print(fault, file=sys.stderr)  # noqa: T201 - logging is not configured yet
        return EXIT_SETTINGS
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    _take_file_descriptors()
    gc.freeze()  # code stays for good: looking through it again and again would stop the loop each time
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_run(settings, link_settings, policy, once=options.once))


def _take_file_descriptors() -> None:
    """Use as many file descriptors as we may: every call to a target needs one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run(settings: AgentSettings, link_settings: LinkSettings, policy: Policy, *, once: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with open_agent(settings, link_settings, policy) as link:
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
async def open_agent(settings: AgentSettings, link_settings: LinkSettings, policy: Policy) -> AsyncIterator[Link]:
    """The agent, ready to hold its link; its targets and pages are closed with the context.

    Errors: KubeUnconfigured; OSError if the address of the health pages cannot be used.
    """
    metrics = AgentMetrics()
    async with open_targets(settings, policy) as (catalog, version):
        link = Link(
            link_settings,
            StreamServer(catalog, metrics),
            metrics,
            max_streams=settings.max_streams,
            offer=Offer(targets=policy.names, policy_digest=policy.digest, kubernetes_version=version),
            chance=random.random,
        )
        async with open_health_pages(HealthPages(link, metrics), settings.pages_address()) as address:
            if address:
                log.info("health.listening", address=address)
            yield link


@asynccontextmanager
async def open_targets(
    settings: AgentSettings, policy: Policy
) -> AsyncIterator[tuple[Catalog, Callable[[], Awaitable[str]]]]:
    """The targets of an allow-list, and what asks the Kubernetes API for its version.

    Errors: KubeUnconfigured.
    """
    async with AsyncExitStack() as stack:
        kube = None
        if policy.kube is not None:
            opened = open_kube_target(
                kubeconfig=settings.kubeconfig, context=settings.context, impersonates=policy.kube.impersonate
            )
            kube = await stack.enter_async_context(opened)
        catalog = Catalog(
            policy, kube=kube, https_proxy=settings.https_proxy.get_secret_value(), no_proxy=settings.no_proxy
        )
        stack.callback(catalog.close)
        yield catalog, kube.version if kube is not None else _no_version


async def _no_version() -> str:
    """An agent without a Kubernetes API has no version of it."""
    return ""


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
