"""Pages on which people let a program act for them.

They come by a redirect of the program (RFC 6749), or type a code that it shows (RFC 8628).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from authlib.common.urls import add_params_to_uri
from starlette.routing import Route

from borealis_server.domain.login.clients import is_redirect_allowed, known_scope
from borealis_server.domain.login.flows import Verdict
from borealis_server.domain.login.refusals import GrantFault, GrantRefused
from borealis_server.domain.login.throttle import RateLimit
from borealis_server.transport.oauth.metadata import AUTHORIZE_PATH
from borealis_server.transport.oauth.requests import parsed_form
from borealis_server.transport.pages.rendering import HOME, FormForged, failed, form_of, page, see

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from borealis_server.domain.login.clients import OAuthClient
    from borealis_server.domain.login.records import BrowserLogin, DeviceGrant
    from borealis_server.transport.pages.parts import PageParts

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_CARRIED: Final = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
_MAX_VALUE: Final = 2048
_TITLE: Final = "Let a program act for you?"


class ConsentPages:
    """Serves them."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts
        self._codes = RateLimit(burst=10, per_minute=10)

    def routes(self) -> list[Route]:
        """Where they answer."""
        return [
            Route(AUTHORIZE_PATH, self.authorize, methods=["GET"]),
            Route(f"{AUTHORIZE_PATH}/decision", self.decide, methods=["POST"]),
            Route("/device", self.device, methods=["GET"]),
            Route("/device/decision", self.decide_device, methods=["POST"]),
        ]

    async def authorize(self, request: Request) -> Response:
        """A program sends a browser here; whatever goes wrong before its address is known stays on a page of ours."""
        try:
            asked = parsed_form(request.scope["query_string"])
            client = self._client(asked)
        except GrantRefused as error:
            return failed(request, error)
        try:
            _check(asked)
            login = await self._parts.who(request)
        except GrantRefused as error:
            return self._redirect(asked, {"error": error.fault.value, "error_description": error.description})
        if (
            login is None
            or "login" in asked.get("prompt", "").split()
            or self._is_too_old(login, asked.get("max_age", ""))
        ):
            again = {name: value for name, value in asked.items() if name not in ("prompt", "max_age")}
            if login is not None:
                await self._parts.logins.log_out_record(login)
            return see("/login?" + urlencode({"next": f"{AUTHORIZE_PATH}?{urlencode(again)}"}))
        carried: dict[str, str] = {name: asked[name] for name in _CARRIED if name in asked}
        return await self._consent_page(
            request, login, client, carried, action=f"{AUTHORIZE_PATH}/decision", chosen=asked.get("tenant", "")
        )

    async def decide(self, request: Request) -> Response:
        """The person's answer. Everything is checked again: a form is only paper."""
        try:
            asked = await form_of(request, self._parts.issuer)
            client = self._client(asked)
            _check(asked)
            login = await self._parts.who(request)
            if login is None:
                return see("/login")
            if asked.get("decision") != "allow":
                refused = {"error": GrantFault.ACCESS_DENIED.value, "error_description": "the person refused"}
                return self._redirect(asked, refused)
            approval = await self._parts.authorization.approval(login, asked.get("tenant", ""))
        except (FormForged, GrantRefused) as error:
            return failed(request, error)
        code = await self._parts.authorization.grant_code(
            client,
            approval,
            redirect_uri=asked["redirect_uri"],
            challenge=asked["code_challenge"],
            scope=known_scope(asked.get("scope", "")),
            nonce=asked.get("nonce", ""),
        )
        return self._redirect(asked, {"code": code})

    async def device(self, request: Request) -> Response:
        """A person types the code of a program, or comes by a link that holds it."""
        typed = request.query_params.get("user_code", "")
        login = await self._parts.who(request)
        if login is None:
            here = f"/device?{urlencode({'user_code': typed})}" if typed else "/device"
            return see("/login?" + urlencode({"next": here}))
        if not typed:
            return page(request, "device", title="Log in a program", user_code="")
        found, fault = await self._waiting(request, login, typed)
        if found is None:
            return page(request, "device", title="Log in a program", user_code=typed, fault=fault)
        grant, client = found
        return await self._consent_page(
            request,
            login,
            client,
            {"user_code": typed},
            action="/device/decision",
            device={
                "user_code": typed.upper(),
                "address": grant.address,
                "asked_at": f"{grant.asked_at:%Y-%m-%d %H:%M} UTC",
            },
        )

    async def decide_device(self, request: Request) -> Response:
        """The person's answer to a program that waits."""
        try:
            asked = await form_of(request, self._parts.issuer)
            login = await self._parts.who(request)
            if login is None:
                return see("/login")
            typed, is_allowed = asked.get("user_code", ""), asked.get("decision") == "allow"
            found, fault = await self._waiting(request, login, typed)
            if found is None:
                return page(request, "device", title="Log in a program", user_code="", fault=fault)
            tenant = asked.get("tenant", "")
            approval = await self._parts.authorization.approval(login, tenant) if is_allowed else None
        except (FormForged, GrantRefused) as error:
            return failed(request, error)
        verdict = await self._parts.authorization.answer_device(typed, approval)
        texts = {
            Verdict.GRANTED: ("Done", "Your program is logged in. You can close this page."),
            Verdict.DENIED: ("Refused", "Nothing was given to the program. You can close this page."),
        }
        title, text = texts.get(verdict, ("Too late", "That code is not good any more. Begin again in your program."))
        return page(request, "message", title=title, text=text, back=HOME)

    async def _consent_page(
        self,
        request: Request,
        login: BrowserLogin,
        client: OAuthClient,
        carried: Mapping[str, str],
        *,
        action: str,
        chosen: str = "",
        device: Mapping[str, str] | None = None,
    ) -> Response:
        person = await self._parts.people.person(login.user_id)
        return page(
            request,
            "consent",
            form_targets=_form_targets(carried.get("redirect_uri", "")),
            title=_TITLE,
            client=client.display_name,
            display_name=person.display_name if person else "",
            email=person.email if person else "",
            choices=await self._parts.authorization.choices(login),
            chosen=chosen,
            carried=carried,
            action=action,
            device=device,
        )

    async def _waiting(
        self, request: Request, login: BrowserLogin, typed: str
    ) -> tuple[tuple[DeviceGrant, OAuthClient] | None, str]:
        """The request behind a code, or what to tell; guessing codes is as slow as typing them, for a person too."""
        is_too_fast = self._parts.wait_s(self._codes, request) or self._codes.take(
            f"user {login.user_id}", self._parts.clock.now()
        )
        if is_too_fast:
            return None, "There were too many tries. Please wait a moment and try again."
        grant = await self._parts.authorization.device_of(typed)
        if grant is None:
            return None, "There is no such code, or it is not good any more. Look again at your program."
        return (grant, self._parts.authorization.client(grant.client_id)), ""

    def _client(self, asked: Mapping[str, str]) -> OAuthClient:
        """The program, with an address that is its own. Errors: GrantRefused."""
        client = self._parts.authorization.client(asked.get("client_id", ""))
        if not is_redirect_allowed(client, asked.get("redirect_uri", "")):
            raise GrantRefused(GrantFault.INVALID_REQUEST, "redirect_uri is not one of this client")
        return client

    def _is_too_old(self, login: BrowserLogin, max_age: str) -> bool:
        if not max_age.isascii() or not max_age.isdecimal():
            return False
        return (self._parts.clock.now() - login.authenticated_at).total_seconds() > int(max_age)

    def _redirect(self, asked: Mapping[str, str], answer: Mapping[str, str]) -> Response:
        """Back to the program; every answer names its issuer (RFC 9207)."""
        state = {"state": asked["state"]} if "state" in asked else {}
        params = [*answer.items(), *state.items(), ("iss", self._parts.issuer)]
        return see(add_params_to_uri(asked["redirect_uri"], params))


def _check(asked: Mapping[str, str]) -> None:
    """What every request for a code must hold. Errors: GrantRefused."""
    if "request" in asked or "request_uri" in asked:
        raise GrantRefused(GrantFault.INVALID_REQUEST, "request objects are not supported")
    if asked.get("response_type") != "code":
        raise GrantRefused(GrantFault.UNSUPPORTED_RESPONSE_TYPE, "response_type must be code")
    if asked.get("response_mode", "query") != "query":
        raise GrantRefused(GrantFault.INVALID_REQUEST, "response_mode must be query")
    if "none" in asked.get("prompt", "").split():
        raise GrantRefused(GrantFault.LOGIN_REQUIRED, "a person has to agree each time")
    if asked.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(asked.get("code_challenge", "")):
        raise GrantRefused(GrantFault.INVALID_REQUEST, "code_challenge with the method S256 is needed (RFC 7636)")
    if any(len(value) > _MAX_VALUE for value in asked.values()):
        raise GrantRefused(GrantFault.INVALID_REQUEST, f"a value is longer than {_MAX_VALUE} characters")


def _form_targets(redirect_uri: str) -> str:
    """Where the consent form may lead. Browsers hold redirects to it too, and know no literals of IPv6 there."""
    if not redirect_uri:
        return "'self'"
    parts = urlsplit(redirect_uri)
    return "" if parts.hostname and ":" in parts.hostname else f"'self' {parts.scheme}://{parts.netloc}"
