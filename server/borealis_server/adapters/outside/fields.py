"""Header fields of a request to the outside: which ones are sent, and what they must look like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_LONGEST_VALUE: Final = 16 * 2**10
_OF_THE_CONNECTION: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def sendable(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields that are sent: all but those about the connection, which are ours to write."""
    return [(name, value.strip(" \t")) for name, value in headers if name.lower() not in _OF_THE_CONNECTION]


def fault_of_fields(headers: Iterable[tuple[str, str]]) -> str | None:
    """What is wrong with the fields, in the middle of a sentence; None if nothing is. Shows no values."""
    for name, value in headers:
        if not _NAME.fullmatch(name):
            return "the name of a header is empty, too long, or has a character that names cannot have"
        if not _VALUE.fullmatch(value):
            return f"the value of the header {name} has a line break, or a character that headers cannot have"
        if len(value) > _LONGEST_VALUE:
            return f"the value of the header {name} has more than {_LONGEST_VALUE} characters"
    return None
