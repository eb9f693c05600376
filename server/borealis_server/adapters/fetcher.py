"""Fetches texts over HTTP on a few threads of its own, so that slow machines elsewhere hold nobody up."""

from __future__ import annotations

import asyncio
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from borealis_fetch.errors import FetchError, NotPublicError
from borealis_fetch.fetch import Limits, fetch
from borealis_server.ports.fetcher import Fetched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_THREADS: Final = 4
_TIME_S: Final = 30.0
_TOTAL_BYTES: Final = 32 * 2**20
_ADVICE: Final = "the server's setting allow_private_addresses allows it"


class HttpFetcher:
    """Implements `ports.fetcher.Fetcher`."""

    def __init__(self, threads: ThreadPoolExecutor, limits: Limits) -> None:
        self._threads = threads
        self._limits = limits
        self._tls = ssl.create_default_context()

    async def fetch(self, addresses: Sequence[str]) -> Fetched:
        """What the addresses answer; the limit of time holds for all of them together."""
        contents: dict[str, bytes] = {}
        failures: dict[str, str] = {}
        deadline = time.monotonic() + self._limits.time_s

        async def one(address: str) -> None:
            loop = asyncio.get_running_loop()
            try:
                content = await loop.run_in_executor(self._threads, self._get, address, deadline)
            except FetchError as error:
                failures[address] = f"{error}; {_ADVICE}" if isinstance(error, NotPublicError) else str(error)
                return
            if sum(map(len, contents.values())) + len(content) > _TOTAL_BYTES:
                failures[address] = f"all files together have more than {_TOTAL_BYTES >> 20} MiB"
            else:
                contents[address] = content

        try:
            async with asyncio.timeout(self._limits.time_s), asyncio.TaskGroup() as group:
                for address in addresses:
                    group.create_task(one(address), name="fetch")
        except TimeoutError:
            late = f"it did not answer wholly within {self._limits.time_s:g} s"
            failures |= {address: late for address in addresses if address not in contents and address not in failures}
        return Fetched(contents=contents, failures=failures)

    def _get(self, address: str, deadline: float) -> bytes:
        left_s = deadline - time.monotonic()
        return fetch(address, replace(self._limits, time_s=max(left_s, 0.0)), tls=self._tls)


@asynccontextmanager
async def open_fetcher(*, allows_private: bool = False, time_s: float = _TIME_S) -> AsyncIterator[HttpFetcher]:
    """A fetcher while the context is open. Leaving it does not wait for answers that nobody awaits any more."""
    threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="fetch")
    try:
        yield HttpFetcher(threads, Limits(allows_private=allows_private, time_s=time_s))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
