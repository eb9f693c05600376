"""What passes between a visitor and a previewed application, in header fields. Pure.

Nothing of ours reaches the application: no cookie, no token. Nothing of the application reaches beyond its own host.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

Fields = tuple[tuple[str, str], ...]
"""Header fields; names in lower case."""

OURS: Final = ("__host-borealis", "__secure-borealis", "borealis")
"""What names of our cookies begin with, in lower case."""
_BEARER: Final = "bearer "
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_SAID_BY_US: Final = frozenset({"expect", "forwarded", "host", "via", "x-forwarded-client-cert", "x-real-ip"})
_SAID_PREFIXES: Final = ("impersonate-", "x-forwarded-", "x-remote-")
"""What proxies say, and services believe: a visitor may say nothing of it."""
_NOT_RETURNED: Final = _HOP_BY_HOP | {
    "alt-svc",  # would lead browsers to another server
    "clear-site-data",  # reaches beyond the host
    "date",  # the door writes it
    "public-key-pins",
}


def to_application(headers: Iterable[tuple[str, str]], *, host: str, visitor: str, issuer: str) -> Fields:
    """The fields of a visitor's request that go on, and what we say about it. `issuer` is that of our tokens."""
    given = [(name.lower(), value) for name, value in headers]
    own = _own_to_the_connection(given)
    kept = []
    for name, value in given:
        if name in own or name in _SAID_BY_US or name.startswith(_SAID_PREFIXES):
            continue
        if name == "authorization" and is_our_token(value, issuer):
            continue
        passed = _others_cookies(value) if name == "cookie" else value
        if passed:
            kept.append((name, passed))
    said = [("x-forwarded-host", host), ("x-forwarded-proto", "https")]
    if visitor:
        said.append(("x-forwarded-for", visitor))
    return (*kept, *said)


def to_visitor(headers: Iterable[tuple[str, str]], *, authority: str, service_hosts: frozenset[str]) -> Fields:
    """The fields of an answer that go back. `authority` is the preview's own; `service_hosts` the Service's names."""
    given = [(name.lower(), value) for name, value in headers]
    own = _own_to_the_connection(given)
    kept = []
    for name, value in given:
        if name in own or name in _NOT_RETURNED:
            continue
        if name == "set-cookie":
            value = cookie_of_one_host(value)  # noqa: PLW2901 - the same field
        elif name in {"location", "content-location"}:
            value = own_location(value, authority, service_hosts)  # noqa: PLW2901 - the same field
        if value:
            kept.append((name, value))
    names = {name for name, _ in kept}
    kept.append(("x-robots-tag", "noindex, nofollow"))
    if "referrer-policy" not in names:
        kept.append(("referrer-policy", "same-origin"))  # the address is a key
    return tuple(kept)


def is_our_token(authorization: str, issuer: str) -> bool:
    """Whether an Authorization field carries an access token of ours, a forged or old one included."""
    if authorization[: len(_BEARER)].lower() != _BEARER:
        return False
    parts = authorization[len(_BEARER) :].strip().split(".")
    if len(parts) != 3:  # noqa: PLR2004 - head, claims, signature
        return False
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(claims, dict) and claims.get("iss") == issuer


def cookies(headers: Iterable[tuple[str, str]], name: str) -> tuple[str, ...]:
    """Values of the cookies of that name in a request."""
    pairs = [
        pair.strip().partition("=")
        for field, value in headers
        if field.lower() == "cookie"
        for pair in value.split(";")
    ]
    return tuple(value for key, _, value in pairs if key.strip() == name)


def cookie_of_one_host(value: str) -> str:
    """A Set-Cookie field that reaches the preview's own host alone; empty where it would set a cookie of ours."""
    pair, *attributes = value.split(";")
    if _is_ours(pair):
        return ""
    kept = [one for one in attributes if one.partition("=")[0].strip().lower() != "domain"]
    return ";".join([pair, *kept])


def own_location(value: str, authority: str, service_hosts: frozenset[str]) -> str:
    """A redirect to the Service by its name in the cluster, led back to the preview; any other as it is."""
    try:
        parts = urlsplit(value)
        place = parts.netloc.lower()
    except ValueError:
        return value
    if parts.scheme.lower() not in {"", "http", "https"} or place not in service_hosts:
        return value
    return parts._replace(scheme="https", netloc=authority).geturl()


def _own_to_the_connection(given: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Names of fields between neighbours: the usual ones, and what `Connection` names."""
    words = {word.strip().lower() for name, value in given if name == "connection" for word in value.split(",")}
    return _HOP_BY_HOP | words


def _others_cookies(value: str) -> str:
    return "; ".join(pair.strip() for pair in value.split(";") if pair.strip() and not _is_ours(pair))


def _is_ours(pair: str) -> bool:
    """Whether a pair sets or sends a cookie of ours; `=NAME=x`, a cookie without a name, is sent as `NAME=x`."""
    return pair.strip().lstrip("=").lstrip().lower().startswith(OURS)
