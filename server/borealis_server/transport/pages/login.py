"""Pages on which people log in: password, second factor, sign-up, invitation, identity providers, and the way out."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import segno
from starlette.routing import Route

from borealis_server.domain.errors import BorealisError
from borealis_server.domain.login.passwords import MIN_CHARACTERS
from borealis_server.domain.login.records import Standing
from borealis_server.domain.login.refusals import GrantRefused, LoginDelayed, LoginExpired, LoginRefused
from borealis_server.domain.login.throttle import RateLimit
from borealis_server.services.people import SignUp
from borealis_server.transport.pages.rendering import (
    BROWSER_COOKIE,
    FORM_COOKIE,
    HOME,
    FormForged,
    failed,
    forget,
    form_of,
    page,
    remember,
    safe_next,
    see,
    set_cookie,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from borealis_server.services.browser_logins import Begun
    from borealis_server.transport.pages.parts import PageParts

_TITLE: Final = "Log in"
_NO_INVITATION: Final = "This invitation is not good any more. Please ask for a new one."


class LoginPages:
    """Serves them."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts
        self._tries = RateLimit(burst=30, per_minute=30)
        self._newcomers = RateLimit(burst=10, per_minute=4)

    def routes(self) -> list[Route]:
        """Where they answer."""
        return [
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/login/code", self.code, methods=["GET", "POST"]),
            Route("/login/callback", self.back, methods=["GET"]),
            Route("/login/with/{provider}", self.away, methods=["GET"]),
            Route("/signup", self.sign_up, methods=["GET", "POST"]),
            Route("/invitations/{token}", self.invitation, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["GET", "POST"]),
        ]

    async def login(self, request: Request) -> Response:
        """Address and password."""
        if request.method == "GET":
            wanted = safe_next(request.query_params.get("next", ""))
            return see(wanted) if await self._parts.who(request) else self._login_page(request, wanted)
        try:
            fields = await form_of(request, self._parts.issuer)
        except (FormForged, GrantRefused) as error:
            return failed(request, error)
        wanted, email = safe_next(fields.get("next", "")), fields.get("email", "")
        try:
            self._check(self._tries, request)
            begun = await self._parts.logins.with_password(
                email, fields.get("password", ""), self._parts.origin(request), next_path=wanted
            )
        except LoginRefused as error:
            return self._login_page(request, wanted, email=email, error=error)
        return self._further(begun)

    async def code(self, request: Request) -> Response:
        """The code of the authenticator app, and setting one up."""
        secret = request.cookies.get(BROWSER_COOKIE, "")
        if request.method == "GET":
            return await self._code_page(request, secret)
        try:
            fields = await form_of(request, self._parts.issuer)
            self._check(self._tries, request)
            begun = await self._parts.logins.with_code(secret, fields.get("code", ""), self._parts.origin(request))
        except (FormForged, GrantRefused) as error:
            return failed(request, error)
        except LoginExpired:
            return see("/login")
        except LoginRefused as error:
            return await self._code_page(request, secret, error=error)
        return self._further(begun)

    async def sign_up(self, request: Request) -> Response:
        """A new organization."""
        if not self._parts.may_sign_up:
            text = "Nobody can sign up here. Ask an administrator for an invitation."
            return page(request, "message", status=HTTPStatus.NOT_FOUND, title="Sign up", text=text, back="/login")
        if request.method == "GET":
            return _sign_up_page(request, {})
        fields: Mapping[str, str] = {}
        try:
            fields = await form_of(request, self._parts.issuer)
            self._check(self._newcomers, request)
            wish = SignUp(
                organization_name=fields.get("organization", ""),
                email=fields.get("email", ""),
                display_name=fields.get("display_name", ""),
            )
            begun = await self._parts.logins.sign_up(wish, fields.get("password", ""), next_path=HOME)
        except (FormForged, GrantRefused) as error:
            return failed(request, error)
        except (LoginRefused, BorealisError) as error:
            return _sign_up_page(request, fields, error=error)
        return self._further(begun)

    async def invitation(self, request: Request) -> Response:
        """A place that was kept for somebody."""
        token = request.path_params["token"]
        fault: LoginRefused | BorealisError | None = None
        try:
            self._check(self._newcomers, request)
            if request.method == "POST":
                fields = await form_of(request, self._parts.issuer)
                begun = await self._parts.logins.accept(token, fields.get("password", ""))
                return self._further(begun)
        except (FormForged, GrantRefused) as error:
            return failed(request, error)
        except (LoginRefused, BorealisError) as error:
            fault = error
        invited = await self._parts.logins.invitation(token)
        if invited is None:
            return page(
                request,
                "message",
                status=HTTPStatus.NOT_FOUND,
                title="Invitation",
                text=_NO_INVITATION,
                back="",
            )
        shown = {
            "email": invited.email,
            "organization": invited.organization_name,
            "display_name": invited.display_name,
        }
        return _sign_up_page(request, shown, error=fault, action=request.url.path, is_invited=True)

    async def away(self, request: Request) -> Response:
        """To an identity provider."""
        browser = request.cookies.get(FORM_COOKIE, "")
        wanted = safe_next(request.query_params.get("next", ""))
        if not browser:
            return self._login_page(request, wanted)
        try:
            self._check(self._tries, request)
            address = await self._parts.federation.depart(request.path_params["provider"], browser, wanted)
        except LoginRefused as error:
            return self._login_page(request, wanted, error=error)
        return see(address)

    async def back(self, request: Request) -> Response:
        """From an identity provider."""
        query = request.query_params
        try:
            self._check(self._tries, request)
            begun = await self._parts.federation.arrive(
                request.cookies.get(FORM_COOKIE, ""),
                state=query.get("state", ""),
                code=query.get("code", ""),
                issuer=query.get("iss", ""),
                address=self._parts.origin(request).address,
            )
        except LoginRefused as error:
            return self._login_page(request, HOME, error=error)
        return self._further(begun)

    async def logout(self, request: Request) -> Response:
        """Forget this browser; a program that sends people here only gets a question for them."""
        if request.method == "GET":
            return see(HOME if await self._parts.who(request) else "/login")
        try:
            await form_of(request, self._parts.issuer)
        except (FormForged, GrantRefused) as error:
            return failed(request, error)
        await self._parts.logins.log_out(request.cookies.get(BROWSER_COOKIE, ""))
        response = see("/login")
        forget(response)
        return response

    def _check(self, limit: RateLimit, request: Request) -> None:
        if wait_s := self._parts.wait_s(limit, request):
            raise LoginDelayed(wait_s)

    def _further(self, begun: Begun) -> Response:
        is_in = begun.login.standing is Standing.LOGGED_IN
        response = see(safe_next(begun.login.next_path) if is_in else "/login/code")
        remember(response, begun.secret, begun.device)
        if is_in:  # forms of before the login are void
            set_cookie(response, FORM_COOKIE, "", lifetime_s=0)
        return response

    def _login_page(
        self, request: Request, wanted: str, *, email: str = "", error: LoginRefused | None = None
    ) -> Response:
        response = page(
            request,
            "login",
            status=_status(error),
            title=_TITLE,
            fault=error.message if error else "",
            next=wanted,
            email=email,
            providers=self._parts.federation.providers,
            may_sign_up=self._parts.may_sign_up,
        )
        return _delayed(response, error)

    async def _code_page(self, request: Request, secret: str, *, error: LoginRefused | None = None) -> Response:
        login = await self._parts.logins.browser(secret)
        if login is None or login.standing is not Standing.PASSWORD_GIVEN:
            return see("/login")
        address, new_secret = "", ""
        if login.new_factor_sealed:
            address, new_secret = await self._parts.logins.new_factor(login)
        response = page(
            request,
            "code",
            status=_status(error),
            title="Set up your second factor" if address else "One more step",
            fault=error.message if error else "",
            qr=segno.make(address, error="m").svg_data_uri(border=2, scale=4) if address else "",
            secret=" ".join(new_secret[at : at + 4] for at in range(0, len(new_secret), 4)),
        )
        return _delayed(response, error)


def _sign_up_page(
    request: Request,
    shown: Mapping[str, str],
    *,
    error: LoginRefused | BorealisError | None = None,
    action: str = "/signup",
    is_invited: bool = False,
) -> Response:
    response = page(
        request,
        "signup",
        status=_status(error),
        title="Accept your invitation" if is_invited else "Sign up",
        fault=error.message if error else "",
        action=action,
        is_invited=is_invited,
        organization=shown.get("organization", ""),
        email=shown.get("email", ""),
        display_name=shown.get("display_name", ""),
        min_characters=MIN_CHARACTERS,
    )
    return _delayed(response, error)


def _status(error: Exception | None) -> HTTPStatus:
    match error:
        case None:
            return HTTPStatus.OK
        case LoginDelayed():
            return HTTPStatus.TOO_MANY_REQUESTS
        case _:
            return HTTPStatus.BAD_REQUEST


def _delayed(response: Response, error: Exception | None) -> Response:
    if isinstance(error, LoginDelayed):
        response.headers["Retry-After"] = str(max(math.ceil(error.wait_s), 1))
    return response
