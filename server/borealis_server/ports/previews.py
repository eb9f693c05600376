"""Where previews are kept, and what tenants allow of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from borealis_server.domain.preview import Preview, PreviewName, PreviewRule


class PreviewStore(Protocol):
    """Keeps previews. Everything written is durable when the call returns."""

    async def add_previews(self, previews: Sequence[Preview]) -> tuple[Preview, ...]:
        """Keep previews of one step, all or none; what is kept, in their order.

        Where the step has made a preview of the same Service before, that one stays and comes back.
        """
        ...

    async def preview_of(self, token: str) -> Preview | None:
        """The preview with that token, in whichever tenant."""
        ...

    async def get_preview(self, name: PreviewName) -> Preview | None:
        """The preview of that name."""
        ...

    async def list_previews(
        self,
        tenant: str,
        *,
        limit: int,
        after: tuple[datetime, str] | None = None,
        deployment: str = "",
        active_at: datetime | None = None,
    ) -> tuple[Preview, ...]:
        """At most `limit` previews of the tenant behind `after`, newest first (by creation, then id, descending).

        With `active_at` only those that neither had expired nor are revoked by then.
        """
        ...

    async def live_previews(self, now: datetime) -> tuple[Preview, ...]:
        """Every preview of every tenant that leads somewhere."""
        ...

    async def revoke_preview(self, name: PreviewName, at: datetime, why: str) -> Preview | None:
        """End a preview, unless it has ended before; as it is then, None when there is none."""
        ...

    async def revoke_previews(self, tenant: str, deployment: str, target: str, at: datetime, why: str) -> int:
        """End every preview of a target that leads somewhere; how many."""
        ...

    async def prune_previews(self, expired_before: datetime, *, limit: int) -> int:
        """Forget at most `limit` previews that expired before then; how many."""
        ...

    async def preview_rule(self, tenant: str) -> PreviewRule:
        """What the tenant allows; PUBLIC where it has never said."""
        ...

    async def set_preview_rule(self, tenant: str, rule: PreviewRule) -> None:
        """Keep what the tenant allows from now on."""
        ...
