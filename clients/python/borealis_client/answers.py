"""What an answer must hold."""

from __future__ import annotations

from typing import TypeVar

from borealis_client.errors import ServerError

T = TypeVar("T")


def present(part: T | None, name: str) -> T:
    """The part of an answer. Errors: ServerError when it is missing."""
    if part is None:
        raise ServerError(f"the server answered without a {name}. Is it newer or older than this client?")
    return part
