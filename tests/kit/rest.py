"""Plain requests to a Kubernetes API server, for tests: no model of any kind, only addresses and JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from kit.api_server import ApiServer

_LIMIT_S = 20.0
_CONTENT_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}

# Any throughout: the JSON of an object has as many shapes as there are kinds.


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    """HTTP status."""
    body: Any
    """Decoded JSON."""

    def ok(self) -> Any:
        """The body of an answer that must be a success."""
        assert self.status < 400, (self.status, self.body)
        return self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """One event of a watch."""

    type: str
    """ADDED, MODIFIED, DELETED, BOOKMARK or ERROR."""
    object: Any
    """The object it is about."""


class Rest:
    """Requests to one API server."""

    def __init__(self, session: aiohttp.ClientSession, api: ApiServer) -> None:
        self._session = session
        self._api = api

    async def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **query: str
    ) -> Answer:
        """Send one request."""
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type}
        async with self._session.request(
            method, f"{self._api.url}{path}", data=data, params=query, headers=headers
        ) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return Answer(status=answer.status, body=json.loads(text) if is_json else text)

    async def get(self, path: str, **query: str) -> Answer:
        """Get an object or a list."""
        return await self.request("GET", path, **query)

    async def post(self, path: str, body: Any, **query: str) -> Answer:
        """Create an object."""
        return await self.request("POST", path, body, **query)

    async def put(self, path: str, body: Any, **query: str) -> Answer:
        """Replace an object."""
        return await self.request("PUT", path, body, **query)

    async def patch(self, path: str, body: Any, *, how: str = "merge", **query: str) -> Answer:
        """Change an object; `how` is merge, strategic, json or apply."""
        return await self.request("PATCH", path, body, content_type=_CONTENT_TYPES[how], **query)

    async def apply(self, path: str, body: Any, *, manager: str, force: bool = False) -> Answer:
        """Apply an object server-side."""
        query = {"fieldManager": manager, **({"force": "true"} if force else {})}
        return await self.patch(path, body, how="apply", **query)

    async def delete(self, path: str, options: Any = None, **query: str) -> Answer:
        """Delete an object."""
        return await self.request("DELETE", path, options, **query)

    async def watch(self, path: str, **query: str) -> AsyncGenerator[WatchEvent, None]:
        """Follow a collection until the server ends the watch."""
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_LIMIT_S)
        params = {"watch": "true", **query}
        async with self._session.get(f"{self._api.url}{path}", params=params, timeout=timeout) as answer:
            assert answer.status == 200, (answer.status, await answer.text())
            async for line in answer.content:
                event = json.loads(line)
                yield WatchEvent(type=event["type"], object=event["object"])

    async def until(self, path: str, holds: Callable[[Any], bool], *, limit_s: float = _LIMIT_S) -> Any:
        """The object at `path` once `holds` is true of it; follows it by a watch, and fails with its last state."""
        collection, _, name = path.rpartition("/")
        last: Any = None
        try:
            async with asyncio.timeout(limit_s):
                events = self.watch(collection, fieldSelector=f"metadata.name={name}")
                async with contextlib.aclosing(events):
                    async for event in events:
                        last = event.object
                        if event.type in {"ADDED", "MODIFIED"} and holds(last):
                            return last
        except TimeoutError:
            pass
        raise AssertionError(f"{path} within {limit_s:g} s not as expected; last seen: {json.dumps(last)}")

    async def until_gone(self, path: str, *, limit_s: float = _LIMIT_S) -> None:
        """Return once there is nothing at `path`."""
        async with asyncio.timeout(limit_s):
            while (await self.get(path)).status != 404:
                await asyncio.sleep(0.05)

    async def until_list(
        self, path: str, holds: Callable[[list[Any]], bool], *, limit_s: float = _LIMIT_S, **query: str
    ) -> list[Any]:
        """The items of the list at `path` once `holds` is true of them."""
        items: list[Any] = []
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    items = (await self.get(path, **query)).ok()["items"]
                    if holds(items):
                        return items
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{path} within {limit_s:g} s not as expected; last: {json.dumps(items)}") from None

    async def create_namespace(self) -> str:
        """The name of a new namespace in which pods can be created."""
        name = f"test-{secrets.token_hex(4)}"
        (await self.post("/api/v1/namespaces", {"metadata": {"name": name}})).ok()
        await self.until(f"/api/v1/namespaces/{name}/serviceaccounts/default", lambda _: True)
        return name


@contextlib.asynccontextmanager
async def open_rest(api: ApiServer) -> AsyncIterator[Rest]:
    """Requests to `api` with its own credentials."""
    connector = aiohttp.TCPConnector(ssl=api.ssl_context())
    timeout = aiohttp.ClientTimeout(total=_LIMIT_S)
    async with aiohttp.ClientSession(connector=connector, headers=api.headers, timeout=timeout) as session:
        yield Rest(session, api)
