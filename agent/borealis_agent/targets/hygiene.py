"""What passes from a stranger's request to a target, and back. Pure functions, quick: they are part of every call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from borealis.tunnel.v1 import tunnel_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    },
)
_NOT_FORWARDED: Final = _HOP_BY_HOP | {
    "authorization",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "x-forwarded-client-cert",
}
_IDENTITY: Final = ("impersonate-", "x-remote-")
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_NOT_RETURNED: Final = frozenset(name.encode() for name in _HOP_BY_HOP | {"set-cookie", "www-authenticate"})
_NOT_RETURNED_BY_SWITCH: Final = _NOT_RETURNED - {b"connection", b"upgrade"}
_FIELDS: Final = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n\0]*\r\n)*")
_PLAIN_PATH: Final = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~:-]*)+/?(?:\?[A-Za-z0-9._~:=&,+%/!()*-]*)?")
"""What nearly every path looks like, and nothing that could be a fault."""
_UPGRADE: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z/-]+")
_MAX_PATH: Final = 8 * 1024


class HeadFault(ValueError):  # noqa: N818 - it names what is wrong with the head
    """The head of a request is not one that can be relayed. The text says why."""

    def __init__(self, detail: str, *, is_denied: bool = False) -> None:
        super().__init__(detail)
        self.is_denied = is_denied
        """Whether it asks for what it may not have; else it is malformed."""


def request_fields(headers: Iterable[pb.HttpHeader]) -> bytes:
    """The header fields that may reach a target, as they go over the wire.

    Shape: no credentials, nothing about a connection, and nothing that `Connection` calls its own. What two readers of
    the same bytes could understand differently is refused, not repaired.

    Errors: HeadFault.
    """
    kept: list[tuple[str, bytes]] = []
    dropped: list[tuple[str, bytes]] = []
    for header in headers:
        name = header.name
        lower = name.lower()
        if lower in _NOT_FORWARDED:
            dropped.append((lower, header.value))
        elif lower.startswith(_IDENTITY):
            raise HeadFault("only the agent may name an identity (Impersonate-*, X-Remote-*)", is_denied=True)
        else:
            kept.append((name, header.value))
    if dropped:
        own = _own_to_the_connection(dropped)
        kept = [(name, value) for name, value in kept if name.lower() not in own]
    fields = b"".join([b"%b: %b\r\n" % (name.encode(), value) for name, value in kept])
    if fields.count(b"\n") != len(kept) or not _FIELDS.fullmatch(fields):
        raise HeadFault("a header field has a line break, a NUL or a wrong name")
    return fields


def _own_to_the_connection(dropped: list[tuple[str, bytes]]) -> frozenset[str]:
    """Names of the fields that `Connection` calls its own.

    Errors: HeadFault if the fields about the connection contradict each other.
    """
    names = [name for name, _ in dropped]
    if names.count("host") > 1:
        raise HeadFault("the request has two Host fields")
    if "transfer-encoding" in names and "content-length" in names:
        raise HeadFault("the request has both Transfer-Encoding and Content-Length")
    values = [value.decode("latin-1").lower() for name, value in dropped if name == "connection"]
    return frozenset(word.strip() for value in values for word in value.split(","))


def content_length(headers: Iterable[pb.HttpHeader]) -> int | None:
    """The size that the caller gives its body; None if it does not say.

    Errors: HeadFault if it says it twice or says something else than a number.
    """
    found = [header.value for header in headers if header.name.lower() == "content-length"]
    if not found:
        return None
    if len(found) > 1 or not found[0].isdigit() or len(found[0]) > 18:  # noqa: PLR2004 - digits of a 64-bit number
        raise HeadFault("Content-Length is not one number")
    return int(found[0])


def authorization(headers: Iterable[pb.HttpHeader]) -> bytes:
    """The caller's own Authorization, for targets that take it; empty if there is none.

    Errors: HeadFault if it says it twice, or with a line break.
    """
    found = [header.value for header in headers if header.name.lower() == "authorization"]
    if len(found) > 1 or any(byte in value for value in found for byte in b"\r\n\0"):
        raise HeadFault("Authorization is not one value")
    return found[0] if found else b""


def cookies(headers: Iterable[pb.HttpHeader]) -> bytes:
    """The caller's cookies in one field, as HTTP/2 splits them; for targets that take them, empty if there are none.

    Errors: HeadFault if there is a line break in them.
    """
    found = [header.value for header in headers if header.name.lower() == "cookie"]
    if any(byte in value for value in found for byte in b"\r\n\0"):
        raise HeadFault("a cookie has a line break or a NUL")
    return b"; ".join(found)


def upgrade_protocol(headers: Iterable[pb.HttpHeader]) -> bytes:
    """The protocol that a request asks to switch to.

    Errors: HeadFault if it names none, or not exactly one.
    """
    found = [header.value.strip() for header in headers if header.name.lower() == "upgrade"]
    if len(found) != 1 or not _UPGRADE.fullmatch(found[0]):
        raise HeadFault("the request names no single protocol in Upgrade")
    return found[0]


def response_headers(
    headers: Iterable[tuple[bytes, bytes]], *, is_switch: bool = False, private: frozenset[bytes] = frozenset()
) -> list[pb.HttpHeader]:
    """The header or trailer fields that may leave the cluster; names come in lower case.

    Shape: after a switch of protocols the caller also learns to which. `private` are fields about credentials that the
    target may return all the same.
    """
    dropped = _NOT_RETURNED_BY_SWITCH if is_switch else _NOT_RETURNED
    if private:
        dropped -= private
    return [
        pb.HttpHeader(name=name.decode("latin-1"), value=value.strip(b" \t"))
        for name, value in headers
        if name not in dropped
    ]


def fault_of_method(method: str) -> str | None:
    """Why a method is not relayed; None if it is."""
    return None if method in _METHODS else f"the method {method} is not relayed"


def fault_of_path(path: str) -> str | None:  # noqa: PLR0911 - one line for each fault
    """Why a path is not one that can be judged by its prefix; None if it is fine."""
    if len(path) > _MAX_PATH:
        return f"the path has more than {_MAX_PATH} characters"
    if _PLAIN_PATH.fullmatch(path):
        return None
    if not path.startswith("/"):
        return "the path does not start with /"
    if not path.isascii() or any(character <= " " or character in "\\#\x7f" for character in path):
        return "the path has a character that must be percent-encoded"
    plain = unquote(path.partition("?")[0])
    if "\0" in plain or "\\" in plain:
        return "the path has a NUL or a backslash"
    # a server of Java takes `..;x` for `..`: what follows the semicolon are parameters of the segment
    segments = [segment.partition(";")[0] for segment in plain.split("/")[1:]]
    if "" in segments[:-1] or "." in segments or ".." in segments:
        return "the path has an empty segment, `.` or `..`"
    return None
