"""An audit that is forgotten with the process: for tests, with the same contract and chain as the real one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from borealis_server.adapters.store.audit_rows import action_of, bound_of_pruning, call_of, linked, rows_of
from borealis_server.adapters.store.rules import to_us
from borealis_server.domain.audit import AuditedAction, AuditEntry
from borealis_server.domain.audit_chain import AuditHead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from borealis_server.domain.audit import AuditAction, AuditCall, AuditFilter
    from borealis_server.domain.audit_chain import Link


class MemoryAuditStore:
    """Implements `ports.audit_store.AuditStore`."""

    def __init__(self) -> None:
        self._links: list[tuple[int, Link]] = []
        self._heads: dict[str, AuditHead] = {}
        self._last = 0

    async def append(
        self,
        calls: Sequence[AuditCall] = (),
        ended: Sequence[AuditCall] = (),
        *,
        actions: Sequence[AuditAction] = (),
        actions_ended: Sequence[AuditAction] = (),
    ) -> None:
        """Keep calls and actions, and the ends of those that were kept before."""
        rows = rows_of(calls, ended, actions, actions_ended)
        for row in rows:
            self._heads.setdefault(row.tenant, AuditHead())
        for one in linked(rows, self._heads):
            self._last += 1
            self._links.append((self._last, one))

    async def list(
        self, wanted: AuditFilter, *, limit: int, before: tuple[datetime, int] | None = None
    ) -> tuple[AuditEntry, ...]:
        """At most `limit` calls that `wanted` describes, newest first."""
        found = tuple(self._found("call", wanted, before))[:limit]
        return tuple(AuditEntry(sequence=sequence, call=call_of(one.row.record, end)) for sequence, one, end in found)

    async def list_actions(
        self, wanted: AuditFilter, *, limit: int, before: tuple[datetime, int] | None = None
    ) -> tuple[AuditedAction, ...]:
        """At most `limit` actions that `wanted` describes, newest first."""
        found = tuple(self._found("action", wanted, before))[:limit]
        return tuple(
            AuditedAction(sequence=sequence, action=action_of(one.row.record, end)) for sequence, one, end in found
        )

    async def head(self, tenant: str) -> AuditHead:
        """Beginning and end of the tenant's chain."""
        return self._heads.get(tenant, AuditHead())

    async def links(self, tenant: str, *, after: int, limit: int) -> tuple[Link, ...]:
        """At most `limit` entries of the tenant's chain with numbers above `after`, by number."""
        return tuple(one for _, one in self._links if one.row.tenant == tenant and one.number > after)[:limit]

    async def prune(self, older_than: datetime, *, limit: int) -> int:
        """Forget what is older, oldest first, the newest of each tenant excepted; how many entries are gone."""
        forgotten: set[tuple[str, int]] = set()
        for tenant, head in sorted(self._heads.items()):
            room = min(limit - len(forgotten), head.number - head.first_number)
            oldest = await self.links(tenant, after=head.first_number - 1, limit=room)
            gone = oldest[: bound_of_pruning(oldest, to_us(older_than))]
            if gone:
                forgotten |= {(tenant, one.number) for one in gone}
                self._heads[tenant] = replace(head, first_number=gone[-1].number + 1, before=gone[-1].hash)
        self._links = [kept for kept in self._links if (kept[1].row.tenant, kept[1].number) not in forgotten]
        return len(forgotten)

    def _found(
        self, kind: str, wanted: AuditFilter, before: tuple[datetime, int] | None
    ) -> Iterator[tuple[int, Link, str | None]]:
        ends = {one.row.id: one.row.record for _, one in self._links if one.row.part == f"{kind}_end"}
        since_us = None if wanted.since is None else to_us(wanted.since)
        until_us = None if wanted.until is None else to_us(wanted.until)
        position = None if before is None else (to_us(before[0]), before[1])
        for time_us, sequence, one in sorted(
            ((one.row.time_us, sequence, one) for sequence, one in self._links if one.row.part == kind), reverse=True
        ):
            row = one.row
            if (
                row.tenant == wanted.tenant
                and wanted.agent in ("", row.agent)
                and wanted.actor in ("", row.actor)
                and (since_us is None or time_us >= since_us)
                and (until_us is None or time_us < until_us)
                and (position is None or (time_us, sequence) < position)
            ):
                yield sequence, one, ends.get(row.id)
