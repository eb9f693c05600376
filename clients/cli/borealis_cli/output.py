"""Where a command writes: the answer to stdout, everything else to stderr; text, JSON, or a line of JSON each."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from borealis_cli.options import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from borealis_client import SentInvitation


class Message(Protocol):
    """What the SDK's messages can do."""

    def to_dict(self, *, include_default_values: bool = False) -> dict[str, Any]:  # Any: JSON
        """The JSON form of the message's proto."""
        ...


M = TypeVar("M", bound=Message)


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


def say_all(found: Sequence[M], output: Format, name: str, in_table: Callable[[Sequence[M]], Iterable[str]]) -> None:
    """A whole list: a table for people, one document with the list under `name`, or a line each."""
    if output is Format.TEXT:
        say(in_table(found))
    elif output is Format.JSON:
        say_json({name: [message_json(one) for one in found]}, output)
    else:
        for one in found:
            say_json(message_json(one), output)


def say_one(message: Message, output: Format, *lines: str) -> None:
    """One thing: the lines for people, or the message."""
    if output is Format.TEXT:
        say(lines)
    else:
        say_json(message_json(message), output)


def say_sent(sent: SentInvitation, output: Format) -> None:
    """An invitation with its secret."""
    if output is Format.TEXT:
        say([sent.link])
        note(f"Give this link to {sent.invitation.email}, and to nobody else. It is not shown again.")
    else:
        say_json({"invitation": message_json(sent.invitation), "secret": sent.secret, "link": sent.link}, output)


def note(*lines: str) -> None:
    """Lines beside the answer: progress, advice, warnings."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
