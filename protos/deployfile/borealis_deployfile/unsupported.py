"""What a sound deploy file asks for that the engine cannot execute yet.

The file is right, so these are no faults of the file: a start is refused, naming each place, and whoever only checks
the file is told. A line goes away here when the engine learns what it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code, fault_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.model import DeployFile, Origin

_ADVICE: Final = "take it out for now"


def unsupported(file: DeployFile) -> tuple[Fault, ...]:
    """One fault for each place that asks for something the engine cannot do yet, in the order of the text."""
    faults = {
        (origin, what): fault_at(origin, Code.NOT_SUPPORTED, f"{what} is not supported yet", _ADVICE)
        for origin, what in _places(file)
    }
    return tuple(sorted(faults.values(), key=lambda fault: (fault.line, fault.column)))


def _places(file: DeployFile) -> Iterator[tuple[Origin, str]]:
    for secret in file.secrets:
        if not _is_opened(secret.origin):
            yield secret.origin, f"the secret {{{{secrets.{secret.name}}}}} in this place"


def _is_opened(origin: Origin) -> bool:
    """Whether secrets are put in at the moment of use: in webhooks, queries and variables.

    A body that has a file of its own has no path.
    """
    return not origin.path or origin.path.startswith(("webhooks", "analysis", "context")) or ".context" in origin.path
