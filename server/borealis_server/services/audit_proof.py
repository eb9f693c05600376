"""Shows that the audit is as it was written, and hands it out in a form that shows the same elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from borealis_server.domain.audit_chain import AuditHead, AuditProof, ChainCheck, line

if TYPE_CHECKING:
    from borealis_server.domain.paging import PageRequest
    from borealis_server.ports.audit_store import AuditStore

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHead:
    """The end of a chain as somebody has kept it elsewhere."""

    number: int
    """Number of an entry."""
    hash: str
    """Its hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A piece of the chain."""

    lines: tuple[str, ...]
    """An entry each, by number."""
    last_number: int
    """Number of the last one, to go on behind; 0 when there are no more."""


class AuditProofService:
    """Exports chains and checks them."""

    def __init__(self, store: AuditStore) -> None:
        self._store = store

    async def export(self, tenant: str, page: PageRequest, *, after: int) -> Exported:
        """A page of lines behind the entry of number `after`. Errors: InvalidArgument."""
        found = await self._store.links(tenant, after=after, limit=page.limit())
        return Exported(lines=tuple(map(line, found)), last_number=found[-1].number if found else 0)

    async def verify(self, tenant: str, kept: KeptHead | None = None) -> AuditProof:
        """Look at the tenant's whole chain; where `kept` is given, that entry has to be in it as well.

        Shape: what is written meanwhile is not looked at. Where old entries are forgotten meanwhile, it looks again.
        """
        while True:
            head = await self._store.head(tenant)
            proof = await self._looked_at(tenant, head, kept)
            if not proof.broken_number or (await self._store.head(tenant)).first_number == head.first_number:
                return proof

    async def _looked_at(self, tenant: str, head: AuditHead, kept: KeptHead | None) -> AuditProof:
        check, number = ChainCheck(head), head.first_number - 1
        fault = "" if kept is None else _fault_of(kept, head)
        while number < head.number and not check.is_broken:
            found = await self._store.links(tenant, after=number, limit=min(_AT_ONCE, head.number - number))
            for one in found:
                check.add(one)
                if kept is not None and one.number == kept.number and one.hash != kept.hash.lower():
                    fault = "its hash is not the one that was kept elsewhere"
            if not found:
                break
            number = found[-1].number
        proof = check.proof()
        if fault and kept is not None and not proof.broken_number:
            return replace(proof, broken_number=kept.number, fault=fault)
        return proof


def _fault_of(kept: KeptHead, head: AuditHead) -> str:
    """What is wrong with the kept end before anything is looked at."""
    if kept.number > head.number:
        return f"it was kept elsewhere, but the chain ends at {head.number} now: the end was cut off"
    if kept.number == head.first_number - 1 and kept.hash.lower() != head.before:
        return "its hash is not the one that was kept elsewhere"
    if kept.number < head.first_number - 1:
        return f"it has been forgotten by age; the oldest entry is {head.first_number}: keep a newer one"
    return ""
