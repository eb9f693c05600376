"""Whether a call that failed is sent again: only when that surely does no harm, once, and never so often that an outage
doubles the load.

Source: the failure semantics of the tunnel's design: a call is repeated when it provably was not dispatched; one of
unknown outcome only if it reads.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from borealis_server.domain.errors import AgentUnavailable, RelayRefused
from borealis_server.ports.relay import RelayRequest

if TYPE_CHECKING:
    from borealis_server.ports.relay import TcpRequest

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_DIAL: Final = frozenset({"DIAL_FAILED", "DIAL_TIMEOUT"})
_WINDOW_S: Final = 10.0
_SHARE: Final = 0.1
_ALWAYS: Final = 3


class Retry(Enum):
    """Why, and by that where, a call is sent again."""

    NOT_TAKEN = "not_taken"
    """The session did not take it: another session may."""
    NOT_DIALLED = "not_dialled"
    """The replica does not reach the target: another replica may."""
    LOST = "lost"
    """Its tunnel was lost. It reads only, so that whoever is there may answer it."""


def retry_of(error: AgentUnavailable | RelayRefused, request: RelayRequest | TcpRequest) -> Retry | None:
    """How a call that failed with `error` before the head of its answer may be sent again; None if it may not."""
    body = request.body if isinstance(request, RelayRequest) else b""
    if not isinstance(body, bytes):  # some of it may be gone
        return None
    if error.dispatched is False:
        if isinstance(error, AgentUnavailable):
            return Retry.NOT_TAKEN
        return Retry.NOT_DIALLED if error.code in _DIAL else None
    lost = isinstance(error, AgentUnavailable) and error.dispatched is None
    reads = isinstance(request, RelayRequest) and (request.idempotent or (request.method in _READING and not body))
    return Retry.LOST if lost and reads else None


class RetryBudget:
    """How many calls to one agent may be sent again: a tenth of all, and a few in any case.

    Units: seconds.
    """

    def __init__(self) -> None:
        self._began_at = 0.0
        self._calls = 0
        self._retries = 0

    def count(self, now: float) -> None:
        """A call begins."""
        if now - self._began_at >= _WINDOW_S:
            self._began_at = now
            self._calls = self._retries = 0
        self._calls += 1

    def take(self) -> bool:
        """Whether one more may be sent again; counts it if so."""
        if self._retries >= max(_ALWAYS, int(self._calls * _SHARE)):
            return False
        self._retries += 1
        return True
