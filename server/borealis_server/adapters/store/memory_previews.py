"""Previews that are forgotten with the process: for tests, with the same contract as the real store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from borealis_server.domain.preview import Preview, PreviewName, PreviewRule, PreviewState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class MemoryPreviewStore:
    """Implements `ports.previews.PreviewStore`."""

    def __init__(self) -> None:
        self._previews: dict[PreviewName, Preview] = {}
        self._rules: dict[str, PreviewRule] = {}

    async def add_previews(self, previews: Sequence[Preview]) -> tuple[Preview, ...]:
        """Keep previews of one step, all or none; what is kept."""
        kept = []
        for one in previews:
            known = next((old for old in self._previews.values() if _place(old) == _place(one)), None)
            kept.append(self._previews.setdefault((known or one).name, one))
        return tuple(kept)

    async def preview_of(self, token: str) -> Preview | None:
        """The preview with that token, in whichever tenant."""
        return next((one for one in self._previews.values() if one.token == token), None)

    async def get_preview(self, name: PreviewName) -> Preview | None:
        """The preview of that name."""
        return self._previews.get(name)

    async def list_previews(
        self,
        tenant: str,
        *,
        limit: int,
        after: tuple[datetime, str] | None = None,
        deployment: str = "",
        active_at: datetime | None = None,
    ) -> tuple[Preview, ...]:
        """At most `limit` previews of the tenant behind `after`, newest first."""
        found = [
            one
            for one in self._previews.values()
            if one.name.tenant == tenant
            and (after is None or (one.created_at, one.name.id) < after)
            and deployment in ("", one.deployment)
            and (active_at is None or one.state(active_at) is PreviewState.ACTIVE)
        ]
        return tuple(sorted(found, key=lambda one: (one.created_at, one.name.id), reverse=True)[:limit])

    async def live_previews(self, now: datetime) -> tuple[Preview, ...]:
        """Every preview of every tenant that leads somewhere."""
        return tuple(one for one in self._previews.values() if one.state(now) is PreviewState.ACTIVE)

    async def revoke_preview(self, name: PreviewName, at: datetime, why: str) -> Preview | None:
        """End a preview, unless it has ended before; as it is then."""
        kept = self._previews.get(name)
        if kept is not None and kept.revoked_at is None:
            kept = self._previews[name] = replace(kept, revoked_at=at, revoked_why=why)
        return kept

    async def revoke_previews(self, tenant: str, deployment: str, target: str, at: datetime, why: str) -> int:
        """End every preview of a target that leads somewhere; how many."""
        place = (tenant, deployment, target)
        live = [one for one in await self.live_previews(at) if (one.name.tenant, one.deployment, one.target) == place]
        for one in live:
            await self.revoke_preview(one.name, at, why)
        return len(live)

    async def prune_previews(self, expired_before: datetime, *, limit: int) -> int:
        """Forget at most `limit` previews that expired before then; how many."""
        old = [one for one in self._previews.values() if one.expires_at < expired_before]
        old = sorted(old, key=lambda one: one.expires_at)[:limit]
        for one in old:
            del self._previews[one.name]
        return len(old)

    async def preview_rule(self, tenant: str) -> PreviewRule:
        """What the tenant allows; PUBLIC where it has never said."""
        return self._rules.get(tenant, PreviewRule.PUBLIC)

    async def set_preview_rule(self, tenant: str, rule: PreviewRule) -> None:
        """Keep what the tenant allows from now on."""
        self._rules[tenant] = rule


def _place(one: Preview) -> tuple[str, str, str, str, str]:
    return (one.name.tenant, one.deployment, one.target, one.step, one.service)
