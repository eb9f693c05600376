"""Where the audit is kept. It only grows, until entries are older than anybody wants them; every entry is chained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from borealis_server.domain.audit import AuditAction, AuditCall, AuditedAction, AuditEntry, AuditFilter
    from borealis_server.domain.audit_chain import AuditHead, Link


class AuditStore(Protocol):
    """Keeps entries, in the order in which they were written. Everything written is durable when the call returns.

    Shape: each entry is a link of the chain of its tenant, in the order of writing: calls, ends of calls, actions, ends
    of actions.
    """

    async def append(
        self,
        calls: Sequence[AuditCall] = (),
        ended: Sequence[AuditCall] = (),
        *,
        actions: Sequence[AuditAction] = (),
        actions_ended: Sequence[AuditAction] = (),
    ) -> None:
        """Keep calls and actions, and the ends of those that were kept before without one; all or none.

        Errors: ServerUnavailable when the store cannot be written.
        """
        ...

    async def list(
        self, wanted: AuditFilter, *, limit: int, before: tuple[datetime, int] | None = None
    ) -> tuple[AuditEntry, ...]:
        """At most `limit` calls that `wanted` describes, newest first, each with its end if that is known.

        Shape: by the time of opening, then by sequence, descending; `before` is the last entry of the page before.
        """
        ...

    async def list_actions(
        self, wanted: AuditFilter, *, limit: int, before: tuple[datetime, int] | None = None
    ) -> tuple[AuditedAction, ...]:
        """At most `limit` actions that `wanted` describes, newest first, each with its end if that is known."""
        ...

    async def head(self, tenant: str) -> AuditHead:
        """Beginning and end of the tenant's chain."""
        ...

    async def links(self, tenant: str, *, after: int, limit: int) -> tuple[Link, ...]:
        """At most `limit` entries of the tenant's chain with numbers above `after`, as they are, by number."""
        ...

    async def prune(self, older_than: datetime, *, limit: int) -> int:
        """Forget what is older than `older_than`, at most `limit` entries, oldest first; how many are gone.

        Shape: chains lose links at their beginning only, so that one that is young keeps older ones behind it. The
        newest entry of each tenant stays.
        """
        ...
