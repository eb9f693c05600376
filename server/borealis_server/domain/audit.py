"""What is written down: calls to clusters and what was asked of the server itself, by whom, and what came of it.

Owns the records and what may stand in them. Writing them down in time is `services/audit.py`.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEnd:
    """How a relayed call ended."""

    closed_at: datetime
    """When."""
    duration_us: int
    """How long it took, by a clock that does not jump; microseconds."""
    status: int
    """HTTP status of the answer; 0 if none came."""
    sent_bytes: int
    """Bytes of request body."""
    received_bytes: int
    """Bytes of the answer's body."""
    outcome: str
    """Value of `RelayOutcome`."""
    code: str
    """Why it ended early; empty if it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCall:
    """One call to a target behind an agent, or the refusal of one."""

    id: str
    """Identifies the call."""
    opened_at: datetime
    """When it was asked for."""
    tenant: str
    """Whose agent."""
    agent: str
    """Name of the agent."""
    target: str
    """Name of the agent's target."""
    actor: str
    """Who asked; empty when the server itself did."""
    actor_groups: tuple[str, ...] = ()
    """Groups of the actor."""
    method: str
    """HTTP method; `TCP` for a plain connection."""
    path: str
    """Path as `audited_path` has it; `host:port` for a plain connection."""
    is_denied: bool = False
    """Whether the caller lacked the permission; nothing was relayed then."""
    request_id: str = ""
    """Identifies the request in logs."""
    policy_digest: str = ""
    """Digest of the agent's allow-list then."""
    end: AuditEnd | None = None
    """How it ended; None while it goes on, or when nobody saw the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditChange:
    """A thing that an action has changed. Never holds the value of a secret."""

    what: str
    """Resource name."""
    before: str = ""
    """What it was, as JSON with sorted keys; empty when there was none."""
    after: str = ""
    """What it is; empty when it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditActionEnd:
    """How an action ended."""

    closed_at: datetime
    """When."""
    reason: str = ""
    """Reason of the error that it ended with; empty when it was done."""
    changes: tuple[AuditChange, ...] = ()
    """What it has changed, where whoever did it says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditAction:
    """Something that was asked of the server and may change it, or the refusal of anything."""

    id: str
    """Identifies the action."""
    opened_at: datetime
    """When it was asked for."""
    tenant: str
    """Tenant of who asked."""
    actor: str
    """Display name of who asked."""
    subject: str
    """Stable identifier of who asked."""
    source: str
    """Network address of who asked, as the door saw it."""
    method: str
    """What was asked: `package.Service/Method`."""
    request: str
    """The request as JSON with sorted keys; `****` for secrets, size and digest for files."""
    request_id: str = ""
    """Identifies the request in logs."""
    refusal: str = ""
    """Why it was refused, when who asked may not do it; nothing was done then."""
    end: AuditActionEnd | None = None
    """How it ended; None while it goes on, or when nobody saw the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedAction:
    """An action as it stands in the audit: with its place in the order of writing."""

    sequence: int
    """Its place; grows, without meaning beyond that."""
    action: AuditAction
    """The action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which calls or actions are wanted."""

    tenant: str
    """Only of this tenant."""
    agent: str = ""
    """Only to this agent; empty for all."""
    actor: str = ""
    """Only of this actor; empty for all."""
    since: datetime | None = None
    """Only at this time or later."""
    until: datetime | None = None
    """Only before this time."""

    def describe(self) -> str:
        """The filter as one line, for page tokens."""
        return f"audit/{self.tenant}/{self.agent}/{self.actor}/{self.since or ''}/{self.until or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A call as it stands in the audit: with its place in the order of writing."""

    sequence: int
    """Its place; grows, without meaning beyond that."""
    call: AuditCall
    """The call."""
