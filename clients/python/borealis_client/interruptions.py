"""How a watch behaves when it is cut off: it waits and comes back, tells who listens, and gives up in the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from borealis_client.errors import CertificateError, UnauthenticatedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_client.errors import BorealisError
    from borealis_client.retry import RetryPolicy

    OnInterruption = Callable[[BorealisError, float], None]
    """Told the cause and in how many seconds the watch tries again."""

_HEALTHY_S: Final = 5.0
"""A stream that lasted longer was in order, even if nothing happened in it: quiet deployments are normal."""


class Interruptions:
    """One watch's failures in a row, and since when there was no progress."""

    def __init__(self, retry: RetryPolicy, notify: OnInterruption | None) -> None:
        self._retry = retry
        self._notify = notify
        self._failures = 0
        self._began_at = 0.0
        self._progress_at: float | None = None

    def begin(self) -> None:
        """A stream is about to be opened."""
        self._began_at = _now()

    def progress(self) -> None:
        """Something new came."""
        self._failures = 0
        self._progress_at = _now()

    async def wait(self, error: BorealisError) -> None:
        """Returns when it is time to try again; raises `error` when there is no use in it."""
        if _now() - self._began_at > _HEALTHY_S:
            self.progress()
        is_passing = isinstance(error, UnavailableError) and not isinstance(error, CertificateError)
        is_expiry = isinstance(error, UnauthenticatedError) and self._progress_at is not None and not self._failures
        self._failures += 1
        if not (is_passing or is_expiry) or self._is_hopeless():
            raise error
        wait_s = self._retry.wait_s(self._failures)
        if self._notify:
            self._notify(error, wait_s)
        await asyncio.sleep(wait_s)

    def _is_hopeless(self) -> bool:
        if self._progress_at is None:
            return self._failures >= self._retry.attempts
        return _now() - self._progress_at > self._retry.watch_limit_s


def _now() -> float:
    return asyncio.get_running_loop().time()
