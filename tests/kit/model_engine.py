"""The engine over a model cluster in virtual time: nothing leaves the process, and an hour costs nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from borealis_server.adapters.metrics.asking import HttpMetrics
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.memory import MemoryDeploymentStore
from borealis_server.adapters.store.memory_integrations import MemoryIntegrationStore
from borealis_server.adapters.store.memory_previews import MemoryPreviewStore
from borealis_server.domain.errors import AgentUnavailable
from borealis_server.domain.preview import PreviewAddress
from borealis_server.domain.states import ErrandKind
from borealis_server.ports.relay import AgentChange, AgentChangeKind, AgentRef, AgentSession
from borealis_server.services.asking import Asker
from borealis_server.services.deploy_files import DeployFileShelf
from borealis_server.services.deployments import Deployments
from borealis_server.services.errands import open_errands
from borealis_server.services.exposing import ServiceExposer
from borealis_server.services.integrations import Integrations
from borealis_server.services.journal import Journal
from borealis_server.services.judgements import JudgementRunner
from borealis_server.services.previews import Previews, open_previews
from borealis_server.services.queue import open_queue
from borealis_server.services.runner import Runner, open_runner
from borealis_server.services.webhooks import WebhookCaller
from kit.control_plane import ACCOUNT, TENANT, ControlPlane, JumpingClock
from kit.model_kube import ModelKube
from kit.outside import TOKENS, WEB, KnownSecrets, ScriptedOutside
from kit.web import KnownAddresses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from borealis_server.ports.relay import RelayRequest
    from borealis_server.ports.store import DeploymentStore
    from borealis_server.services.errands import ErrandRunner

START = datetime(2026, 1, 1, tzinfo=UTC)
PREVIEWS = PreviewAddress(domain="preview.example.test", port=443)
AGENT = AgentRef(tenant=TENANT, name=ACCOUNT)
POD_S = 1.0
"""How long the model cluster takes for one pod."""


class LoopClock(JumpingClock):
    """The event loop's own time, which `looptime` makes virtual."""

    def now(self) -> datetime:
        """Seconds of the loop since 2026, and what was jumped."""
        return START + timedelta(seconds=asyncio.get_running_loop().time()) + self._ahead


class ModelRelay:
    """The part of `ports.relay.Relay` that the runner uses; agents come and go by hand."""

    def __init__(self) -> None:
        self._here: set[AgentRef] = {AGENT}
        self.answers: deque[Exception | None] = deque([None])
        """How requests to Services end, one after the other, the last one for ever; None is an answer."""
        self._watchers: list[asyncio.Queue[AgentChange]] = []

    def is_connected(self, agent: AgentRef) -> bool:
        """Whether the agent is here."""
        return agent in self._here

    @asynccontextmanager
    async def call(self, agent: AgentRef, _request: RelayRequest) -> AsyncIterator[None]:
        """A request to a Service; nobody looks at its answer."""
        if agent not in self._here:
            raise AgentUnavailable(agent.name, dispatched=False)
        outcome = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if outcome is not None:
            raise outcome
        yield

    def leave(self, agent: AgentRef = AGENT) -> None:
        """The agent goes."""
        self._here.discard(agent)
        self._tell(AgentChangeKind.DISCONNECTED, agent)

    def come(self, agent: AgentRef = AGENT) -> None:
        """The agent comes back."""
        self._here.add(agent)
        self._tell(AgentChangeKind.CONNECTED, agent)

    @asynccontextmanager
    async def watch_agents(self) -> AsyncIterator[AsyncIterator[AgentChange]]:
        """Every coming and going."""
        queue: asyncio.Queue[AgentChange] = asyncio.Queue(maxsize=100)
        self._watchers.append(queue)
        try:
            yield _changes(queue)
        finally:
            self._watchers.remove(queue)

    def _tell(self, kind: AgentChangeKind, agent: AgentRef) -> None:
        session = AgentSession(
            agent=agent,
            session_id="s",
            instance_id="i",
            version="0.1.0",
            connected_at=START,
            last_seen_at=START,
            open_streams=0,
            kubernetes_version="v1.30.0",
        )
        for queue in self._watchers:
            queue.put_nowait(AgentChange(kind=kind, session=session))


async def _changes(queue: asyncio.Queue[AgentChange]) -> AsyncIterator[AgentChange]:
    while True:
        yield await queue.get()


class KnownAgents:
    """One agent, of one tenant, until a test says otherwise."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = (ACCOUNT,)

    async def agent_names(self, tenant: str) -> tuple[str, ...]:
        """The agents that deploy files of the tests name."""
        return self.names if tenant == TENANT else ()

    async def away(self, tenant: str, names: Sequence[str]) -> dict[str, datetime | None]:  # noqa: ARG002 - nobody is
        """Nobody is away."""
        return {}


@dataclass(slots=True, kw_only=True)
class ModelEngine:
    """A world in which a runner can be started, stopped and started again."""

    kube: ModelKube = field(default_factory=ModelKube)
    relay: ModelRelay = field(default_factory=ModelRelay)
    store: DeploymentStore = field(default_factory=MemoryDeploymentStore)
    clock: LoopClock = field(default_factory=LoopClock)
    lanes: int = 32
    errand_limit: int = 256
    runner: Runner | None = None
    agents: KnownAgents = field(default_factory=KnownAgents)
    outside: ScriptedOutside = field(default_factory=ScriptedOutside)
    secrets: KnownSecrets = field(default_factory=KnownSecrets)
    integrations: MemoryIntegrationStore = field(default_factory=MemoryIntegrationStore)
    preview_store: MemoryPreviewStore = field(default_factory=MemoryPreviewStore)
    previews: Previews = field(init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ControlPlane]:
        """A server process over this world: its runner works inside the context."""
        journal = Journal(self.store)
        self.previews = Previews(self.preview_store, journal, self.clock, SystemRandomness(), PREVIEWS)
        async with asyncio.TaskGroup() as group:
            pods = group.create_task(self._work(), name="model cluster")
            try:
                # Any other relay would do: the runner asks it for no calls.
                async with (
                    open_previews(self.previews),
                    open_runner(journal, self.kube, self.relay, self.clock, lanes=self.lanes) as self.runner,  # type: ignore[arg-type]
                    open_errands(journal, self.clock, self.errand_runners(journal), limit=self.errand_limit),
                    open_queue(journal, self.agents, self.clock),
                ):
                    yield self.plane(journal)
            finally:
                pods.cancel()

    def errand_runners(self, journal: Journal) -> dict[ErrandKind, ErrandRunner]:
        """Who runs errands, over machines outside that a test has scripted."""
        shelf = DeployFileShelf(journal.store)
        caller = WebhookCaller(self.outside, shelf, self.secrets, TOKENS, self.clock, web=WEB)
        asker = Asker(self.integrations, self.secrets, HttpMetrics(self.outside), self.clock)
        exposer = ServiceExposer(self.previews, self.kube, self.relay)  # type: ignore[arg-type]  # it makes calls only
        return {
            ErrandKind.CALL_WEBHOOK: caller,
            ErrandKind.ASK_METRICS: JudgementRunner(shelf, asker),
            ErrandKind.EXPOSE_SERVICES: exposer,
        }

    def plane(self, journal: Journal) -> ControlPlane:
        """What callers do, without a runner."""
        asker = Asker(self.integrations, self.secrets, HttpMetrics(self.outside), self.clock)
        deployments = Deployments(
            journal,
            self.agents,
            self.clock,
            SystemRandomness(),
            KnownAddresses(),
            providers=Integrations(self.integrations, asker, self.clock),
        )
        return ControlPlane(deployments=deployments, journal=journal, clock=self.clock, runner=self.runner)

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(POD_S)
            self.kube.advance()
