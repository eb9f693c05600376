"""A watched deployment as lines, one for each change: for pipes, logs and screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_cli.render.target import approval_command, pods, weights
from borealis_cli.render.text import one_line, short_id, timestamp, word
from borealis_client import DeploymentEventKind, TargetRunState

if TYPE_CHECKING:
    from datetime import datetime

    from borealis_client import Deployment, DeploymentEvent, DeploymentUpdate, TargetRun


class ChangeLines:
    """Turns updates into lines; remembers the last line of each target, to say nothing twice."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def of(self, update: DeploymentUpdate, now: datetime) -> list[str]:
        """The lines that `update` is worth: none for intentions and repetitions."""
        if update.event is None:
            return self._snapshot(update.deployment, now)
        event = update.event
        if event.kind is DeploymentEventKind.EFFECT_INTENDED:
            return []
        place, text = self._event(update.deployment, event)
        if self._said.get(place) == text:
            return []
        self._said[place] = text
        return [f"{timestamp(event.time or now)}  {place}  {text}"]

    def _snapshot(self, deployment: Deployment, now: datetime) -> list[str]:
        found = {_place(deployment, ""): _joined(word(deployment.state), short_id(deployment.name), deployment.message)}
        for target in deployment.targets:
            if target.state is not TargetRunState.NOT_STARTED:
                found[_place(deployment, target.name)] = _target(deployment, target, target.message)
        self._said |= found
        return [f"{timestamp(now)}  {place}  {text}" for place, text in found.items()]

    def _event(self, deployment: Deployment, event: DeploymentEvent) -> tuple[str, str]:
        place = _place(deployment, event.target)
        if event.target_run:
            return place, _target(deployment, event.target_run, event.message)
        return place, _joined(word(deployment.state), event.message or deployment.message)


def _target(deployment: Deployment, target: TargetRun, message: str) -> str:
    command = f"approve with: {approval_command(deployment, target)}" if _is_waiting(target) else ""
    counts = [] if target.state is TargetRunState.NOT_STARTED else [pods(workload) for workload in target.workloads]
    return _joined(word(target.state), message, weights(target), *counts, command)


def _is_waiting(target: TargetRun) -> bool:
    return target.state is TargetRunState.AWAITING_APPROVAL


def _place(deployment: Deployment, target: str) -> str:
    return one_line(f"{deployment.application}/{target}" if target else deployment.application)


def _joined(*parts: str) -> str:
    return "  ".join(one_line(part) for part in parts if part)
