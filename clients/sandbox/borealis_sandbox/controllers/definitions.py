"""Establishes definitions of custom resources, after the moment that a real API server takes for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.objects import annotations_of, condition_of, is_true, name_of, timestamp, uid_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_sandbox.api import Api
    from borealis_sandbox.clock import SimulatedClock
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.storage import Change

_MANAGER = "sandbox-controllers"
_DELAY = "sandbox.borealis.dev/established-after"
_DELAY_S = 0.2


class DefinitionController:
    """From `Established` on, the kinds of a definition are served."""

    def __init__(self, api: Api, clock: SimulatedClock) -> None:
        self._api = api
        self._clock = clock
        self._seen_s: dict[str, float] = {}

    def affected(self, change: Change) -> Iterable[Key]:
        """The definition that changed."""
        if change.kind == kinds.CUSTOM_DEFINITION:
            yield (name_of(change.found),)

    def reconcile(self, key: Key) -> float | None:
        """Accept the definition's names, and establish it when its time has come."""
        definition = self._api.storage.get(kinds.CUSTOM_DEFINITION, "", key[0])
        if definition is None or is_true(definition, "Established"):
            return None
        now_s = self._clock.now_s()
        since_s = self._seen_s.setdefault(uid_of(definition), now_s)
        left_s = since_s + _seconds(annotations_of(definition).get(_DELAY, "")) - now_s
        accepted = condition_of(definition, "NamesAccepted") or _condition("NamesAccepted", "True", "NoConflicts")
        established = _condition("Established", "False", "Installing")
        if left_s <= 0:
            established = _condition("Established", "True", "InitialNamesAccepted")
        old = condition_of(definition, "Established")
        if old is None or old["status"] != established["status"]:
            status = {**definition.get("status", {}), "conditions": [accepted, established]}
            self._api.set_status(kinds.CUSTOM_DEFINITION, definition, status, manager=_MANAGER)
        return left_s if left_s > 0 else None


def _condition(kind: str, status: str, reason: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": "", "lastTransitionTime": timestamp()}


def _seconds(text: str) -> float:
    number = text.removesuffix("s")
    return float(number) if number.isdecimal() else _DELAY_S
