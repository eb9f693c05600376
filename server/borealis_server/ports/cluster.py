"""A cluster's Kubernetes API, as far as deployments need it. Objects are plain JSON."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from borealis_server.ports.relay import AgentRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """Which object. `namespace` is empty for cluster-scoped kinds."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        place = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{place}"


class Cluster(Protocol):
    """The Kubernetes API of the cluster behind an agent.

    Errors of every method: AgentUnavailable when the agent is away or was lost on the way; ClusterRefused when the API
    answered no, with its status code; ClusterBusy when trying again may help (429, 5xx), and as a case of it
    KindNotServed when no object of the kind can exist yet.
    """

    async def get(self, agent: AgentRef, ref: ObjectRef) -> dict[str, Any] | None:  # Any: JSON
        """The object, or None when it does not exist."""
        ...

    async def list(
        self, agent: AgentRef, api_version: str, kind: str, namespace: str, *, labels: Mapping[str, str] | None = None
    ) -> Sequence[dict[str, Any]]:  # Any: JSON
        """Every object of a kind in a namespace that carries `labels`."""
        ...

    async def apply(self, agent: AgentRef, document: Mapping[str, Any]) -> None:  # Any: JSON
        """Apply server-side as our field manager; takes fields over only from ourselves."""
        ...

    async def create(self, agent: AgentRef, document: Mapping[str, Any]) -> bool:  # Any: JSON
        """Create the object. False when one of that name exists."""
        ...

    async def patch(
        self,
        agent: AgentRef,
        ref: ObjectRef,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],  # Any: JSON
    ) -> bool:
        """Change the object: a mapping is a merge patch, a sequence a JSON patch whose tests must hold.

        False when a test does not hold or the object has changed in between; ClusterRefused 404 when it does not exist.
        """
        ...

    async def delete(self, agent: AgentRef, ref: ObjectRef, *, orphans: bool = False, uid: str = "") -> None:
        """Delete the object, in the background with what it owns, or leaving that; with `uid` only that very one.

        No error when it does not exist.
        """
        ...

    def watch(
        self, agent: AgentRef, api_version: str, kind: str, namespace: str
    ) -> AbstractAsyncContextManager[AsyncIterator[None]]:
        """Speaks whenever an object of the kind changes in the namespace; says nothing of what changed."""
        ...
