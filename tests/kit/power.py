"""A server whose plug is pulled at a chosen write: what it has committed stays, and it does nothing more.

Nothing is closed or told. The next life starts from the database files as they were in that moment.
"""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from borealis_server.adapters.randomness import CountingRandomness
from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.services.deployments import Deployments
from borealis_server.services.journal import Journal
from borealis_server.services.runner import open_runner
from kit.control_plane import ControlPlane, JumpingClock
from kit.model_engine import POD_S, KnownAgents, LoopClock, ModelRelay
from kit.model_kube import ModelKube
from kit.web import KnownAddresses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

_CLUSTER_WRITES = frozenset({"apply", "create", "patch", "delete"})
_STORE_WRITES = frozenset({"insert", "update"})
_FILES = ("store.db", "store.db-wal")


@dataclass
class Plug:
    """Counts writes once it is armed; at number `pull_at` the power goes. 0 never pulls."""

    folder: Path
    """Where the database of this life is."""
    next_folder: Path
    """Where the next life finds it."""
    pull_at: int = 0
    writes: list[str] = field(default_factory=list)
    is_armed: bool = False
    is_out: bool = False
    pulled: asyncio.Event = field(default_factory=asyncio.Event)

    def arm(self, pull_at: int) -> None:
        """Count from now on."""
        self.is_armed, self.pull_at = True, pull_at

    def written(self, what: str) -> None:
        """Something was just made durable, in the store or in a cluster."""
        if not self.is_armed or self.is_out:
            return
        self.writes.append(what)
        if len(self.writes) == self.pull_at:
            self.is_out = True
            self.next_folder.mkdir()
            for name in _FILES:
                if (self.folder / name).exists():
                    shutil.copyfile(self.folder / name, self.next_folder / name)
            self.pulled.set()

    async def flow(self) -> None:
        """Returns while there is power."""
        if self.is_out:
            await asyncio.Event().wait()


class Powered:
    """An adapter that works only while there is power; `writes` are the calls that change something."""

    def __init__(self, inner: Any, plug: Plug, writes: frozenset[str]) -> None:  # Any: an adapter of any port
        self._inner = inner
        self._plug = plug
        self._writes = writes

    def __getattr__(self, name: str) -> Any:  # Any: whatever the adapter has
        method = getattr(self._inner, name)
        if not asyncio.iscoroutinefunction(method):
            return method

        async def call(*arguments: Any, **options: Any) -> Any:  # Any: as the method
            await self._plug.flow()
            result = await method(*arguments, **options)
            if name in self._writes and not _is_nothing(result):
                self._plug.written(name)
            await self._plug.flow()
            return result

        return call


def _is_nothing(result: object) -> bool:
    """Whether a store's update left everything as it was."""
    before = getattr(result, "before", None)
    return before is not None and before.revision == getattr(result, "after").revision  # noqa: B009 - Committed or not


class Inline(Executor):
    """Runs everything at once: threads do not know virtual time."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:  # Any: as given
        """The result, already there."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:  # noqa: BLE001 - whoever waits for the future gets it
            future.set_exception(error)
        return future


@dataclass(kw_only=True)
class ModelWorld:
    """What outlives a server: a model cluster, its agent, time, and what chance has given so far."""

    kube: ModelKube = field(default_factory=ModelKube)
    randomness: CountingRandomness = field(default_factory=CountingRandomness)
    clock: JumpingClock = field(default_factory=LoopClock)

    @asynccontextmanager
    async def life(self, plug: Plug) -> AsyncIterator[ControlPlane]:
        """A server on the database in the plug's folder."""
        async with open_database(plug.folder / _FILES[0]) as database:
            database._write_thread.shutdown()
            database._write_thread = Inline()  # type: ignore[assignment]
            database._read_threads = Inline()  # type: ignore[assignment]
            # They stand in for the ports they wrap: every call passes through.
            store: Any = Powered(SqliteDeploymentStore(database), plug, _STORE_WRITES)
            cluster: Any = Powered(self.kube, plug, _CLUSTER_WRITES)
            relay: Any = ModelRelay()
            journal = Journal(store)
            async with asyncio.TaskGroup() as group:
                pods = group.create_task(self._work(), name="model cluster")
                try:
                    async with open_runner(journal, cluster, relay, self.clock):
                        deployments = Deployments(journal, KnownAgents(), self.clock, self.randomness, KnownAddresses())
                        yield ControlPlane(deployments=deployments, journal=journal, clock=self.clock)
                finally:
                    pods.cancel()

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(POD_S)
            self.kube.advance()
