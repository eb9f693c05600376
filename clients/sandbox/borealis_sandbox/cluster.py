"""One simulated cluster: joins store, API, controllers and web server, and starts and stops them in order."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import tempfile
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from aiohttp import web

from borealis_sandbox import kinds
from borealis_sandbox.api import Api, Write
from borealis_sandbox.clock import SimulatedClock
from borealis_sandbox.controllers.daemonsets import DaemonSetController
from borealis_sandbox.controllers.definitions import DefinitionController
from borealis_sandbox.controllers.deployments import DeploymentController
from borealis_sandbox.controllers.endpoints import EndpointsController
from borealis_sandbox.controllers.garbage import GarbageCollector
from borealis_sandbox.controllers.jobs import JobController
from borealis_sandbox.controllers.loop import Controller, ControllerLoop
from borealis_sandbox.controllers.namespaces import NamespaceController
from borealis_sandbox.controllers.pods import PodController
from borealis_sandbox.controllers.quotas import QuotaController
from borealis_sandbox.controllers.replicasets import ReplicaSetController
from borealis_sandbox.controllers.statefulsets import StatefulSetController
from borealis_sandbox.events import EventRecorder
from borealis_sandbox.kubeconfig import render_kubeconfig
from borealis_sandbox.objects import timestamp
from borealis_sandbox.pki import Authority, KeyPair
from borealis_sandbox.routes import Routes
from borealis_sandbox.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOST = "127.0.0.1"
_NAMESPACES = ("default", "kube-system", "kube-public")
_NODE = "sandbox-node"
_SHUTDOWN_LIMIT_S = 1.0
_MANAGER = "borealis-sandbox"


class SandboxCluster:
    """A context manager: inside it the API answers on 127.0.0.1, after it nothing of it runs.

    Everything is in memory and on the event loop that entered it.
    """

    def __init__(self, *, speed: float = 1.0, port: int = 0) -> None:
        """`speed`: simulated seconds per real second; `port`: where to listen, 0 for any free port."""
        self.token = secrets.token_urlsafe(24)
        self._authority = Authority("borealis sandbox")
        self._port = port
        self._storage = Storage()
        self._api = Api(self._storage)
        self._clock = SimulatedClock(speed=speed)
        self._running = AsyncExitStack()

    @property
    def url(self) -> str:
        """Where the API answers."""
        return f"https://{_HOST}:{self._port}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate that a client must trust."""
        return self._authority.certificate_pem

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig for this cluster to `path`, readable by its owner only, and give `path` back."""
        text = render_kubeconfig(name="borealis-sandbox", url=self.url, token=self.token, ca_pem=self.ca_pem)
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    async def __aenter__(self) -> Self:
        self._furnish()
        async with AsyncExitStack() as stack:
            group = await stack.enter_async_context(asyncio.TaskGroup())
            tasks = [
                group.create_task(
                    ControllerLoop(controller, self._storage, self._clock).run(), name=type(controller).__name__
                )
                for controller in self._controllers()
            ]
            stack.callback(_cancel, tasks)
            await self._serve(stack)
            self._running = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    def _controllers(self) -> tuple[Controller, ...]:
        events = EventRecorder(self._api)
        pods = PodController(self._api, self._clock, events)
        return (
            NamespaceController(self._api, ca_pem=self.ca_pem),
            DeploymentController(self._api, self._clock, events),
            ReplicaSetController(self._api, pods, events),
            pods,
            EndpointsController(self._api),
            StatefulSetController(self._api, events),
            DaemonSetController(self._api, events),
            JobController(self._api, self._clock),
            DefinitionController(self._api, self._clock),
            QuotaController(self._api),
            GarbageCollector(self._api),
        )

    def _furnish(self) -> None:
        """What every cluster has from the start."""
        write = Write(manager=_MANAGER)
        for name in _NAMESPACES:
            self._api.create(kinds.NAMESPACE, "", {"metadata": {"name": name}}, write)
        labels = {"kubernetes.io/hostname": _NODE, "kubernetes.io/os": "linux"}
        node = self._api.create(kinds.NODE, "", {"metadata": {"name": _NODE, "labels": labels}, "spec": {}}, write)
        ready = {"type": "Ready", "status": "True", "reason": "Simulated", "lastTransitionTime": timestamp()}
        self._api.set_status(kinds.NODE, node, {"conditions": [ready]}, manager=_MANAGER)

    async def _serve(self, stack: AsyncExitStack) -> None:
        routes = Routes(self._api, token=self.token)
        # A watch ends with its client.
        runner = web.AppRunner(
            routes.application(), access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_LIMIT_S
        )
        await runner.setup()
        stack.push_async_callback(self._stop_serving, runner)
        certificate = self._authority.issue([_HOST, "localhost"])
        site = web.TCPSite(runner, _HOST, self._port, ssl_context=_tls(certificate))
        await site.start()
        self._port = int(runner.addresses[0][1])

    async def _stop_serving(self, runner: web.AppRunner) -> None:
        """End watches, let other requests finish, and leave no connection behind."""
        self._storage.end()
        connections = runner.server.connections if runner.server else []
        transports = [each.transport for each in connections if each.transport is not None]
        await runner.cleanup()
        # A client that is gone never answers the polite end of TLS, and its socket would stay open.
        for transport in transports:
            with suppress(AttributeError):  # until Python 3.11.3, raised by a TLS transport that is closed already
                transport.abort()
        await asyncio.sleep(0)


def _tls(certificate: KeyPair) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # The ssl module reads certificates from files only.
    with tempfile.TemporaryDirectory() as folder:
        chain, key = Path(folder, "server.crt"), Path(folder, "server.key")
        chain.write_bytes(certificate.certificate_pem)
        key.write_bytes(certificate.key_pem)
        context.load_cert_chain(chain, key)
    return context


def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
