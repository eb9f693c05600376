"""Checks an export of the audit without a server: each line names the hash of the one before, and of itself.

Owns the reading of lines. It shares nothing with the code that wrote them, on purpose.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_GENESIS: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """What looking at an export has shown."""

    entries: int
    """How many entries are right, from the first one on."""
    first_number: int = 0
    """Number of the first entry; 0 when there is none."""
    head_number: int = 0
    """Number of the last entry that is right."""
    head_hash: str = _GENESIS
    """Its hash."""
    broken_line: int = 0
    """Line of the first entry that is not what was written, from 1; 0 when all are."""
    fault: str = ""
    """What is wrong with it."""


def check_export(lines: Iterable[str], *, kept_number: int = 0, kept_hash: str = "") -> AuditCheck:
    """What the lines of an export show, oldest first.

    `kept_number` and `kept_hash` are an entry that was kept elsewhere; when it is not among them, something is missing.
    """
    first, number, previous, count, is_found = 0, 0, _GENESIS, 0, False
    for place, text in enumerate(lines, start=1):
        entry, fault = _entry(text, number, previous if count else None)
        if not fault and kept_number and entry.get("number") == kept_number:
            is_found = True
            fault = "" if _hash_of(text) == kept_hash.lower() else "its hash is not the one that was kept elsewhere"
        if fault:
            return AuditCheck(
                entries=count,
                first_number=first,
                head_number=number,
                head_hash=previous,
                broken_line=place,
                fault=fault,
            )
        first, number = first or entry["number"], entry["number"]
        previous, count = _hash_of(text), count + 1
    found = AuditCheck(entries=count, first_number=first, head_number=number, head_hash=previous)
    if kept_number and not is_found:
        return AuditCheck(
            entries=count,
            first_number=first,
            head_number=number,
            head_hash=previous,
            broken_line=count + 1,
            fault=f"entry {kept_number}, which was kept elsewhere, is missing: these are {first} to {number}",
        )
    return found


def _entry(text: str, number: int, previous: str | None) -> tuple[dict[str, Any], str]:  # Any: JSON
    """The entry in a line, and what is wrong with it; `previous` is None for the first one."""
    try:
        document = json.loads(text)
        entry, before, own = document["entry"], document["previous"], document["hash"]
        found = int(entry["number"])
    except (ValueError, KeyError, TypeError):
        return {}, "it is no line of an export"
    canonical = json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(f"{before}\n{canonical}".encode("utf-8", "surrogatepass")).hexdigest()
    if digest != own:
        return entry, f"entry {found} does not say what was written"
    if previous is None:
        starts_badly = found == 1 and before != _GENESIS
        return entry, "entry 1 names an entry before it" if starts_badly else ""
    if found != number + 1:
        return entry, f"entry {number + 1} is missing; this is entry {found}"
    return entry, "" if before == previous else f"entry {found} does not continue the entry before it"


def _hash_of(text: str) -> str:
    return str(json.loads(text)["hash"])
