"""The system's randomness, and one that repeats itself for tests."""

from __future__ import annotations

import hashlib
import secrets


class SystemRandomness:
    """Unpredictable bytes of the operating system."""

    def token_bytes(self, count: int) -> bytes:
        """`count` bytes that nobody can guess."""
        return secrets.token_bytes(count)


class CountingRandomness:
    """Bytes that look random, never repeat within a run, and are the same in every run. For tests only."""

    def __init__(self) -> None:
        self._calls = 0

    def token_bytes(self, count: int) -> bytes:
        """The next `count` bytes of the fixed sequence."""
        self._calls += 1
        return hashlib.shake_256(self._calls.to_bytes(8, "big")).digest(count)
