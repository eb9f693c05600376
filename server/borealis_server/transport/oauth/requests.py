"""Requests as the issuer reads them: forms and JSON within limits, the sender's address, credentials."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote_plus

from borealis_server.domain.login.refusals import GrantFault
from borealis_server.transport.oauth.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

MAX_BODY_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 32

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_BODY_LIMIT_S: Final = 60


async def fields_of(request: Request, *, is_json_allowed: bool = True) -> dict[str, str]:
    """The fields of the body, each once. Errors: RequestRefused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _FORM:
        return parsed_form(await _body(request))
    if kind == _JSON and is_json_allowed:
        return _parsed_json(await _body(request))
    expected = f"{_FORM} or {_JSON}" if is_json_allowed else _FORM
    raise RequestRefused(GrantFault.INVALID_REQUEST, f"the content type must be {expected}")


def parsed_form(body: bytes) -> dict[str, str]:
    """The fields of a form or a query, each once. Errors: RequestRefused."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise RequestRefused(GrantFault.INVALID_REQUEST, "the form is malformed") from error
    return _once(pairs)


def credential_of(request: Request, fields: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret, from the header or the body but not from both; an empty secret when none was sent.

    Errors: RequestRefused.
    """
    header = request.headers.get("authorization")
    if header is None:
        return fields.get("client_id", ""), fields.get("client_secret", "")
    if "client_secret" in fields:
        raise RequestRefused(GrantFault.INVALID_REQUEST, "send the secret in the header or in the body, not in both")
    scheme, _, encoded = header.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        colon = client_id = secret = ""
    if scheme.lower() != "basic" or not colon:
        raise RequestRefused(
            GrantFault.INVALID_CLIENT, "the authorization header is not Basic", HTTPStatus.UNAUTHORIZED
        )
    return unquote_plus(client_id), unquote_plus(secret)


def address_of(request: Request, proxies: int) -> str:
    """The address that a request came from; behind so many proxies of our own, what the outermost of them saw."""
    seen = request.client.host if request.client else ""
    if not proxies:
        return seen
    named = [part.strip() for part in ",".join(request.headers.getlist("x-forwarded-for")).split(",") if part.strip()]
    return named[-proxies] if len(named) >= proxies else seen


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(_BODY_LIMIT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise RequestRefused(
                        GrantFault.INVALID_REQUEST,
                        f"the body is larger than {MAX_BODY_BYTES} bytes",
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    )
    except TimeoutError as error:
        raise RequestRefused(GrantFault.INVALID_REQUEST, f"the body did not come within {_BODY_LIMIT_S} s") from error
    return body


def _parsed_json(body: bytes) -> dict[str, str]:
    try:
        pairs = json.loads(body, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(GrantFault.INVALID_REQUEST, "the body is no JSON") from error
    # An object came as its pairs; every other value as it was.
    is_flat = isinstance(pairs, list) and all(
        isinstance(pair, tuple) and isinstance(pair[0], str) and isinstance(pair[1], str) for pair in pairs
    )
    if not is_flat or len(pairs) > MAX_FIELDS:
        raise RequestRefused(GrantFault.INVALID_REQUEST, "the body is no JSON object of texts")
    return _once(pairs)


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise RequestRefused(GrantFault.INVALID_REQUEST, "a field of the request is repeated")
    return fields
