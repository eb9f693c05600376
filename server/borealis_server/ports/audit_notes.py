"""What an action has changed, told by whoever changed it, for the audit entry of the call in whose course it did."""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from borealis_server.domain.audit import AuditChange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_changes: ContextVar[list[AuditChange] | None] = ContextVar("audit_changes", default=None)


def note_change(
    what: object, *, before: Mapping[str, object] | None = None, after: Mapping[str, object] | None = None
) -> None:
    """Note that the thing of that resource name was `before` and is `after`, in words and whole numbers, never secrets.

    None for a thing that was not there, or is gone. Outside of an audited call it does nothing.
    """
    changes = _changes.get()
    if changes is not None:
        changes.append(AuditChange(what=str(what), before=_text(before), after=_text(after)))


def is_noting() -> bool:
    """Whether somebody gathers what is noted now: an audited call is served."""
    return _changes.get() is not None


@contextmanager
def noting_changes() -> Iterator[list[AuditChange]]:
    """Gathers what is noted in its course, by this task and those that it makes."""
    changes: list[AuditChange] = []
    token = _changes.set(changes)
    try:
        yield changes
    finally:
        _changes.reset(token)


def _text(state: Mapping[str, object] | None) -> str:
    return "" if state is None else json.dumps(state, sort_keys=True, ensure_ascii=False, default=str)
