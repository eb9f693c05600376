"""Organizations as they are now, or were a moment ago: what every call asks for its authority.

Owns how old that knowledge may be. Who may change them, and how, is for the services of their parts to say.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from borealis_server.domain.directory_changes import changes_of
from borealis_server.ports.audit_notes import is_noting, note_change, noting_changes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from borealis_server.domain.audit import AuditChange
    from borealis_server.domain.directory import Directory
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.directory import DirectoryStore

LAG_S: Final = 1.0
"""How old our knowledge of who may do what may be."""

_ENTRIES: Final = 10_000

T = TypeVar("T")


class OwnChange(Protocol):
    """Hears of changes in whose course no call is audited: somebody has signed up, or accepted an invitation."""

    async def __call__(self, after: Directory, changes: Sequence[AuditChange], /) -> None:
        """Something of the organization was changed."""
        ...


class Directories:
    """Reads organizations through a cache that another server's changes reach within `lag_s`, and our own at once."""

    def __init__(
        self, store: DirectoryStore, clock: Clock, *, lag_s: float = LAG_S, on_own_change: OwnChange | None = None
    ) -> None:
        self._on_own_change = on_own_change
        self.store = store
        self._clock = clock
        self._lag = timedelta(seconds=lag_s)
        self._version = -1
        self._checked_at: datetime | None = None
        self._lock = asyncio.Lock()
        self._organizations: Remembered[str | None] = Remembered(self)
        self._directories: Remembered[Directory | None] = Remembered(self)

    async def get(self, organization: str) -> Directory | None:
        """The organization of that id."""
        return await self._directories.get(organization, lambda: self.store.get(organization))

    async def of_tenant(self, tenant: str) -> Directory | None:
        """The organization that has the tenant of that id."""
        return await self._of(f"tenants/{tenant}", lambda: self.store.organization_of_tenant(tenant))

    async def of_user(self, user: str) -> Directory | None:
        """The organization of the person with that id."""
        return await self._of(f"users/{user}", lambda: self.store.organization_of_user(user))

    async def create(self, directory: Directory) -> None:
        """Keep a new organization, as `DirectoryStore.create`."""
        await self.store.create(directory)
        self.forget()
        await self._tell(replace(directory, tenants={}, users={}, roles={}), directory)

    async def change(
        self, organization: str, decide: Callable[[Directory], Directory], *, with_credentials: bool = False
    ) -> Directory:
        """Change an organization, as `DirectoryStore.change`; every later call sees it, and so does the audit."""
        seen: list[Directory] = []

        def decided(newest: Directory) -> Directory:
            seen.append(newest)
            return decide(newest)

        try:
            after = await self.store.change(organization, decided, with_credentials=with_credentials)
        finally:
            self.forget()
        await self._tell(seen[-1], after)
        return after

    def forget(self) -> None:
        """Something has changed, or may have: look again before the next answer."""
        self._checked_at = None

    async def version(self) -> int:
        """The version of all organizations that answers are held to now. Errors: ServerUnavailable."""
        if not self._is_fresh():
            async with self._lock:
                if not self._is_fresh():
                    now = self._clock.now()
                    self._version = await self.store.version()
                    self._checked_at = now
        return self._version

    async def _tell(self, before: Directory, after: Directory) -> None:
        """The audit hears of a change: with the call that has made it, or by itself."""
        with noting_changes() if not is_noting() else nullcontext() as own:
            for what, was, now in changes_of(before, after):
                note_change(what, before=was, after=now)
        if own and self._on_own_change is not None:
            await self._on_own_change(after, own)

    def _is_fresh(self) -> bool:
        return self._checked_at is not None and timedelta(0) <= self._clock.now() - self._checked_at < self._lag

    async def _of(self, key: str, find: Callable[[], Awaitable[str | None]]) -> Directory | None:
        organization = await self._organizations.get(key, find)
        return None if organization is None else await self.get(organization)


class Remembered(Generic[T]):
    """Answers that are good as long as no organization has changed."""

    def __init__(self, directories: Directories) -> None:
        self._directories = directories
        self._version = -1
        self._known: OrderedDict[str, T] = OrderedDict()

    async def get(self, key: str, find: Callable[[], Awaitable[T]]) -> T:
        """The answer for `key`, from `find` where it is not known."""
        version = await self._directories.version()
        if version != self._version:
            self._known.clear()
            self._version = version
        if key in self._known:
            return self._known[key]
        found = await find()
        if version == self._version == await self._directories.version():
            self._known[key] = found
            if len(self._known) > _ENTRIES:
                self._known.popitem(last=False)
        return found
