"""Variables of users: as the file and its steps write them, and which of them go first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_deployfile.faults import Code
from borealis_deployfile.model import Analysis, RunWebhook
from borealis_deployfile.nodes import Scalar, Sequence
from borealis_deployfile.reader import is_null
from borealis_deployfile.scalars import is_text

if TYPE_CHECKING:
    from borealis_deployfile.model import DeployFile, Step
    from borealis_deployfile.reader import Place, Reader


def read_context(reader: Reader, place: Place | None, *, may_be_list: bool = False) -> dict[str, str]:
    """The variables at the place; a list of maps is one map where that is allowed."""
    if place is None:
        return {}
    if not (may_be_list and isinstance(place.node, Sequence)):
        return _variables(reader, place)
    context: dict[str, str] = {}
    for part in reader.items(place, "`context`"):
        for name, value in _variables(reader, part).items():
            if name in context:
                reader.fault(Code.DUPLICATE_KEY, part, f'the variable "{name}" is set twice', "keep one of them")
            context[name] = value
    return context


def context_of(file: DeployFile, step: Step) -> dict[str, str]:
    """The variables that a step sees: those given at the start go before the step's own, and these before the file's.

    The same for every step, wherever it stands: in a strategy of either kind, before or after a deployment.
    """
    own = step.context if isinstance(step, Analysis | RunWebhook) else {}
    return {**file.context, **own, **file.given_context}


def _variables(reader: Reader, place: Place) -> dict[str, str]:
    mapping = reader.mapping(place, "`context`")
    context: dict[str, str] = {}
    for name, entry in mapping.entries.items() if mapping else ():
        here = place.at(entry.value, name)
        if not isinstance(entry.value, Scalar) or is_null(entry.value):
            reader.fault(Code.WRONG_TYPE, here, f'the variable "{name}" must be text', "put it in quotes")
            continue
        if not is_text(entry.value):
            message = f'the variable "{name}" is taken as the text "{entry.value.text}"'
            reader.warn(Code.WRONG_TYPE, here, message, "put it in quotes")
        context[name] = entry.value.text
    return context
