"""Where the audit of relayed calls is kept. It only grows, until entries are older than anybody wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from borealis_server.domain.audit import AuditCall, AuditEntry, AuditFilter


class AuditStore(Protocol):
    """Keeps calls, in the order in which they were written. Everything written is durable when the call returns."""

    async def append(self, calls: Sequence[AuditCall], ended: Sequence[AuditCall] = ()) -> None:
        """Keep calls, and the ends of those in `ended`, which were kept before without one; all or none.

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

    async def prune(self, older_than: datetime, *, limit: int) -> int:
        """Forget what is older than `older_than`, at most `limit` entries, oldest first; how many are gone.

        Shape: the newest entry of all stays, so that the numbers go on.
        """
        ...
