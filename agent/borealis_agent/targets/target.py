"""What a request to a target is, how it can fail, and what a target must do."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from borealis.tunnel.v1 import tunnel_pb2 as pb
    from borealis_agent.targets.http1.connection import HttpConnection


class TargetFailure(Exception):  # noqa: N818 - it names what failed
    """A request could not be relayed. Becomes the Reset of its stream."""

    def __init__(self, code: pb.Reset.Code, detail: str, *, dispatched: bool) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.dispatched = dispatched


class TargetRequest(NamedTuple):
    """A request that has passed hygiene."""

    method: str
    """Such as `GET`."""
    path: str
    """Absolute path with query, percent-encoded."""
    fields: bytes
    """Header fields as they go over the wire, each with its line end."""
    body: bytes | None = b""
    """All of the body; None if it follows piece by piece."""
    length: int | None = None
    """Size in bytes of a body that follows; None if only its end will tell."""
    upgrade: bytes = b""
    """The protocol to switch to, if that is asked for."""
    actor: str = ""
    """On whose behalf, for targets that impersonate."""
    actor_groups: tuple[str, ...] = ()
    """Groups of the actor."""
    is_repeatable: bool = False
    """Whether the target recognises it when it comes twice."""
    authorization: bytes = b""
    """The caller's own credentials, which reach only targets that take them; empty if it sent none."""
    cookies: bytes = b""
    """The caller's own cookies, likewise."""
    limit_s: float = 60.0
    """Limit until the head of the answer, in seconds."""


class HttpTarget(Protocol):
    """Something that answers HTTP requests. The caller releases what it gets.

    Errors: TargetFailure.
    """

    @property
    def private_fields(self) -> frozenset[bytes]:
        """Fields about credentials that its answers may carry to the caller, such as `set-cookie`."""
        ...

    async def send(self, request: TargetRequest) -> HttpConnection:
        """Send a request with all of its body; the connection once its answer has begun."""
        ...

    async def open(self, request: TargetRequest) -> HttpConnection:
        """Send the head of a request; the body and the wait for the answer are left to the caller."""
        ...
