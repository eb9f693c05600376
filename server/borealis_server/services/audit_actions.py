"""The audit of what is asked of the server itself: written down before it is done, and once more when it has ended.

An action that cannot be written down is not done. Relayed calls are written by `services/audit.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import structlog

from borealis_server.domain.audit import AuditAction, AuditActionEnd, AuditChange
from borealis_server.domain.errors import ServerUnavailable
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from borealis_server.domain.directory import Directory
    from borealis_server.domain.identity import Principal
    from borealis_server.ports.audit_store import AuditStore
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.randomness import Randomness

log = structlog.get_logger(__name__)

_REQUEST_CHARACTERS: Final = 4096
_OWN: Final = "login or server/ChangeOrganization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks of the server."""

    method: str
    """`package.Service/Method`."""
    request: str
    """The request as JSON, without secrets."""
    source: str
    """Network address of who asks."""
    request_id: str
    """Identifies the request in logs."""


class ActionAudit:
    """Writes actions down."""

    def __init__(
        self,
        store: AuditStore,
        clock: Clock,
        randomness: Randomness,
        *,
        on_written: Callable[[int], object] = lambda _: None,
        on_lost: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness
        self._on_written = on_written
        self._on_lost = on_lost

    async def begun(self, caller: Principal, asked: Asked) -> AuditAction:
        """Write down that an action begins; it may be done when this returns. Errors: ServerUnavailable."""
        action = self._action(caller, asked)
        await self._store.append(actions=[action])
        self._on_written(1)
        return action

    async def ended(self, action: AuditAction, *, reason: str, changes: Sequence[AuditChange] = ()) -> None:
        """Write down how an action ended; `reason` is that of its error. Never fails: what was done is done."""
        end = AuditActionEnd(closed_at=self._clock.now(), reason=reason, changes=tuple(changes))
        try:
            await self._store.append(actions_ended=[replace(action, end=end)])
            self._on_written(1)
        except ServerUnavailable:
            self._on_lost(1)
            log.exception("audit.end_lost", action=action.id, method=action.method)

    async def refused(self, caller: Principal, asked: Asked, refusal: str) -> None:
        """Write down that somebody may not do what they ask. Never fails: nothing was done anyway."""
        try:
            await self._store.append(actions=[replace(self._action(caller, asked), refusal=refusal)])
            self._on_written(1)
        except ServerUnavailable:
            self._on_lost(1)
            log.exception("audit.refusal_lost", method=asked.method)

    async def happened(self, after: Directory, changes: Sequence[AuditChange]) -> None:
        """Write down what nobody has asked for by a call: by a page of a login, or by the server itself. Never fails.

        Shape: one entry, in the oldest tenant of the organization.
        """
        now = self._clock.now()
        tenants = sorted(after.live_tenants(), key=lambda one: (one.created_at, one.id))
        action = AuditAction(
            id=random_id(self._randomness.token_bytes(RANDOM_ID_BYTES)),
            opened_at=now,
            tenant=tenants[0].id if tenants else after.organization.id,
            actor="",
            subject="",
            source="",
            method=_OWN,
            request="{}",
            end=AuditActionEnd(closed_at=now, changes=tuple(changes)),
        )
        try:
            await self._store.append(actions=[action])
            self._on_written(1)
        except ServerUnavailable:
            self._on_lost(1)
            log.exception("audit.change_lost", action=action.id)

    def _action(self, caller: Principal, asked: Asked) -> AuditAction:
        request = asked.request
        return AuditAction(
            id=random_id(self._randomness.token_bytes(RANDOM_ID_BYTES)),
            opened_at=self._clock.now(),
            tenant=caller.tenant,
            actor=caller.actor,
            subject=caller.subject,
            source=asked.source,
            method=asked.method,
            request=request if len(request) <= _REQUEST_CHARACTERS else f"{request[: _REQUEST_CHARACTERS - 1]}…",
            request_id=asked.request_id,
        )
