"""The `deploymentConfig` of a deploy file: settings for all of its targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.durations import read_duration
from borealis_deployfile.faults import Code
from borealis_deployfile.language.document import CONFIG, IN_PROGRESS
from borealis_deployfile.language.shapes import Choice
from borealis_deployfile.model import DEFAULT_READINESS_TIMEOUT_S, DeploymentConfig

if TYPE_CHECKING:
    from borealis_deployfile.reader import Place, Reader

LEAST_READINESS_TIMEOUT_S: Final = 60.0
"""Shortest readiness limit that a file may set."""

_KEEP: Final = "keepDeploymentObject"
_IN_PROGRESS: Final = "ifDeploymentInProgress"
_CHOICE: Final = Choice(words=("reject", "enqueueOne"))


def read_config(reader: Reader, place: Place) -> DeploymentConfig:
    """The settings at the place, with defaults for those that are missing or wrong."""
    fields = reader.fields(place, CONFIG) or {}
    keeps = _KEEP in fields and reader.boolean(fields[_KEEP], _KEEP)
    choice = reader.fields(fields[_IN_PROGRESS], IN_PROGRESS) if _IN_PROGRESS in fields else None
    strategy = choice["strategy"] if choice else None
    enqueues = strategy and reader.choice(strategy, _CHOICE, f"the strategy of {_IN_PROGRESS}") == "enqueueOne"
    timeout_s = _timeout_s(reader, fields["timeout"]) if "timeout" in fields else None
    return DeploymentConfig(
        readiness_timeout_s=timeout_s or DEFAULT_READINESS_TIMEOUT_S,
        keeps_deployment_object=bool(keeps),
        enqueues=bool(enqueues),
        enqueue_origin=reader.origin(strategy) if strategy and enqueues else None,
    )


def _timeout_s(reader: Reader, place: Place) -> float | None:
    timeout_s = read_duration(reader, place, "the timeout")
    if timeout_s is not None and timeout_s < LEAST_READINESS_TIMEOUT_S:
        message = f"the timeout must be at least {LEAST_READINESS_TIMEOUT_S:.0f} seconds, not {timeout_s:.0f}"
        reader.fault(Code.TIMEOUT_TOO_SHORT, place, message, "pods need time to become Ready")
        return None
    return timeout_s
