"""Records of the audit as rows, and rows as records; the same for every store, since hashes are made over them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from borealis_server.adapters.store.rules import to_us
from borealis_server.domain.audit import AuditAction, AuditActionEnd, AuditCall, AuditEnd
from borealis_server.domain.audit_chain import AuditHead, AuditRow, Link, link

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Sorted: whoever checks an export may parse it and write it again.
_encode = msgspec.json.Encoder(order="sorted").encode
_call = msgspec.json.Decoder(AuditCall).decode
_end = msgspec.json.Decoder(AuditEnd).decode
_action = msgspec.json.Decoder(AuditAction).decode
_action_end = msgspec.json.Decoder(AuditActionEnd).decode


def rows_of(
    calls: Iterable[AuditCall],
    ended: Iterable[AuditCall],
    actions: Iterable[AuditAction],
    actions_ended: Iterable[AuditAction],
) -> list[AuditRow]:
    """What is written, in the order of writing."""
    return [
        *(_begun(call, "call", call.agent) for call in calls),
        *(_ended(call, "call_end", call.agent) for call in ended),
        *(_begun(action, "action", "") for action in actions),
        *(_ended(action, "action_end", "") for action in actions_ended),
    ]


def linked(rows: Iterable[AuditRow], heads: dict[str, AuditHead]) -> Iterator[Link]:
    """The rows as links behind the heads of their tenants, which are moved."""
    for row in rows:
        head = heads[row.tenant]
        one = link(head.number + 1, row, head.hash)
        heads[row.tenant] = replace(head, number=one.number, hash=one.hash)
        yield one


def call_of(record: str, end: str | None) -> AuditCall:
    """The call in a row, with the end in another one."""
    call = _call(record)
    return call if end is None else replace(call, end=_end(end))


def action_of(record: str, end: str | None) -> AuditAction:
    """The action in a row, with the end in another one."""
    action = _action(record)
    return action if end is None else replace(action, end=_action_end(end))


def bound_of_pruning(links: Sequence[Link], cutoff_us: int) -> int:
    """How many of the oldest links, of a chain that has more, are older than that without a gap."""
    return next((place for place, one in enumerate(links) if one.row.time_us >= cutoff_us), len(links))


def _begun(record: AuditCall | AuditAction, part: str, agent: str) -> AuditRow:
    text = _encode(record).decode()
    return AuditRow(record.tenant, record.id, part, to_us(record.opened_at), agent, record.actor, text)


def _ended(record: AuditCall | AuditAction, part: str, agent: str) -> AuditRow:
    if record.end is None:
        raise ValueError(f"{part.partition('_')[0]} {record.id} has not ended")
    text = _encode(record.end).decode()
    return AuditRow(record.tenant, record.id, part, to_us(record.end.closed_at), agent, record.actor, text)
