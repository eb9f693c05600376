"""The `deploymentConfig` of a deploy file: settings for all of its targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.durations import read_duration
from borealis_deployfile.faults import Code
from borealis_deployfile.model import DEFAULT_READINESS_TIMEOUT_S, DeploymentConfig
from borealis_deployfile.reader import Fields

if TYPE_CHECKING:
    from borealis_deployfile.reader import Place, Reader

LEAST_READINESS_TIMEOUT_S: Final = 60.0
"""Shortest readiness limit that a file may set."""

_KEEP: Final = "keepDeploymentObject"
_IN_PROGRESS: Final = "ifDeploymentInProgress"
_CONFIG: Final = Fields(what="deploymentConfig", known=frozenset({"timeout", _KEEP, _IN_PROGRESS}))
_CHOICE: Final = Fields(what=_IN_PROGRESS, known=frozenset({"strategy"}))
_REJECT: Final = "reject"
_ENQUEUE: Final = "enqueueOne"


def read_config(reader: Reader, place: Place) -> DeploymentConfig:
    """The settings at the place, with defaults for those that are missing or wrong."""
    fields = reader.fields(place, _CONFIG) or {}
    if _KEEP in fields and reader.boolean(fields[_KEEP], _KEEP):
        reader.unsupported(fields[_KEEP])
    if _IN_PROGRESS in fields:
        _check_in_progress(reader, fields[_IN_PROGRESS])
    timeout_s = _timeout_s(reader, fields["timeout"]) if "timeout" in fields else None
    return DeploymentConfig(readiness_timeout_s=timeout_s or DEFAULT_READINESS_TIMEOUT_S)


def _timeout_s(reader: Reader, place: Place) -> float | None:
    timeout_s = read_duration(reader, place, "the timeout")
    if timeout_s is not None and timeout_s < LEAST_READINESS_TIMEOUT_S:
        message = f"the timeout must be at least {LEAST_READINESS_TIMEOUT_S:.0f} seconds, not {timeout_s:.0f}"
        reader.fault(Code.TIMEOUT_TOO_SHORT, place, message, "pods need time to become Ready")
        return None
    return timeout_s


def _check_in_progress(reader: Reader, place: Place) -> None:
    fields = reader.fields(place, _CHOICE)
    if not fields:
        return
    here = fields["strategy"]
    choice = reader.text(here, f"the strategy of {_IN_PROGRESS}")
    if choice == _ENQUEUE:
        reader.fault(Code.NOT_SUPPORTED, here, f"{_ENQUEUE} is not supported yet", f"write `{_REJECT}`")
    elif choice is not None and choice != _REJECT:
        reader.fault(
            Code.INVALID_VALUE, here, f'there is no strategy "{choice}" here', reader.hint(choice, [_REJECT, _ENQUEUE])
        )
