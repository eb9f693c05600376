"""The page of a person's own login: who they are, which programs act for them, their password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from borealis_server.domain.login.passwords import MIN_CHARACTERS
from borealis_server.domain.login.refusals import GrantRefused, LoginRefused
from borealis_server.transport.pages.rendering import HOME, STYLE_PATH, FormForged, failed, form_of, page, see, style

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from borealis_server.domain.login.records import BrowserLogin
    from borealis_server.transport.pages.parts import PageParts


class AccountPages:
    """Serves it."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    def routes(self) -> list[Route]:
        """Where it answers."""
        return [
            Route(HOME, self.account, methods=["GET"]),
            Route(f"{HOME}/sessions", self.end_session, methods=["POST"]),
            Route(f"{HOME}/password", self.change_password, methods=["POST"]),
            Route(STYLE_PATH, style, methods=["GET"]),
        ]

    async def account(self, request: Request) -> Response:
        """Who is logged in."""
        login = await self._parts.who(request)
        return await self._page(request, login) if login else see("/login")

    async def end_session(self, request: Request) -> Response:
        """Log a program out."""
        try:
            asked = await form_of(request, self._parts.issuer)
        except (FormForged, GrantRefused) as error:
            return failed(request, error)
        login = await self._parts.who(request)
        own = {session.key for session in await self._parts.sessions.of_user(login.user_id)} if login else set()
        if asked.get("session", "") in own:
            await self._parts.sessions.end(asked["session"], "its person logged it out")
        return see(HOME)

    async def change_password(self, request: Request) -> Response:
        """Another password; everything else of this person is logged out."""
        try:
            asked = await form_of(request, self._parts.issuer)
        except (FormForged, GrantRefused) as error:
            return failed(request, error)
        login = await self._parts.who(request)
        if login is None:
            return see("/login")
        try:
            await self._parts.logins.change_password(login, asked.get("before", ""), asked.get("after", ""))
        except LoginRefused as error:
            return await self._page(request, login, fault=error.message)
        await self._parts.sessions.end_all(login.user_id, "its person changed the password")
        return page(request, "message", title="Done", text="Your password was changed.", back=HOME)

    async def _page(self, request: Request, login: BrowserLogin, *, fault: str = "") -> Response:
        person = await self._parts.people.person(login.user_id)
        if person is None:
            return see("/login")
        choices = {one.id: one.name for one in await self._parts.authorization.choices(login)}
        sessions = [
            {
                "id": session.key,
                "client": self._parts.authorization.client(session.client_id).display_name,
                "tenant": choices.get(session.tenant, session.tenant),
                "used_at": f"{session.used_at:%Y-%m-%d %H:%M} UTC",
            }
            for session in await self._parts.sessions.of_user(login.user_id)
        ]
        return page(
            request,
            "account",
            title=person.display_name,
            is_wide=True,
            fault=fault,
            email=person.email,
            organization=person.organization_name,
            roles=await self._parts.people.role_names(login.user_id, login.group_roles),
            administrators=await self._parts.people.administrators(login.user_id),
            sessions=sessions,
            has_password=not login.provider,
            min_characters=MIN_CHARACTERS,
        )
