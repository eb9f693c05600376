"""Writes the `Event` objects with which controllers tell people what they did; repeats are counted, old ones go."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.api import Write
from borealis_sandbox.deletion import Deletion
from borealis_sandbox.errors import ApiError
from borealis_sandbox.objects import name_of, namespace_of, timestamp, uid_of

if TYPE_CHECKING:
    from borealis_sandbox.api import Api
    from borealis_sandbox.objects import Object

_KEPT = 1000


class EventRecorder:
    """Records events of one cluster."""

    def __init__(self, api: Api, *, kept: int = _KEPT) -> None:
        """`kept`: how many events there may be; the oldest goes when there is one more."""
        self._api = api
        self._kept = kept
        self._known: OrderedDict[tuple[str, str, str], tuple[str, str]] = OrderedDict()

    def record(self, about: Object, reason: str, message: str, *, is_warning: bool = False) -> None:
        """Say that something happened to `about`; in a namespace that is going, nothing is said."""
        key = (uid_of(about), reason, message)
        namespace, name = self._known.get(key, ("", ""))
        event = self._api.storage.get(kinds.EVENT, namespace, name)
        try:
            if event is not None:
                self._count(event)
            else:
                self._known[key] = self._create(about, reason, message, "Warning" if is_warning else "Normal")
        except ApiError:
            return
        self._forget_oldest()

    def _count(self, event: Object) -> None:
        counted = {**event, "count": event["count"] + 1, "lastTimestamp": timestamp()}
        write = Write(manager=event["source"]["component"])
        self._api.replace(kinds.EVENT, namespace_of(event), name_of(event), counted, write)

    def _create(self, about: Object, reason: str, message: str, kind: str) -> tuple[str, str]:
        namespace, now = namespace_of(about) or "default", timestamp()
        component = "borealis-sandbox"
        body: Object = {
            "metadata": {"generateName": f"{name_of(about)}.", "namespace": namespace},
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "name": name_of(about),
                "namespace": namespace,
                "uid": uid_of(about),
                "resourceVersion": about["metadata"]["resourceVersion"],
            },
            "reason": reason,
            "message": message,
            "type": kind,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": component},
        }
        created = self._api.create(kinds.EVENT, namespace, body, Write(manager=component))
        return namespace, name_of(created)

    def _forget_oldest(self) -> None:
        while len(self._known) > self._kept:
            _, (namespace, name) = self._known.popitem(last=False)
            if self._api.storage.get(kinds.EVENT, namespace, name) is not None:
                self._api.delete(kinds.EVENT, namespace, name, Deletion())
