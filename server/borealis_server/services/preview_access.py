"""Visits of previews: may this request go on, and off it goes to the Service, for as long as the preview lives.

Owns authority and limits of one visit. Which words a refusal has on a page is here too, since it tells what happened.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from borealis_server.domain.access import Permission, is_allowed
from borealis_server.domain.errors import (
    AgentUnavailable,
    BorealisError,
    Denied,
    Exhausted,
    NotAuthenticated,
    RelayRefused,
)
from borealis_server.domain.preview import (
    COOKIE,
    ENTRY_PATH,
    Preview,
    PreviewRule,
    cookie_value,
    subject_of_cookie,
    subject_of_ticket,
)
from borealis_server.domain.preview_headers import cookies, is_our_token, to_application, to_visitor
from borealis_server.ports.relay import AgentRef, Priority, RelayRequest
from borealis_server.services.plain_answer import PlainAnswer
from borealis_server.services.previews import RECHECK_S, LivePreview

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

    from borealis_server.domain.identity import Principal
    from borealis_server.domain.preview_headers import Fields
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.relay import DuplexRelay, RelayDuplex
    from borealis_server.services.previews import Previews

HEAD_LIMIT_S: Final = 60.0
"""How long an application may take until the head of its answer."""
VISITORS_OF_ONE: Final = 100
"""Requests of one preview that may be under way, so that none takes an agent's room from deliveries."""
VISITORS_OF_ALL: Final = 1000
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SUFFIXES: Final = (".svc", ".svc.cluster.local", "")
_BEARER: Final = "bearer "
_TIMED_OUT: Final = frozenset({"DIAL_TIMEOUT", "DEADLINE", "IDLE"})
_USUAL_PORT: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a visitor asks for."""

    hosts: tuple[str, ...]
    """Every Host field; one, if the request is sound."""
    method: str
    path: str
    """As it came: path with query, percent-encoded."""
    headers: Fields = field(repr=False)
    visitor: str = ""
    """Address of the machine that asks; empty if it is not known."""
    is_upgrade: bool = False
    """Whether it asks to switch to WebSocket."""
    request_id: str = ""


class NotServed(Exception):  # noqa: N818 - an answer, told by the door
    """A visit that ends with a page of ours, or with a redirect."""

    def __init__(self, status: int, title: str, text: str, *, headers: Fields = ()) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.headers = headers


class PreviewAccess:
    """Lets visitors through to previewed Services, if they may."""

    def __init__(
        self,
        previews: Previews,
        relay: DuplexRelay,
        verify: Callable[[str, str], Awaitable[Principal]],
        clock: Clock,
        *,
        issuer: str,
    ) -> None:
        self._previews = previews
        self._relay = relay
        self._verify = verify
        self._clock = clock
        self._issuer = issuer
        self._visitors = 0

    def covers(self, host: str) -> bool:
        """Whether a Host field means a preview, an unknown one included."""
        return self._previews.address.covers(host)

    async def admit(self, visit: Visit) -> LivePreview:
        """The preview that a visit is for. Errors: NotServed."""
        _check(visit)
        token = self._previews.address.token_of(visit.hosts[0])
        found = await self._previews.find(token) if token else None
        if found is None:
            raise _unknown()
        if isinstance(found, Preview):
            raise _ended(found)
        if found.rule is PreviewRule.FORBIDDEN:
            raise NotServed(403, "Previews are switched off", "An administrator of this tenant allows no previews.")
        if found.preview.requires_login or found.rule is PreviewRule.LOGIN:
            await self._check_login(found.preview, visit)
        return found

    @asynccontextmanager
    async def open(
        self, live: LivePreview, visit: Visit, body: bytes | AsyncIterable[bytes] = b""
    ) -> AsyncIterator[RelayDuplex]:
        """Send a visit to the Service; gives the exchange once the head of the answer is there. Leaving it ends it.

        Errors: NotServed before the head; afterwards those of `Relay.call`.
        """
        if live.visitors >= VISITORS_OF_ONE or self._visitors >= VISITORS_OF_ALL:
            raise _busy()
        live.visitors += 1
        self._visitors += 1
        has_begun = False
        try:
            async with self._exchange(live.preview, visit, body) as answer:
                has_begun = True
                yield answer
        except BorealisError as error:
            if has_begun:
                raise
            raise _failed(error) from error
        finally:
            live.visitors -= 1
            self._visitors -= 1

    async def ended(self, live: LivePreview) -> None:
        """Return once the preview leads nowhere any more."""
        while not live.ended.is_set():
            left_s = (live.preview.expires_at - self._clock.now()) / timedelta(seconds=1)
            if left_s <= 0:
                return
            try:
                async with asyncio.timeout(min(RECHECK_S, left_s)):
                    await live.ended.wait()
            except TimeoutError:
                if not isinstance(await self._previews.find(live.preview.token), LivePreview):
                    return

    def returned(self, live: LivePreview, headers: Fields) -> Fields:
        """The fields of an answer that go back to the visitor."""
        one = live.preview
        names = {f"{one.service}.{one.namespace}{suffix}" for suffix in _SUFFIXES} | {one.service}
        hosts = {f"{name}:{one.port}" for name in names} | (names if one.port == _USUAL_PORT else set())
        authority = self._previews.address.authority_of(one)
        return to_visitor(headers, authority=authority, service_hosts=frozenset(hosts))

    @asynccontextmanager
    async def _exchange(
        self, preview: Preview, visit: Visit, body: bytes | AsyncIterable[bytes]
    ) -> AsyncIterator[RelayDuplex]:
        agent = AgentRef(tenant=preview.name.tenant, name=preview.agent)
        request = self._request(preview, visit, body)
        if visit.is_upgrade:
            async with self._relay.duplex(agent, request) as duplex:
                yield duplex
        else:
            async with self._relay.call(agent, request) as response:
                yield PlainAnswer(response)

    async def _check_login(self, preview: Preview, visit: Visit) -> None:
        """Errors: NotServed, with a redirect where a ticket was changed into a cookie."""
        now = self._clock.now()
        path, _, query = visit.path.partition("?")
        if path == ENTRY_PATH:
            given = dict(parse_qsl(query)).get("ticket", "")
            subject = subject_of_ticket(preview, given, now)
            if not subject:
                raise _login("The link that should log you in is older than a minute, or was cut.")
            value = f"{COOKIE}={cookie_value(preview, subject)}; Path=/; Secure; HttpOnly; SameSite=Lax"
            raise NotServed(303, "Welcome", "On to the preview.", headers=(("location", "/"), ("set-cookie", value)))
        if any(subject_of_cookie(preview, value, now) for value in cookies(visit.headers, COOKIE)):
            return
        tokens = [value for name, value in visit.headers if name == "authorization"]
        if not (len(tokens) == 1 and is_our_token(tokens[0], self._issuer) and await self._may(preview, tokens[0])):
            raise _login("Only people of its tenant may visit it.")

    async def _may(self, preview: Preview, authorization: str) -> bool:
        try:
            caller = await self._verify(authorization[len(_BEARER) :].strip(), preview.name.tenant)
        except (NotAuthenticated, Denied):
            return False
        return is_allowed(caller.grants, Permission.DEPLOYMENTS_READ, preview.name.tenant)

    def _request(self, preview: Preview, visit: Visit, body: bytes | AsyncIterable[bytes]) -> RelayRequest:
        host = visit.hosts[0]
        fields = to_application(visit.headers, host=host, visitor=visit.visitor, issuer=self._issuer)
        if visit.is_upgrade:
            fields = (*fields, ("connection", "Upgrade"), ("upgrade", "websocket"))
        return RelayRequest(
            method=visit.method,
            path=visit.path,
            headers=fields,
            body=body,
            target=preview.agent_target,
            timeout_s=HEAD_LIMIT_S,
            idle_timeout_s=0.0,  # a quiet stream of events is in order, until the preview expires
            deadline_s=max(0.001, (preview.expires_at - self._clock.now()) / timedelta(seconds=1)),
            request_id=visit.request_id,
            actor=str(preview.name),
            priority=Priority.INTERACTIVE if visit.is_upgrade else Priority.BULK,
        )


def _check(visit: Visit) -> None:
    """Errors: NotServed for a request that two readers could understand differently, or that cannot pass."""
    if len(visit.hosts) != 1 or "," in visit.hosts[0]:
        raise NotServed(400, "Not one host", "The request does not say for which single host it is.")
    if visit.method not in _METHODS:
        text = f"{visit.method[:20]} does not pass a preview."
        raise NotServed(405, "Method not allowed", text, headers=(("allow", ", ".join(sorted(_METHODS))),))
    if not visit.path.startswith("/"):
        raise NotServed(400, "Not a path", "The request asks for something else than a path of this host.")


def _unknown() -> NotServed:
    return NotServed(404, "No such preview", "There is no preview at this address, or it ended long ago.")


def _ended(preview: Preview) -> NotServed:
    if preview.revoked_at is not None:
        when = f"{preview.revoked_at:%Y-%m-%d %H:%M} UTC"
        return NotServed(410, "This preview was ended", f"It was ended at {when}: {_public(preview.revoked_why)}.")
    when = f"{preview.expires_at:%Y-%m-%d %H:%M} UTC"
    return NotServed(410, "This preview has expired", f"It ended at {when}. Ask whoever sent you here for a new one.")


def _public(why: str) -> str:
    """Why a preview was ended, without the name of whoever did it: the page is for anybody."""
    return "it was revoked" if why.startswith("revoked by ") else why


def _login(why: str) -> NotServed:
    text = f"{why} Run `borealis preview open NAME`, or send an access token as `Authorization: Bearer TOKEN`."
    return NotServed(401, "This preview wants a login", text, headers=(("www-authenticate", "Bearer"),))


def _busy() -> NotServed:
    text = "More people look at it than it takes at one time."
    return NotServed(503, "Too many visitors", text, headers=(("retry-after", "2"),))


def _failed(error: BorealisError) -> NotServed:
    """What a visitor learns of a request that did not get through: nothing of the inside of a cluster."""
    if isinstance(error, Exhausted):
        return _busy()
    if isinstance(error, AgentUnavailable):
        return NotServed(502, "The cluster is away", "The agent of the cluster is not connected; try again in a while.")
    if isinstance(error, RelayRefused):
        if error.code in {"DENIED", "PROTOCOL", "TOO_LARGE"} and not error.dispatched:
            return NotServed(403, "Not let through", "The agent of the cluster does not let this request pass.")
        if error.code in _TIMED_OUT:
            return NotServed(504, "The application is slow", "It did not answer in time.")
        return NotServed(502, "The application does not answer", "It cannot be reached, or does not speak HTTP.")
    return NotServed(503, "Not now", "The server cannot answer now; try again in a moment.")
