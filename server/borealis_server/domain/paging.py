"""Pages of lists: sizes, and tokens that say where the next page starts.

Owns the tokens' form. A token holds a position and a mark of the query it belongs to, nothing secret: whoever alters it
reaches nothing that the query itself would not show.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from borealis_server.domain.errors import InvalidArgument, PageTokenInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 250
_MAX_TOKEN_CHARACTERS = 2048

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """Which page of a list is wanted."""

    size: int = 0
    """At most so many items; 0 means 50, more than 250 means 250."""
    token: str = ""
    """Token of the page before; empty for the first page."""

    def limit(self) -> int:
        """How many items to read.

        Errors: InvalidArgument when the size is negative.
        """
        if self.size < 0:
            raise InvalidArgument.of("page_size", f"must be 0 to {MAX_PAGE_SIZE}, got {self.size}")
        return min(self.size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)

    def after(self, query: str) -> str:
        """Position behind which the page starts; empty for the first page.

        Errors: PageTokenInvalid when the token was not made for `query`.
        """
        return "" if not self.token else _position(self.token, query)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list."""

    items: tuple[T, ...]
    """The items, in the list's order."""
    next_token: str = ""
    """Token of the next page; empty when this is the last."""


def page_token(query: str, position: str) -> str:
    """The token of the page that starts behind `position` in the list that `query` describes."""
    text = json.dumps([_mark(query), position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def paged(items: Sequence[T], page: PageRequest, query: str, position: Callable[[T], str]) -> Page[T]:
    """A page of items that are all at hand, sorted by `position`, which is unique among them.

    Errors: InvalidArgument, PageTokenInvalid.
    """
    limit, after = page.limit(), page.after(query)
    rest = [item for item in items if not after or position(item) > after]
    found = tuple(rest[:limit])
    return Page(items=found, next_token=page_token(query, position(found[-1])) if len(rest) > limit else "")


def _position(token: str, query: str) -> str:
    if len(token) > _MAX_TOKEN_CHARACTERS:
        raise PageTokenInvalid
    try:
        parts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError) as error:
        raise PageTokenInvalid from error
    match parts:
        case [str(mark), str(position)] if mark == _mark(query):
            return position
    raise PageTokenInvalid


def _mark(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:12]
