"""What passes from a stranger's request to a target, and back. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis.tunnel.v1 import tunnel_pb2 as pb

_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
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
_NOT_FORWARDED: Final = _HOP_BY_HOP | {"authorization", "content-length", "cookie", "expect", "host"}
_NOT_FORWARDED_PREFIXES: Final = ("impersonate-", "x-remote-")
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_NOT_RETURNED: Final = _HOP_BY_HOP | {"set-cookie", "www-authenticate"}


def request_headers(headers: Iterable[pb.HttpHeader]) -> list[tuple[str, str]]:
    """The header fields that may reach a target: no credentials, no identity, nothing about a connection."""
    kept: list[tuple[str, str]] = []
    for header in headers:
        name = header.name.lower()
        if name not in _NOT_FORWARDED and not name.startswith(_NOT_FORWARDED_PREFIXES):
            kept.append((header.name, header.value.decode("latin-1")))
    return kept


def response_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, bytes]]:
    """The header fields that may leave the cluster; names in lower case."""
    named = ((name.decode("latin-1").lower(), value) for name, value in headers)
    return [(name, value) for name, value in named if name not in _NOT_RETURNED]


def fault_of_method(method: str) -> str | None:
    """Why a method is not relayed; None if it is."""
    return None if method in _METHODS else f"the method {method} is not relayed"


def fault_of_path(path: str) -> str | None:
    """Why a path is not one that can be judged by its prefix; None if it is fine."""
    if not path.startswith("/"):
        return "the path does not start with /"
    if not path.isascii() or any(character <= " " or character in "\\#\x7f" for character in path):
        return "the path has a character that must be percent-encoded"
    plain = unquote(path.partition("?")[0])
    if "\0" in plain or "\\" in plain:
        return "the path has a NUL or a backslash"
    segments = plain.split("/")[1:]
    if "" in segments[:-1] or "." in segments or ".." in segments:
        return "the path has an empty segment, `.` or `..`"
    return None
