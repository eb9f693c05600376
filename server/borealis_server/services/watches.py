"""Watches of what is being waited for, one for each kind and namespace: ReplicaSets, or objects that were applied."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from borealis_server.domain.errors import BorealisError, Unavailable
from borealis_server.domain.observation import Watched
from borealis_server.ports.cluster import Cluster
from borealis_server.ports.relay import AgentRef
from borealis_server.services.targets import TargetKey

_RETRY_S = 1.0
_LONGEST_RETRY_S = 30.0
"""Of a cluster that asks to be left alone for longer."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Place:
    agent: AgentRef
    watched: Watched


class Watches:
    """Wakes targets when something changes in their namespaces."""

    def __init__(self, cluster: Cluster, wake: Callable[[TargetKey], None], group: asyncio.TaskGroup) -> None:
        self._cluster = cluster
        self._wake = wake
        self._group = group
        self._wanted: dict[_Place, set[TargetKey]] = {}
        self._tasks: dict[_Place, asyncio.Task[None]] = {}

    def want(self, key: TargetKey, agent: AgentRef, watched: Iterable[Watched]) -> None:
        """Wake `key` at changes of these kinds of objects, and no others, from now on."""
        places = {_Place(agent, one) for one in watched}
        for place in [place for place, keys in self._wanted.items() if key in keys and place not in places]:
            self._drop(place, key)
        for place in places:
            self._wanted.setdefault(place, set()).add(key)
            if place not in self._tasks:
                name = f"watch {agent.name} {place.watched}"
                self._tasks[place] = self._group.create_task(self._watch(place), name=name)

    def release(self, key: TargetKey) -> None:
        """`key` waits for nothing any more."""
        for place in [place for place, keys in self._wanted.items() if key in keys]:
            self._drop(place, key)

    def _drop(self, place: _Place, key: TargetKey) -> None:
        self._wanted[place].discard(key)
        if not self._wanted[place]:
            del self._wanted[place]
            self._tasks.pop(place).cancel()

    async def _watch(self, place: _Place) -> None:
        kind = place.watched
        while True:
            retry_s = _RETRY_S
            try:
                async with self._cluster.watch(place.agent, kind.api_version, kind.kind, kind.namespace) as changes:
                    async for _ in changes:
                        self._wake_all(place)
            except BorealisError as error:
                if isinstance(error, Unavailable):
                    retry_s = min(max(retry_s, error.retry_after_s), _LONGEST_RETRY_S)
                log.info("watch.interrupted", agent=place.agent.name, watched=str(kind), reason=error.reason)
            except Exception:
                # A bug, or an answer that nobody expected: it must not end the runner, of which this is a part.
                log.exception("watch.failed", agent=place.agent.name, watched=str(kind))
            # What happened between two watches is seen by looking: wake once, then watch again.
            await asyncio.sleep(retry_s)
            self._wake_all(place)

    def _wake_all(self, place: _Place) -> None:
        for key in tuple(self._wanted.get(place, ())):
            self._wake(key)
