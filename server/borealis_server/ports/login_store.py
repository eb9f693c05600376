"""Where records of logins are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from borealis_server.domain.login.records import LoginRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

R = TypeVar("R", bound=LoginRecord)
T = TypeVar("T")


class LoginStore(Protocol):
    """Keeps records of logins by kind and key. Everything written is durable when the call returns."""

    async def add(self, record: LoginRecord) -> bool:
        """Keep a new record; False, and nothing happens, when its kind has one of that key."""
        ...

    async def get(self, kind: type[R], key: str) -> R | None:
        """The record of that kind and key, also when its time is over."""
        ...

    async def change(self, kind: type[R], key: str, change: Callable[[R], tuple[R, T]]) -> T | None:
        """Replace a record by what `change` makes of it, pure and fast, in one transaction.

        Shape: what else `change` gives; None when there is no such record.
        """
        ...

    async def remove(self, kind: type[LoginRecord], key: str) -> bool:
        """Forget a record; whether there was one."""
        ...

    async def of_user(self, kind: type[R], user_id: str) -> tuple[R, ...]:
        """Every record of that kind that belongs to the user, by key."""
        ...

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Forget at most `limit` records whose time was over at that moment; how many are gone."""
        ...
