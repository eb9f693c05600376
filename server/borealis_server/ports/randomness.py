"""Where unpredictable bytes come from: the only way a service may get them."""

from __future__ import annotations

from typing import Protocol


class Randomness(Protocol):
    """A source of unpredictable bytes."""

    def token_bytes(self, count: int) -> bytes:
        """`count` bytes that nobody can guess."""
        ...
