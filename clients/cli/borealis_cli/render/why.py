"""An explanation as text: the sentence, and what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_cli.render.text import one_line, short_id
from borealis_client import ExplanationAction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_client import DeploymentExplanation, Explanation

_COMMANDS: Final = {
    ExplanationAction.APPROVE: "approve {place}",
    ExplanationAction.SKIP: "skip {place}",
    ExplanationAction.ROLL_BACK: "rollback {place}",
    ExplanationAction.CANCEL: "cancel {id}",
    ExplanationAction.REDEPLOY: "redeploy {id}",
}


def explanation_lines(name: str, found: DeploymentExplanation) -> list[str]:
    """The sentence about the deployment or target, those about its other targets, and the commands that change it."""
    others = [one for one in found.targets if one.target != found.explanation.target]
    return [
        one_line(found.explanation.sentence),
        *(one_line(one.sentence) for one in others),
        *(f"  {command}" for command in _commands(short_id(name), found.explanation)),
    ]


def _commands(identifier: str, explanation: Explanation) -> Iterator[str]:
    place = f"{identifier}/{one_line(explanation.target)}" if explanation.target else identifier
    for action in explanation.actions:
        if action in _COMMANDS:  # a server may know more of them
            yield f"borealis {_COMMANDS[action].format(place=place, id=identifier)}"
