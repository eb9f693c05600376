"""Texts from addresses in the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What several addresses answered. Shape: each address is in exactly one of the two."""

    contents: Mapping[str, bytes]
    failures: Mapping[str, str]
    """Why, in words that continue a sentence."""


class Fetcher(Protocol):
    """Fetches, within limits of size and time, and only from where it may."""

    async def fetch(self, addresses: Sequence[str]) -> Fetched:
        """What the addresses answer, or why not. Never fails as a whole."""
        ...
