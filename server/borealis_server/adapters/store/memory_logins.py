"""Records of logins that go with the process: for tests, with the same contract as the kept ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from borealis_server.domain.login.records import LoginRecord
    from borealis_server.ports.login_store import R, T


class MemoryLoginStore:
    """Implements `ports.login_store.LoginStore`."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], LoginRecord] = {}

    async def add(self, record: LoginRecord) -> bool:
        """Keep a new record; False when its kind has one of that key."""
        place = (record.kind, record.key)
        if place in self._records:
            return False
        self._records[place] = record
        return True

    async def get(self, kind: type[R], key: str) -> R | None:
        """The record of that kind and key, also when its time is over."""
        return cast("R | None", self._records.get((kind.kind, key)))  # what stands under a kind is of it

    async def change(self, kind: type[R], key: str, change: Callable[[R], tuple[R, T]]) -> T | None:
        """Replace a record by what `change` makes of it; what else it gives."""
        before = await self.get(kind, key)
        if before is None:
            return None
        self._records[kind.kind, key], answer = change(before)
        return answer

    async def remove(self, kind: type[LoginRecord], key: str) -> bool:
        """Forget a record; whether there was one."""
        return self._records.pop((kind.kind, key), None) is not None

    async def of_user(self, kind: type[R], user_id: str) -> tuple[R, ...]:
        """Every record of that kind that belongs to the user, by key."""
        found = [
            cast("R", record)  # as above
            for (word, _), record in sorted(self._records.items())
            if word == kind.kind and user_id and record.user_id == user_id
        ]
        return tuple(found)

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Forget at most `limit` records whose time was over at that moment; how many are gone."""
        over = [place for place, record in self._records.items() if record.is_over(before)][:limit]
        for place in over:
            del self._records[place]
        return len(over)
