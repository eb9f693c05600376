"""How pages are made and sent: templates that escape, strict headers, cookies of this host alone, forms with a token.

A form counts only with the token that its browser got in a cookie, and only from a page of ours: another site can make
a browser send a form, but can neither read the cookie nor hide where the form came from.
"""

from __future__ import annotations

import hmac
import re
import secrets
from http import HTTPStatus
from importlib import resources
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from borealis_server.domain.login.refusals import GrantRefused
from borealis_server.transport.oauth.requests import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

FORM_COOKIE: Final = "__Host-borealis-form"
BROWSER_COOKIE: Final = "__Host-borealis-login"
DEVICE_COOKIE: Final = "__Host-borealis-device"
STYLE_PATH: Final = "/assets/login.css"
HOME: Final = "/account"

_FORM_FIELD: Final = "form_token"
_DEVICE_LIFETIME_S: Final = 365 * 86400
_BROWSER_LIFETIME_S: Final = 12 * 3600
_NEXT: Final = re.compile(r"/(?:account|console|device|oauth/authorize)(?:[/?][!-\[\]-~]*)?")
_MAX_NEXT: Final = 4096
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers would send forms with `Origin: null`
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_templates: Final = Environment(
    loader=PackageLoader("borealis_server.transport.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class FormForged(Exception):  # noqa: N818 - an outcome
    """A form that was not sent from a page of ours, or from one of long ago."""


def page(
    request: Request,
    name: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    form_targets: str = "'self'",
    **values: object,
) -> Response:
    """The page of that template. `form_targets` is where its forms may lead, redirects included."""
    token = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    html = _templates.get_template(f"{name}.html").render(form_field=_FORM_FIELD, form_token=token, **values)
    response = HTMLResponse(html, status_code=status, headers=dict(_HEADERS))
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src data:; "
        f"{f'form-action {form_targets}; ' if form_targets else ''}frame-ancestors 'none'; base-uri 'none'"
    )
    if not request.cookies.get(FORM_COOKIE):
        set_cookie(response, FORM_COOKIE, token)
    return response


def see(path: str) -> Response:
    """Have the browser look at another address."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, headers=dict(_HEADERS))


async def form_of(request: Request, issuer: str) -> Mapping[str, str]:
    """The fields of a form of ours. Errors: FormForged; GrantRefused when it is none."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin not in (None, issuer) or site not in (None, "same-origin", "none"):
        raise FormForged
    fields = await fields_of(request, is_json_allowed=False)
    kept, sent = request.cookies.get(FORM_COOKIE, ""), fields.get(_FORM_FIELD, "")
    if not kept or not hmac.compare_digest(kept.encode("utf-8", "replace"), sent.encode("utf-8", "replace")):
        raise FormForged
    return fields


def set_cookie(response: Response, name: str, value: str, *, lifetime_s: int | None = None) -> None:
    """A cookie that only this host reads, over TLS, and no script."""
    response.set_cookie(name, value, max_age=lifetime_s, path="/", secure=True, httponly=True, samesite="lax")


def remember(response: Response, secret: str, device: str = "") -> None:
    """Have the browser show `secret` from now on, and `device` when somebody logs in again."""
    set_cookie(response, BROWSER_COOKIE, secret, lifetime_s=_BROWSER_LIFETIME_S)
    if device:
        set_cookie(response, DEVICE_COOKIE, device, lifetime_s=_DEVICE_LIFETIME_S)


def forget(response: Response) -> None:
    """Have the browser show nothing any more."""
    for name in (BROWSER_COOKIE, FORM_COOKIE):
        response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def safe_next(wanted: str) -> str:
    """Where to go after a login: `wanted` if that is a page of ours for people, else the account's."""
    is_ours = len(wanted) <= _MAX_NEXT and _NEXT.fullmatch(wanted) is not None and "\\" not in wanted
    return wanted if is_ours else HOME


def failed(request: Request, error: Exception) -> Response:
    """The page for a request that cannot be served. Errors: `error` itself when it is a bug."""
    match error:
        case FormForged():
            text = "This form was open for too long, or your browser blocks cookies. Please go back and try again."
        case GrantRefused():
            text = f"What your program asked for cannot be done: {error.description}."
        case _:
            raise error
    return page(request, "message", status=HTTPStatus.BAD_REQUEST, title="That did not work", text=text, back=HOME)


async def style(_request: Request) -> Response:
    """The one style sheet."""
    text = (resources.files("borealis_server.transport.pages") / "login.css").read_text(encoding="utf-8")
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(text, media_type="text/css; charset=utf-8", headers=headers)
