"""Agents, as we know them when they are away: the record we keep of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """When an agent was there. What it is doing now is the relay's to say."""

    tenant: str
    """Tenant that it belongs to."""
    name: str
    """Its name; the `account` of deploy files."""
    last_seen_at: datetime
    """Last sign of life that was written down."""
    disconnected_at: datetime | None = None
    """When its last tunnel ended; None while it has one, and when we did not see the end."""
