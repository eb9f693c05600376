"""The audit of relayed calls: writes it down in the background, shows it, and forgets what is too old.

A call never waits for its entry. Should the store fail, entries are kept for it up to a limit, and people are refused
until it can be written again; deployments go on, loudly.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from borealis_server.domain.audit import AuditCall, AuditEnd
from borealis_server.domain.audited import audited_path
from borealis_server.domain.errors import InvalidArgument, PageTokenInvalid, ServerUnavailable
from borealis_server.domain.paging import Page, page_token
from borealis_server.ports.audit import Decision
from borealis_server.ports.relay import RelayRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from borealis_server.domain.audit import AuditedAction, AuditEntry, AuditFilter
    from borealis_server.domain.paging import PageRequest
    from borealis_server.ports.audit import AuditedCall, RelayEnd
    from borealis_server.ports.audit_store import AuditStore
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.randomness import Randomness
    from borealis_server.ports.relay import AgentRef, TcpRequest

log = structlog.get_logger(__name__)

_PRUNE_ENTRIES: Final = 1000
_PREFIX_BYTES: Final = 8
_PATH_CHARACTERS: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """How the audit is written and kept.

    Units: seconds, entries.
    """

    linger_s: float = 0.05
    """How long entries gather before they are written together."""
    retry_s: float = 1.0
    """How long to wait after the store failed."""
    max_waiting: int = 20_000
    """Entries that may wait for the store; more are lost, and counted."""
    retention_s: float = 30 * 86400.0
    """How long entries are kept."""
    prune_every_s: float = 3600.0
    """How often older ones are looked for."""


class AuditTrail:
    """Takes calls and their ends at once, and writes them down soon. Implements `RelayAudit`."""

    def __init__(
        self,
        store: AuditStore,
        clock: Clock,
        randomness: Randomness,
        *,
        settings: AuditSettings | None = None,
        on_written: Callable[[int], object] = lambda _: None,
        on_lost: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._prefix = f"{randomness.token_bytes(_PREFIX_BYTES).hex()}-"
        self._count = 0
        self._settings = settings or AuditSettings()
        self._on_written = on_written
        self._on_lost = on_lost
        self._calls: list[_OpenCall] = []
        self._ended: list[_OpenCall] = []
        self._has_work = asyncio.Event()
        self._is_closing = False
        self._fault = ""
        self._is_losing = False

    def opened(
        self, agent: AgentRef, request: RelayRequest | TcpRequest, *, decision: Decision, policy_digest: str
    ) -> AuditedCall:
        """Write down that a call begins, or that it was refused.

        Errors: ServerUnavailable for a call of somebody while the store refuses entries, or too many wait for it. The
        server's own calls go on.
        """
        fault = self._fault or ("too many entries wait" if self._is_full() else "")
        if fault and request.actor:
            raise ServerUnavailable(f"the audit cannot be written ({fault})")
        self._count += 1
        call = _OpenCall(self, f"{self._prefix}{self._count:x}", self._clock.now(), agent, request, policy_digest)
        call.is_denied = decision is Decision.DENIED
        if self._is_full():
            self._lose(call)
        else:
            self._calls.append(call)
            self._has_work.set()
        return call

    def ended(self, call: _OpenCall) -> datetime:
        """Called by a call when it ends; gives the time. One that was not written yet is one entry then."""
        if call.is_taken:
            if self._is_full():
                self._lose(call)
            else:
                self._ended.append(call)
                self._has_work.set()
        return self._clock.now()

    async def run(self) -> None:
        """Write until `close`; then what is left, once."""
        while self._calls or self._ended or not self._is_closing:
            await self._has_work.wait()
            if not self._is_closing:
                await asyncio.sleep(self._settings.linger_s)
            await self._write()

    def close(self) -> None:
        """End `run`, after what waits has been written."""
        self._is_closing = True
        self._has_work.set()

    async def _write(self) -> None:
        calls = tuple(call.taken() for call in self._calls)
        ended = tuple(call.record() for call in self._ended)
        self._calls.clear()
        self._ended.clear()
        self._has_work.clear()
        while calls or ended:
            try:
                await self._store.append(calls, ended)
            except ServerUnavailable as error:
                self._fail(error, len(calls) + len(ended))
                if self._is_closing:
                    self._on_lost(len(calls) + len(ended))
                    return
                await asyncio.sleep(self._settings.retry_s)
            else:
                self._on_written(len(calls) + len(ended))
                break
        if self._fault:
            self._fault, self._is_losing = "", False
            log.warning("audit.recovered")

    def _fail(self, error: ServerUnavailable, waiting: int) -> None:
        if not self._fault:
            log.error("audit.unwritable", error=error.message, waiting=waiting, advice="free space on the data disk")
        self._fault = error.metadata.get("detail", error.message)

    def _is_full(self) -> bool:
        return len(self._calls) + len(self._ended) >= self._settings.max_waiting

    def _lose(self, call: _OpenCall) -> None:
        self._on_lost(1)
        if not self._is_losing:  # the metric counts them all
            self._is_losing = True
            log.error("audit.losing", first=call.id, agent=call.agent.name, waiting=self._settings.max_waiting)


@asynccontextmanager
async def open_audit_trail(
    store: AuditStore,
    clock: Clock,
    randomness: Randomness,
    *,
    settings: AuditSettings | None = None,
    on_written: Callable[[int], object] = lambda _: None,
    on_lost: Callable[[int], object] = lambda _: None,
) -> AsyncIterator[AuditTrail]:
    """A trail that is written, and loses what is too old, while the context is open; leaving it writes what waits."""
    trail = AuditTrail(store, clock, randomness, settings=settings, on_written=on_written, on_lost=on_lost)
    async with asyncio.TaskGroup() as group:
        group.create_task(trail.run(), name="audit.writer")
        pruner = group.create_task(AuditService(store, clock, settings).keep_pruned(), name="audit.pruner")
        try:
            yield trail
        finally:
            pruner.cancel()
            trail.close()


class _OpenCall:
    """A call as it is noted on its way, which must cost little; its record is made when it is written down."""

    __slots__ = (
        "_actor",
        "_actor_groups",
        "_closed_at",
        "_end",
        "_method",
        "_opened_at",
        "_path",
        "_policy_digest",
        "_request_id",
        "_target",
        "_trail",
        "agent",
        "id",
        "is_denied",
        "is_taken",
    )

    def __init__(
        self,
        trail: AuditTrail,
        call_id: str,
        opened_at: datetime,
        agent: AgentRef,
        request: RelayRequest | TcpRequest,
        policy_digest: str,
    ) -> None:
        self.id = call_id
        self.agent = agent
        self.is_denied = False
        self.is_taken = False
        self._trail = trail
        self._opened_at = opened_at
        # Not the request itself: its body may be large, and entries may wait long for a store that is away.
        self._target = request.target
        self._actor = request.actor
        self._actor_groups = request.actor_groups
        self._request_id = request.request_id
        if isinstance(request, RelayRequest):
            self._method, self._path = request.method, request.path
        else:
            self._method, self._path = "TCP", f"{request.host}:{request.port or ''}"
        self._policy_digest = policy_digest
        self._end: RelayEnd | None = None
        self._closed_at = opened_at

    def closed(self, end: RelayEnd) -> None:
        """Note how it ended."""
        self._end = end
        self._closed_at = self._trail.ended(self)

    def taken(self) -> AuditCall:
        """The record to write; from here on its end is an entry of its own."""
        self.is_taken = True
        return self.record()

    def record(self) -> AuditCall:
        """The record as it is now."""
        return AuditCall(
            id=self.id,
            opened_at=self._opened_at,
            tenant=self.agent.tenant,
            agent=self.agent.name,
            target=self._target,
            actor=self._actor,
            actor_groups=self._actor_groups,
            method=self._method,
            path=_shown(self._path),
            is_denied=self.is_denied,
            request_id=self._request_id,
            policy_digest=self._policy_digest,
            end=None if self._end is None else _ending(self._end, self._closed_at),
        )


def _ending(end: RelayEnd, closed_at: datetime) -> AuditEnd:
    return AuditEnd(
        closed_at=closed_at,
        duration_us=round(end.duration_s * 1_000_000),
        status=end.status,
        sent_bytes=end.sent_bytes,
        received_bytes=end.received_bytes,
        outcome=end.outcome.value,
        code=end.code,
    )


class AuditService:
    """Shows the audit, and forgets what is older than it is kept."""

    def __init__(self, store: AuditStore, clock: Clock, settings: AuditSettings | None = None) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings or AuditSettings()

    async def list(self, wanted: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        """Calls that `wanted` describes, newest first. Errors: InvalidArgument, PageTokenInvalid."""
        limit, query, before = _wanted_page(wanted, page, "")
        found = await self._store.list(wanted, limit=limit + 1, before=before)
        items = found[:limit]
        position = _position(items[-1].call.opened_at, items[-1].sequence) if len(found) > limit else ""
        return Page(items=items, next_token=page_token(query, position) if position else "")

    async def list_actions(self, wanted: AuditFilter, page: PageRequest) -> Page[AuditedAction]:
        """Actions that `wanted` describes, newest first. Errors: InvalidArgument, PageTokenInvalid."""
        limit, query, before = _wanted_page(wanted, page, "actions/")
        found = await self._store.list_actions(wanted, limit=limit + 1, before=before)
        items = found[:limit]
        position = _position(items[-1].action.opened_at, items[-1].sequence) if len(found) > limit else ""
        return Page(items=items, next_token=page_token(query, position) if position else "")

    async def prune(self) -> int:
        """Forget what is too old now; how many entries are gone."""
        older_than = self._clock.now() - timedelta(seconds=self._settings.retention_s)
        gone = 0
        while count := await self._store.prune(older_than, limit=_PRUNE_ENTRIES):
            gone += count
        return gone

    async def keep_pruned(self) -> None:
        """Forget what becomes too old, for ever. Whoever made the service runs this."""
        while True:
            try:
                if gone := await self.prune():
                    log.info("audit.pruned", entries=gone)
            except ServerUnavailable as error:
                log.warning("audit.prune_failed", error=error.message)
            await asyncio.sleep(self._settings.prune_every_s)


def _shown(path: str) -> str:
    shown = audited_path(path)
    return shown if len(shown) <= _PATH_CHARACTERS else f"{shown[: _PATH_CHARACTERS - 1]}…"


def _wanted_page(wanted: AuditFilter, page: PageRequest, prefix: str) -> tuple[int, str, tuple[datetime, int] | None]:
    """Size of the page, mark of the query, and the entry behind which it begins."""
    if wanted.since and wanted.until and wanted.since >= wanted.until:
        raise InvalidArgument.of("end_time", "must be after start_time")
    query = f"{prefix}{wanted.describe()}"
    return page.limit(), query, _cursor(page.after(query))


def _position(opened_at: datetime, sequence: int) -> str:
    return f"{opened_at.isoformat()} {sequence}"


def _cursor(position: str) -> tuple[datetime, int] | None:
    if not position:
        return None
    opened_at, _, sequence = position.partition(" ")
    try:
        return datetime.fromisoformat(opened_at), int(sequence)
    except ValueError as error:
        raise PageTokenInvalid from error
