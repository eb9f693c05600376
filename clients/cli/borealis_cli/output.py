"""Where a command writes: the answer to stdout, everything else to stderr; text, JSON, or a line of JSON each."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Protocol

from borealis_cli.options import Format

if TYPE_CHECKING:
    from collections.abc import Iterable


class Message(Protocol):
    """What the SDK's messages can do."""

    def to_dict(self, *, include_default_values: bool = False) -> dict[str, Any]:  # Any: JSON
        """The JSON form of the message's proto."""
        ...


def message_json(message: Message) -> dict[str, Any]:  # Any: JSON
    """The message in the JSON form of its proto, fields at their defaults too: the shape is constant."""
    return message.to_dict(include_default_values=True)


def say_json(document: object, output: Format) -> None:
    """The answer as JSON: on several lines for `json`, on one for `jsonl`."""
    indent = 2 if output is Format.JSON else None
    say([json.dumps(document, ensure_ascii=False, indent=indent)])


def say(lines: Iterable[str]) -> None:
    """Lines of the answer, at once even into a pipe."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def note(*lines: str) -> None:
    """Lines beside the answer: progress, advice, warnings."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
