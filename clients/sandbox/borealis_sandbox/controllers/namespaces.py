"""Furnishes each new namespace, and empties and removes each one that is to go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.api import Write
from borealis_sandbox.custom_kinds import served_kinds
from borealis_sandbox.deletion import Deletion
from borealis_sandbox.objects import is_terminating, name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from borealis_sandbox.api import Api
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Change

_MANAGER = "sandbox-controllers"


class NamespaceController:
    """Gives namespaces their ServiceAccount and the cluster's certificate, and takes them down."""

    def __init__(self, api: Api, *, ca_pem: bytes) -> None:
        self._api = api
        self._furniture: tuple[tuple[Kind, Object], ...] = (
            (kinds.SERVICE_ACCOUNT, {"metadata": {"name": "default"}}),
            (kinds.CONFIG_MAP, {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": ca_pem.decode("ascii")}}),
        )

    def affected(self, change: Change) -> Iterable[Key]:
        """The namespace that changed, or from which something was deleted."""
        if change.kind == kinds.NAMESPACE:
            yield (name_of(change.found),)
        elif change.type == "DELETED" and namespace_of(change.found):
            yield (namespace_of(change.found),)

    def reconcile(self, key: Key) -> float | None:
        """Furnish the namespace of that name, or empty it if it is to go."""
        namespace = self._api.storage.get(kinds.NAMESPACE, "", key[0])
        if namespace is None:
            return None
        if not is_terminating(namespace):
            self._furnish(key[0])
            return None
        for kind, found in list(self._contents(key[0])):
            if not is_terminating(found):
                self._api.delete(kind, key[0], name_of(found), Deletion())
        if not any(self._contents(key[0])):
            self._api.storage.remove(kinds.NAMESPACE, namespace)
        return None

    def _furnish(self, namespace: str) -> None:
        for kind, body in self._furniture:
            if self._api.storage.get(kind, namespace, name_of(body)) is None:
                self._api.create(kind, namespace, body, Write(manager=_MANAGER))

    def _contents(self, namespace: str) -> Iterator[tuple[Kind, Object]]:
        for kind in served_kinds(self._api.storage):
            if kind.is_namespaced:
                for found in self._api.storage.find(kind, namespace):
                    yield kind, found
