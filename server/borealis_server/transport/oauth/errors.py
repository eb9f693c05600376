"""Refusals in the words and with the headers of OAuth, which Authlib knows."""

from __future__ import annotations

import math
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from authlib.oauth2.rfc6749.errors import InvalidClientError, OAuth2Error
from starlette.responses import JSONResponse

from borealis_server.domain.errors import CredentialRefused, ServerUnavailable
from borealis_server.domain.login.refusals import GrantFault, GrantRefused

if TYPE_CHECKING:
    from starlette.responses import Response

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

_STATUS: Final = {
    GrantFault.INVALID_CLIENT: HTTPStatus.UNAUTHORIZED,
    GrantFault.TEMPORARILY_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


class RequestRefused(GrantRefused):
    """A refusal with a status of its own."""

    def __init__(self, fault: GrantFault, description: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(fault, description)
        self.status = status


def refusal(error: Exception) -> Response:
    """The answer to a program. Errors: `error` itself when it is none that programs are told."""
    match error:
        case RequestRefused():
            return _answer(error.fault, error.description, error.status)
        case GrantRefused():
            return _answer(error.fault, error.description, _STATUS.get(error.fault, HTTPStatus.BAD_REQUEST))
        case CredentialRefused():
            return _answer(GrantFault.INVALID_CLIENT, error.message, HTTPStatus.UNAUTHORIZED)
        case ServerUnavailable():
            return _answer(GrantFault.TEMPORARILY_UNAVAILABLE, error.message, HTTPStatus.SERVICE_UNAVAILABLE)
        case _:
            raise error


def too_many(wait_s: float) -> Response:
    """The answer to somebody who asks too often."""
    answer = _answer(
        GrantFault.TEMPORARILY_UNAVAILABLE, "too many requests; see Retry-After", HTTPStatus.TOO_MANY_REQUESTS
    )
    answer.headers["Retry-After"] = str(max(math.ceil(wait_s), 1))
    return answer


def described(text: str) -> str:
    """The text with what RFC 6749, section 5.2, does not allow in a description replaced."""
    return re.sub(r"[^ !#-\[\]-~]", "?", text)


def _answer(fault: GrantFault, description: str, status: HTTPStatus) -> Response:
    kind = InvalidClientError if fault is GrantFault.INVALID_CLIENT else OAuth2Error
    error = kind(error=fault.value, description=described(description), status_code=int(status))
    code, body, headers = error()
    named = {name: value for name, value in headers if name.lower() != "content-type"}
    return JSONResponse(body, status_code=code, headers=NO_STORE | named)
