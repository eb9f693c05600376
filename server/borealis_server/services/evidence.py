"""The evidence of a deployment: the judgements of its analyses, as they are kept with its events."""

from borealis_server.domain.deployment import DeploymentKey, Event
from borealis_server.domain.errors import PageTokenInvalid
from borealis_server.domain.paging import Page, PageRequest, page_token
from borealis_server.ports.store import DeploymentStore

_AT_ONCE = 500


class Evidence:
    """Finds judgements among events."""

    def __init__(self, store: DeploymentStore) -> None:
        self._store = store

    async def list(self, key: DeploymentKey, page: PageRequest, *, target: str = "", step: str = "") -> Page[Event]:
        """Events with a judgement, in order; only of a target or a step, where one is named.

        Errors: DeploymentNotFound, InvalidArgument, PageTokenInvalid.
        """
        await self._store.get(key)
        query, limit = f"judgements/{key.tenant}/{key.id}/{target}/{step}", page.limit()
        found: list[Event] = []
        after = _sequence(page.after(query))
        while len(found) <= limit:
            events = await self._store.events(key, after_sequence=after, limit=_AT_ONCE)
            if not events:
                break
            found += [one for one in events if one.judgement and target in ("", one.target) and step in ("", one.step)]
            after = events[-1].sequence
        items = tuple(found[:limit])
        return Page(items=items, next_token=page_token(query, str(items[-1].sequence)) if len(found) > limit else "")


def _sequence(position: str) -> int:
    if not position:
        return 0
    if not position.isascii() or not position.isdecimal():
        raise PageTokenInvalid
    return int(position)
