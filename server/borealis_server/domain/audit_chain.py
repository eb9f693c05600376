"""The chain of the audit: every entry names the hash of the one before, so that none is changed or taken out unseen.

Each tenant has a chain of its own, so that what a tenant exports can be checked without the others. Pure; the stores
write with it, and `services/audit_proof.py` reads with it. The form of a line is documented in docs/audit.md.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Final, NamedTuple

GENESIS: Final = "0" * 64
"""What the first entry of a chain has in the place of a hash before it."""

_text = json.JSONEncoder(ensure_ascii=False).encode


class AuditRow(NamedTuple):
    """An entry as it is written. A tuple, since every relayed call makes one."""

    tenant: str
    """Whose chain it belongs to."""
    id: str
    """Identifies the call or action; its end has the same."""
    part: str
    """`call` or `action` for a beginning, `call_end` or `action_end` for an end."""
    time_us: int
    """When it happened, in microseconds since 1970."""
    agent: str
    """Agent of a call; empty for an action."""
    actor: str
    """Who asked; empty when the server itself did."""
    record: str
    """Everything else, as JSON with sorted keys, no blanks and no fractions."""


class Link(NamedTuple):
    """An entry in its place in the chain."""

    number: int
    """Its place: 1, 2, 3 and so on in the tenant."""
    row: AuditRow
    """What it says."""
    previous: str
    """Hash of the entry before."""
    hash: str
    """Its own hash, over that and over everything that it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """Where a chain begins and ends."""

    number: int = 0
    """Number of the newest entry; 0 for an empty chain."""
    hash: str = GENESIS
    """Its hash."""
    first_number: int = 1
    """Number of the oldest entry that is kept; older ones have been forgotten by age."""
    before: str = GENESIS
    """Hash of the entry before that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProof:
    """What looking at a whole chain has shown."""

    head: AuditHead
    """Beginning and end of what was looked at."""
    entries: int
    """How many entries are right, from the first one on."""
    broken_number: int = 0
    """Number of the first entry that is not what was written; 0 when all are."""
    fault: str = ""
    """What is wrong with it."""


def canonical(number: int, row: AuditRow) -> str:
    """The entry as JSON, in the one form that is hashed: sorted keys, no blanks."""
    return (
        f'{{"actor":{_text(row.actor)},"agent":{_text(row.agent)},"id":{_text(row.id)},"number":{number},'
        f'"part":{_text(row.part)},"record":{row.record},"tenant":{_text(row.tenant)},"time_us":{row.time_us}}}'
    )


def link(number: int, row: AuditRow, previous: str) -> Link:
    """The entry, behind the one whose hash is `previous`."""
    digest = hashlib.sha256(f"{previous}\n{canonical(number, row)}".encode("utf-8", "surrogatepass"))
    return Link(number, row, previous, digest.hexdigest())


def line(entry: Link) -> str:
    """The entry as a line of an export."""
    return f'{{"entry":{canonical(entry.number, entry.row)},"hash":"{entry.hash}","previous":"{entry.previous}"}}'


class ChainCheck:
    """Looks at the entries of a chain, one after the other, until one is wrong."""

    def __init__(self, head: AuditHead) -> None:
        self._head = head
        self._number = head.first_number - 1
        self._hash = head.before
        self._proof: AuditProof | None = None

    @property
    def is_broken(self) -> bool:
        """Whether an entry was wrong."""
        return self._proof is not None

    def add(self, found: Link) -> None:
        """The next entry that is there."""
        if self._proof is not None:
            return
        wanted = self._number + 1
        if found.number != wanted:
            self._break(wanted, f"it is missing; the next one that is there is {found.number}")
        elif found.previous != self._hash:
            self._break(wanted, "it does not continue the entry before it")
        elif link(wanted, found.row, self._hash).hash != found.hash:
            self._break(wanted, "what it says is not what was written")
        else:
            self._number, self._hash = wanted, found.hash

    def proof(self) -> AuditProof:
        """What has been shown, after the last entry."""
        if self._proof is not None:
            return self._proof
        if self._number < self._head.number:
            return self._break(self._number + 1, f"it is missing, and so are all up to {self._head.number}")
        if self._hash != self._head.hash:
            return self._break(self._number, "its hash is not the one that the end of the chain was written with")
        return AuditProof(head=self._head, entries=self._right)

    @property
    def _right(self) -> int:
        return self._number - self._head.first_number + 1

    def _break(self, number: int, fault: str) -> AuditProof:
        self._proof = AuditProof(head=self._head, entries=self._right, broken_number=number, fault=fault)
        return self._proof
