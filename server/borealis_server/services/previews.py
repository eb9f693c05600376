"""Previews: made for a step, listed, ended by people, by time, and by the way back of their target.

Owns which addresses lead somewhere, and knows it in memory: a visitor's request costs no read of the store.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.deployment_access import check_revocation
from borealis_server.domain.errors import DeploymentNotFound, PageTokenInvalid, PreviewEnded, PreviewNotFound
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id
from borealis_server.domain.paging import Page, page_token
from borealis_server.domain.preview import (
    KEPT_AFTER_END,
    KEY_BYTES,
    TOKEN_BYTES,
    Preview,
    PreviewAddress,
    PreviewName,
    PreviewRule,
    PreviewState,
    ticket,
    token_of_bytes,
)
from borealis_server.domain.states import Phase, TargetState
from borealis_server.ports.audit_notes import note_change

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from borealis_server.domain.deployment import TargetRun
    from borealis_server.domain.identity import Principal
    from borealis_server.domain.paging import PageRequest
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.previews import PreviewStore
    from borealis_server.ports.randomness import Randomness
    from borealis_server.ports.store import Committed
    from borealis_server.services.journal import Journal

RECHECK_S: Final = 5.0
"""How old what is known of a preview may be, where another process of the server has ended it."""
_RETRY_S: Final = 2.0
_MOST_KNOWN: Final = 10_000
_PRUNED_AT_ONCE: Final = 1000
_TURNED: Final = frozenset({TargetState.ROLLING_BACK, TargetState.FAILED, TargetState.CANCELLED})
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """A Service that is to be exposed, at its one port."""

    service: str
    port: int


@dataclass(slots=True, kw_only=True)
class LivePreview:
    """A preview that leads somewhere, as far as is known."""

    preview: Preview
    rule: PreviewRule
    read_at: datetime
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it leads nowhere any more, before its time."""
    visitors: int = 0
    """Requests that are under way."""


class Previews:
    """Makes, finds, lists and ends previews. Use `open_previews`."""

    def __init__(
        self, store: PreviewStore, journal: Journal, clock: Clock, randomness: Randomness, address: PreviewAddress
    ) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._randomness = randomness
        self.address = address
        self._known: dict[str, LivePreview] = {}
        self._turned: set[tuple[DeploymentKey, str]] = set()
        self._has_turned = asyncio.Event()

    async def expose(
        self, key: DeploymentKey, run: TargetRun, step: str, ports: Sequence[ServicePort], *, ttl_s: float, login: bool
    ) -> tuple[Preview, ...]:
        """Previews of Services for a step; those that the step has made before stay as they are."""
        now = self._clock.now()
        made = [
            Preview(
                name=PreviewName(key.tenant, random_id(self._randomness.token_bytes(RANDOM_ID_BYTES))),
                token=token_of_bytes(self._randomness.token_bytes(TOKEN_BYTES)),
                deployment=key.id,
                target=run.name,
                step=step,
                agent=run.account,
                namespace=run.namespace or "default",
                service=one.service,
                port=one.port,
                requires_login=login,
                key=self._randomness.token_bytes(KEY_BYTES),
                created_at=now,
                expires_at=now + timedelta(seconds=ttl_s),
            )
            for one in ports
        ]
        kept = await self._store.add_previews(made)
        await self._store.prune_previews(now - KEPT_AFTER_END, limit=_PRUNED_AT_ONCE)
        # The target may have turned back while the addresses were made: nobody told us then, since there were none.
        await self._end_if_turned(key, run.name)
        return kept

    async def find(self, token: str) -> LivePreview | Preview | None:
        """The preview of that token if it leads somewhere; as it was kept if not any more; None if there was none."""
        now = self._clock.now()
        live = self._known.get(token)
        if live and not live.ended.is_set() and now < live.preview.expires_at and self._is_fresh(live, now):
            return live
        preview = await self._store.preview_of(token)
        if preview is None or preview.state(now) is not PreviewState.ACTIVE:
            self._forget(token)
            return preview
        rule = await self._store.preview_rule(preview.name.tenant)
        live = self._known.get(token)
        if live is None or live.ended.is_set():
            self._make_room(now)
            live = self._known[token] = LivePreview(preview=preview, rule=rule, read_at=now)
        live.rule, live.read_at = rule, now
        return live

    async def list(
        self, tenant: str, page: PageRequest, *, deployment: str = "", active_only: bool = False
    ) -> Page[Preview]:
        """Previews of the tenant, newest first. Errors: InvalidArgument, PageTokenInvalid."""
        query, limit = f"previews/{tenant}/{deployment}/{active_only}", page.limit()
        position = page.after(query)
        after = _cursor(position) if position else None
        found = await self._store.list_previews(
            tenant,
            limit=limit + 1,
            after=after,
            deployment=deployment,
            active_at=self._clock.now() if active_only else None,
        )
        items = found[:limit]
        more = len(found) > limit
        return Page(items=items, next_token=page_token(query, _position(items[-1])) if more else "")

    async def revoke(self, caller: Principal, name: PreviewName) -> Preview:
        """End a preview at once; one that has ended stays as it is.

        Errors: PreviewNotFound, also for one of another tenant; PermissionDenied.
        """
        preview = await self._own(caller.tenant, name)
        try:
            deployment = await self._journal.store.get(DeploymentKey(tenant=caller.tenant, id=preview.deployment))
            check_revocation(caller, deployment, preview.target)
        except DeploymentNotFound:
            log.info("previews.orphan_revoked", preview=str(name))  # nobody's rights in its target are known any more
        ended = await self._store.revoke_preview(name, self._clock.now(), f"revoked by {caller.actor}")
        if ended is None:
            raise PreviewNotFound(name)
        self._forget(ended.token)
        note_change(name, before={"state": preview.state(self._clock.now())}, after={"state": PreviewState.REVOKED})
        return ended

    async def entry(self, tenant: str, name: PreviewName, *, subject: str) -> str:
        """An address that logs a browser in and leads to the preview; good for a minute.

        Errors: PreviewNotFound; PreviewEnded.
        """
        preview = await self._own(tenant, name)
        now = self._clock.now()
        if preview.state(now) is not PreviewState.ACTIVE:
            raise PreviewEnded(name, preview.state(now).value.lower())
        return f"{self.address.url_of(preview)}.borealis/enter?ticket={ticket(preview, subject, now)}"

    async def rule(self, tenant: str) -> PreviewRule:
        """What the tenant allows."""
        return await self._store.preview_rule(tenant)

    async def set_rule(self, tenant: str, rule: PreviewRule) -> None:
        """Change what the tenant allows; visitors that it does not allow any more are cut off."""
        before = await self._store.preview_rule(tenant)
        note_change(f"tenants/{tenant}/previewRule", before={"rule": before}, after={"rule": rule})
        await self._store.set_preview_rule(tenant, rule)
        for live in tuple(self._known.values()):
            if live.preview.name.tenant == tenant:
                self._forget(live.preview.token)

    def state_of(self, preview: Preview) -> PreviewState:
        """Whether it leads anywhere now."""
        return preview.state(self._clock.now())

    async def keep(self, ready: asyncio.Event) -> None:
        """End previews whose target turns back, until cancelled; first those whose target did so meanwhile."""
        self._journal.on_commit(self._on_commit)
        places = {
            (one.name.tenant, one.deployment, one.target) for one in await self._store.live_previews(self._clock.now())
        }
        ready.set()
        for tenant, deployment, target in places:
            await self._with_retries(DeploymentKey(tenant=tenant, id=deployment), target)
        while True:
            await self._has_turned.wait()
            self._has_turned.clear()
            for key, target in tuple(self._turned):
                await self._with_retries(key, target)
                self._turned.discard((key, target))

    def _on_commit(self, committed: Committed) -> None:
        for run in committed.after.targets:
            if run.state in _TURNED and committed.before.target(run.name).state not in _TURNED:
                self._forget_of(committed.after.key, run.name)
                self._turned.add((committed.after.key, run.name))
                self._has_turned.set()

    async def _with_retries(self, key: DeploymentKey, target: str) -> None:
        while True:
            try:
                await self._end_if_turned(key, target)
            except Exception:  # the store is away; what is known in memory has ended already
                log.exception("previews.not_ended", deployment=key.id, target=target)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _end_if_turned(self, key: DeploymentKey, target: str) -> None:
        try:
            run = (await self._journal.store.get(key)).target(target)
            is_turned, why = run.state in _TURNED, "the deployment was rolled back"
            if run.state is not TargetState.ROLLING_BACK and run.phase is Phase.ENDED:
                why = "the deployment has ended without success"
        except DeploymentNotFound:
            is_turned, why = True, "its deployment is gone"
        if is_turned and await self._store.revoke_previews(key.tenant, key.id, target, self._clock.now(), why):
            self._forget_of(key, target)

    async def _own(self, tenant: str, name: PreviewName) -> Preview:
        preview = await self._store.get_preview(name) if name.tenant == tenant else None
        if preview is None:
            raise PreviewNotFound(name)
        return preview

    def _is_fresh(self, live: LivePreview, now: datetime) -> bool:
        return now - live.read_at < timedelta(seconds=RECHECK_S)

    def _forget(self, token: str) -> None:
        live = self._known.pop(token, None)
        if live:
            live.ended.set()

    def _forget_of(self, key: DeploymentKey, target: str) -> None:
        for live in tuple(self._known.values()):
            one = live.preview
            if (one.name.tenant, one.deployment, one.target) == (key.tenant, key.id, target):
                self._forget(one.token)

    def _make_room(self, now: datetime) -> None:
        """Forget what nobody visits, where much is known."""
        if len(self._known) >= _MOST_KNOWN:
            idle = [token for token, one in self._known.items() if not one.visitors or now >= one.preview.expires_at]
            for token in idle:
                self._forget(token)


@asynccontextmanager
async def open_previews(previews: Previews) -> AsyncIterator[Previews]:
    """Previews that end when their targets turn back, while the context is open."""
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(previews.keep(ready), name="previews")
        await ready.wait()
        try:
            yield previews
        finally:
            keeper.cancel()


def _position(preview: Preview) -> str:
    return f"{preview.created_at.isoformat()} {preview.name.id}"


def _cursor(position: str) -> tuple[datetime, str]:
    created, _, preview = position.partition(" ")
    try:
        return datetime.fromisoformat(created), preview
    except ValueError as error:
        raise PageTokenInvalid from error
