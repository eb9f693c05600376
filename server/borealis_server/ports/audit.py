"""What is kept of every relayed call: who asked what of which agent, and what came of it.

Owns the words of it; where they are kept is an adapter's choice.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from borealis_server.ports.relay import AgentRef, RelayRequest, TcpRequest


class Decision(Enum):
    """Whether the server let a call through to the agent."""

    ALLOWED = "allowed"
    """It did."""
    DENIED = "denied"
    """The caller has not the permission. Nothing was sent."""


class RelayOutcome(Enum):
    """What came of a relayed call."""

    COMPLETE = "complete"
    """The caller has the whole answer, or both sides of a connection have ended."""
    CANCELLED = "cancelled"
    """The caller left before the end."""
    NOT_DISPATCHED = "not_dispatched"
    """Surely nothing of it reached the target."""
    BROKEN = "broken"
    """It reached the target, and ended early."""
    UNKNOWN = "unknown"
    """It was lost, and nobody knows whether it reached the target."""


class RelayEnd(NamedTuple):
    """How a relayed call ended. A tuple, since every call makes one."""

    outcome: RelayOutcome
    """What came of it."""
    code: str
    """Why it ended early, such as `DENIED` or `AGENT_UNAVAILABLE`; empty if it did not."""
    status: int
    """HTTP status of the answer; 0 if there was none."""
    sent_bytes: int
    """Bytes of the request's body, or of a connection, towards the target."""
    received_bytes: int
    """Bytes of the answer's body, or of a connection, from the target."""
    duration_s: float
    """From the beginning of the call to its end."""


class AuditedCall(Protocol):
    """A call whose beginning was kept."""

    def closed(self, end: RelayEnd) -> None:
        """Keep how it ended. Called exactly once; never fails."""
        ...


class RelayAudit(Protocol):
    """Keeps relayed calls. Its methods must not wait: every call goes through them."""

    def opened(
        self, agent: AgentRef, request: RelayRequest | TcpRequest, *, decision: Decision, policy_digest: str
    ) -> AuditedCall:
        """Keep that a call begins.

        Shape: `policy_digest` is the digest of what the agent may reach, as it said; empty if no agent is connected.
        Keep `audited_path(request.path)`, never the path itself. A caller without permission is kept by whoever refuses
        it, with Decision.DENIED and an end at once.
        Errors: whatever it raises refuses the call before anything of it was sent.
        """
        ...
