"""When and after how long a call is repeated: exponential backoff with full jitter. Pure but for its dice."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently calls are repeated while the server is unavailable."""

    attempts: int = 4
    """Tries of one call in all, the first included."""
    base_s: float = 0.1
    """Upper bound of the first wait; doubles with each further one."""
    limit_s: float = 5.0
    """Upper bound of every wait."""
    watch_limit_s: float = 300.0
    """How long a watch that was cut off tries to come back."""
    idle_limit_s: float = 60.0
    """How long a watch may be silent before it makes sure that the server is still there."""
    dice: Callable[[], float] = random.random
    """Uniform in [0, 1)."""

    def wait_s(self, failures: int) -> float:
        """How long to wait after so many failures in a row, 1 or more: anywhere between nothing and the bound."""
        bound = min(self.limit_s, self.base_s * 2.0 ** min(failures - 1, 30))
        return bound * self.dice()
