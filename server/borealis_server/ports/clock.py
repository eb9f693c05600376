"""What time it is: the only way a service may learn it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> datetime:
        """The present, aware and in UTC."""
        ...
