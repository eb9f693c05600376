"""What stands behind the pages, and who a browser is logged in as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_server.domain.login.records import Standing
from borealis_server.domain.login.throttle import address_key
from borealis_server.services.browser_logins import Origin
from borealis_server.transport.oauth.requests import address_of
from borealis_server.transport.pages.rendering import BROWSER_COOKIE, DEVICE_COOKIE

if TYPE_CHECKING:
    from starlette.requests import Request

    from borealis_server.domain.login.records import BrowserLogin
    from borealis_server.domain.login.throttle import RateLimit
    from borealis_server.ports.clock import Clock
    from borealis_server.services.authorization import Authorization
    from borealis_server.services.browser_logins import BrowserLogins
    from borealis_server.services.federation import Federation
    from borealis_server.services.people import People
    from borealis_server.services.sessions import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParts:
    """The services that pages call."""

    issuer: str
    logins: BrowserLogins
    authorization: Authorization
    sessions: Sessions
    federation: Federation
    people: People
    clock: Clock
    proxies: int
    """Proxies of our own in front of the web door."""
    may_sign_up: bool
    """Whether strangers may found organizations."""

    def origin(self, request: Request) -> Origin:
        """Where a request comes from."""
        address = address_of(request, self.proxies)
        return Origin(address=address, device=request.cookies.get(DEVICE_COOKIE, ""))

    def wait_s(self, limit: RateLimit, request: Request) -> float:
        """How long the address of a request has to wait; 0: not at all."""
        return limit.take(address_key(address_of(request, self.proxies)), self.clock.now())

    async def who(self, request: Request) -> BrowserLogin | None:
        """Who is logged in with this browser; None while nobody is, or not wholly."""
        login = await self.logins.browser(request.cookies.get(BROWSER_COOKIE, ""))
        return login if login is not None and login.standing is Standing.LOGGED_IN else None
