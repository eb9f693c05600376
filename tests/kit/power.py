"""A server whose plug is pulled at a chosen write: what it has committed stays, and it does nothing more.

Nothing is closed or told. The next life starts from the database files as they were in that moment.
"""

from __future__ import annotations

import asyncio
import copy
import shutil
from collections import Counter
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from borealis_sandbox.cluster import SandboxCluster
from borealis_server.adapters.cluster.client import RelayedCluster
from borealis_server.adapters.randomness import CountingRandomness
from borealis_server.adapters.store.deployments import SqliteDeploymentStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.ports.relay import AgentRef
from borealis_server.services.deployments import Deployments
from borealis_server.services.errands import open_errands
from borealis_server.services.journal import Journal
from borealis_server.services.queue import open_queue
from borealis_server.services.runner import open_runner
from kit.api_server import ApiServer
from kit.capacity import open_scale_history
from kit.control_plane import ACCOUNT, TENANT, ControlPlane, JumpingClock
from kit.direct_relay import DirectCluster, DirectRelay
from kit.jobs import Jobs, callbacks_for, errand_runners
from kit.model_engine import POD_S, KnownAgents, LoopClock, ModelRelay
from kit.model_kube import ModelKube
from kit.rest import open_rest
from kit.web import KnownAddresses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from borealis_server.adapters.store.sqlite import SqliteDatabase
    from borealis_server.ports.randomness import Randomness
    from borealis_server.ports.relay import Relay
    from kit.capacity import ScaleHistory
    from kit.rest import Rest

_OUTSIDE_WRITES = frozenset({"send"})
_CLUSTER_WRITES = frozenset({"apply", "create", "patch", "delete"})
_STORE_WRITES = frozenset({"insert", "update"})
_FILES = ("store.db", "store.db-wal")
_SANDBOX_SPEED = 50.0
_VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")


@dataclass
class Plug:
    """Counts writes once it is armed; at number `pull_at` the power goes. 0 never pulls."""

    folder: Path
    """Where the database of this life is."""
    next_folder: Path
    """Where the next life finds it."""
    pull_at: int = 0
    writes: list[str] = field(default_factory=list)
    under_way: int = 0
    """Writes that have begun, and of which their caller has not learnt yet."""
    is_armed: bool = False
    is_out: bool = False
    pulled: asyncio.Event = field(default_factory=asyncio.Event)

    async def rest(self) -> None:
        """Returns when no write is under way: who reads may see what was committed before who wrote it is told."""
        while self.under_way:
            await asyncio.sleep(0.001)

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
            if name not in self._writes:
                result = await method(*arguments, **options)
            else:
                self._plug.under_way += 1
                try:
                    result = await method(*arguments, **options)
                    if not _is_nothing(result):
                        self._plug.written(name)
                finally:
                    self._plug.under_way -= 1
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


class World(Protocol):
    """What outlives a server."""

    def life(self, plug: Plug) -> AbstractAsyncContextManager[ControlPlane]:
        """A server on the database in the plug's folder."""
        ...

    async def forget(self) -> None:
        """Note changes from now on."""
        ...

    async def objects(self) -> dict[str, Any]:
        """By kind, namespace and name: what the cluster holds, without what every write changes. Any: JSON."""
        ...

    def writes(self) -> Counter[str]:
        """Changes that took effect, and how often."""
        ...


@dataclass(kw_only=True)
class ModelWorld:
    """A model cluster, its agent, virtual time, and what chance has given so far."""

    kube: ModelKube = field(default_factory=ModelKube)
    randomness: CountingRandomness = field(default_factory=CountingRandomness)
    clock: JumpingClock = field(default_factory=LoopClock)
    jobs: Jobs = field(default_factory=Jobs)

    @asynccontextmanager
    async def life(self, plug: Plug) -> AsyncIterator[ControlPlane]:
        """A server on the database in the plug's folder."""
        async with open_database(plug.folder / _FILES[0]) as database:
            database._write_thread.shutdown()
            database._write_thread = Inline()  # type: ignore[assignment]
            database._read_threads = Inline()  # type: ignore[assignment]
            # What is copied is what this process has written: nothing has to reach a disk, which may be slow.
            database._writer.execute("PRAGMA synchronous = OFF")
            relay: Any = ModelRelay()  # Any: the part of the port that the runner uses
            async with asyncio.TaskGroup() as group:
                pods = group.create_task(self._work(), name="model cluster")
                try:
                    async with _served(
                        database, plug, self.kube, relay, self.clock, self.randomness, self.jobs
                    ) as plane:
                        yield plane
                finally:
                    pods.cancel()

    async def forget(self) -> None:
        """Note changes from now on."""
        self.kube.writes.clear()

    async def objects(self) -> dict[str, Any]:
        """What the model holds. Any: JSON."""
        return {f"{ref.kind} {ref.namespace}/{ref.name}": stripped(each) for ref, each in self.kube.objects.items()}

    def writes(self) -> Counter[str]:
        """Changes that took effect."""
        return Counter(self.kube.writes) + Counter({f"job {key}": count for key, count in self.jobs.made.items()})

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(POD_S)
            self.kube.advance()


@dataclass(kw_only=True)
class SandboxWorld:
    """A simulated API server over HTTPS, in real time. Use `open_sandbox_world`."""

    api: ApiServer
    rest: Rest
    history: ScaleHistory
    randomness: CountingRandomness = field(default_factory=CountingRandomness)
    clock: JumpingClock = field(default_factory=JumpingClock)
    jobs: Jobs = field(default_factory=Jobs)

    @asynccontextmanager
    async def life(self, plug: Plug) -> AsyncIterator[ControlPlane]:
        """A server on the database in the plug's folder."""
        cluster = DirectCluster(url=self.api.url, ca_pem=self.api.ca_pem.decode(), token=self.api.token)
        async with (
            open_database(plug.folder / _FILES[0]) as database,
            DirectRelay({AgentRef(tenant=TENANT, name=ACCOUNT): cluster}, self.clock) as relay,
            _served(database, plug, RelayedCluster(relay), relay, self.clock, self.randomness, self.jobs) as plane,
        ):
            yield plane

    async def forget(self) -> None:
        """Note changes from now on."""
        self.history.counts = {name: counts[-1:] for name, counts in self.history.counts.items()}

    async def objects(self) -> dict[str, Any]:
        """What the API server holds. Any: JSON."""
        found = {}
        for path in ("apis/apps/v1/{}/replicasets", "apis/apps/v1/{}/deployments", "api/v1/{}/configmaps"):
            listed = (await self.rest.get("/" + path.format("namespaces/ns"))).ok()
            for each in listed["items"]:
                if each["metadata"]["name"] == "kube-root-ca.crt":
                    continue  # each cluster has its own
                kept = stripped(each)
                kept.pop("status", None)
                found[f"{path} {each['metadata']['name']}"] = kept
        return found

    def writes(self) -> Counter[str]:
        """What each ReplicaSet was asked for, in order, and how often it was made."""
        counts = Counter(f"{name} {counts}" for name, counts in self.history.counts.items())
        return counts + Counter(f"{name} made" for name, uids in self.history.uids.items() for _ in uids)


@asynccontextmanager
async def open_sandbox_world(folder: Path) -> AsyncIterator[SandboxWorld]:
    """A simulated cluster of its own, with a namespace `ns`, in which time runs faster."""
    async with SandboxCluster(speed=_SANDBOX_SPEED) as cluster:
        ca_file = folder / "sandbox-ca.crt"
        ca_file.write_bytes(cluster.ca_pem)
        api = ApiServer(
            kind="sandbox",
            url=cluster.url,
            token=cluster.token,
            ca_pem=cluster.ca_pem,
            ca_file=ca_file,
            kubeconfig=cluster.kubeconfig(folder / "sandbox-kubeconfig"),
        )
        async with open_rest(api) as rest:
            made = await rest.post("/api/v1/namespaces", {"metadata": {"name": "ns"}})
            made.ok()
            async with open_scale_history(api, "ns") as history:
                yield SandboxWorld(api=api, rest=rest, history=history)


@asynccontextmanager
async def _served(
    database: SqliteDatabase,
    plug: Plug,
    cluster: Any,
    relay: Relay,
    clock: JumpingClock,
    randomness: Randomness,
    jobs: Jobs,
) -> AsyncIterator[ControlPlane]:
    """An engine that works while there is power. Any: any adapter of the cluster."""
    store: Any = Powered(SqliteDeploymentStore(database), plug, _STORE_WRITES)  # Any: it stands in for what it wraps
    powered: Any = Powered(cluster, plug, _CLUSTER_WRITES)
    journal = Journal(store)
    outside: Any = Powered(jobs, plug, _OUTSIDE_WRITES)
    async with (
        asyncio.TaskGroup() as group,
        open_runner(journal, powered, relay, clock) as runner,
        open_errands(journal, clock, errand_runners(journal, outside, clock)),
        open_queue(journal, KnownAgents(), clock),
    ):
        work = group.create_task(jobs.work(callbacks_for(journal, clock)), name="jobs")
        deployments = Deployments(journal, KnownAgents(), clock, randomness, KnownAddresses())
        try:
            yield ControlPlane(deployments=deployments, journal=journal, clock=clock, runner=runner)
        finally:
            work.cancel()


def stripped(document: dict[str, Any]) -> dict[str, Any]:
    """An object without what every write changes. Any: JSON."""
    kept = copy.deepcopy(document)
    for name in _VOLATILE:
        kept["metadata"].pop(name, None)
    for owner in kept["metadata"].get("ownerReferences") or []:
        owner.pop("uid", None)
    (kept.get("status") or {}).pop("observedGeneration", None)
    return kept
