"""HTTP to machines outside: those of webhooks and metric providers, directly or from inside a cluster by its agent."""

from dataclasses import dataclass, field
from typing import Protocol

from borealis_server.ports.relay import AgentRef

DEFAULT_TIME_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideRequest:
    """A request. Holds secrets: neither its text nor its fields belong into a log."""

    method: str
    url: str = field(repr=False)
    """Whole address: http or https, host, path and query, percent-encoded or not."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Header fields, in order. Those about a connection are left out, and Host, which follows from the address."""
    body: bytes = field(default=b"", repr=False)
    time_limit_s: float = DEFAULT_TIME_S
    """For everything together, from the look-up of the name to the last byte."""
    size_limit_bytes: int = 64 * 2**10
    """How much of the answer's body is read; the rest is left."""
    is_repeatable: bool = False
    """Whether the other side recognises a repeated request, so that a relay may send it again."""
    request_id: str = ""
    """Identifies the request in logs and audit of an agent."""
    actor: str = ""
    """On whose behalf, for the audit of relayed calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideAnswer:
    """An answer, whatever its status."""

    status: int
    """100 to 599."""
    reason: str = ""
    """Words beside the status; may be empty."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)
    """As it came, at most as much as was wanted."""
    is_cut: bool = False
    """Whether the body has more."""

    def header(self, name: str) -> str:
        """The first value of a header, by its name in lower case; empty when there is none."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideFailure:
    """There is no whole answer. Shape: texts show neither the query nor any header of the request."""

    detail: str
    """Why, in the middle of a sentence."""
    is_refused: bool = False
    """Whether a rule of ours or of the agent refuses the request: it is of no use to send it again."""
    may_have_arrived: bool = False
    """Whether the other side may have had the whole request."""


class Outside(Protocol):
    """Sends requests. Redirects are answers like any other: none is followed."""

    async def send(self, request: OutsideRequest, *, via: AgentRef | None = None) -> OutsideAnswer | OutsideFailure:
        """The answer; through agent `via`, or directly. Raises nothing that is the other side's fault."""
        ...
