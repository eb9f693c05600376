"""What a target is: something with a name that answers HTTP requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from borealis.tunnel.v1 import tunnel_pb2 as pb


class TargetFailure(Exception):  # noqa: N818 - it names what failed
    """A request could not be relayed. Becomes the Reset of its stream."""

    def __init__(self, code: pb.Reset.Code, detail: str, *, dispatched: bool) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.dispatched = dispatched


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRequest:
    """A request that has passed the allow-list and hygiene."""

    method: str
    """Such as `GET`."""
    path: str
    """Absolute path with query, percent-encoded."""
    headers: Sequence[tuple[str, str]]
    """Header fields, in order."""
    body: bytes | AsyncIterable[bytes] | None
    """The body; None if there is none."""


class TargetAnswer(Protocol):
    """The answer of a target.

    Errors: reading raises TargetFailure.
    """

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Header fields; names in lower case."""
        ...

    @property
    def length(self) -> int | None:
        """Size of the body in bytes; None if it is not known yet."""
        ...

    async def read(self) -> bytes:
        """The whole body."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; at most 64 KiB each."""
        ...


class HttpClient(Protocol):
    """Sends HTTP requests to one server, over connections that it keeps."""

    def request(self, request: TargetRequest) -> AbstractAsyncContextManager[TargetAnswer]:
        """Send a request; its answer once the head is there.

        Errors: TargetFailure.
        """
        ...


class Target(Protocol):
    """Something that may be reached through the agent."""

    def fault_of(self, method: str, path: str) -> str | None:
        """Why the allow-list refuses a request; None if it does not."""
        ...

    def request(self, request: TargetRequest) -> AbstractAsyncContextManager[TargetAnswer]:
        """Send a request with the target's credentials.

        Errors: TargetFailure.
        """
        ...
