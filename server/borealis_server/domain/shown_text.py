"""Texts of strangers, made fit to be shown in a terminal or a browser. Pure."""

import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Everything that moves a cursor, rings a bell or turns the direction of a text round; tabs and line ends stay."""
_ENTITY = re.compile(r"&(?=#?\w+;)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_KEPT_ADDRESS = re.compile(r"&lt;(https?://[^\s<>]*)>", re.IGNORECASE)
_SCHEME = re.compile(
    r"(\(\s*(?:<|&lt;)?\s*|\]:\s*(?:<|&lt;)?\s*)((?!https?:|mailto:)[A-Za-z][A-Za-z0-9+.-]*):", re.IGNORECASE
)
"""A scheme at the beginning of a link's address that is none of the harmless ones."""
_TEXTS = (
    "text/",
    "application/json",
    "application/xml",
    "application/problem",
    "application/x-www-form",
    "+json",
    "+xml",
)
_CHARSET = re.compile(r"charset=\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)


def plain(text: str) -> str:
    """The text without control characters; lines end in a line feed alone."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def markdown(text: str) -> str:
    """Markdown without HTML, and with links by https, http and mailto alone. What was HTML is shown as it is written.

    Shape: applied twice it shows the same as applied once.
    """
    # Entities could hide what follows; those that are left are shown as they are written.
    unhidden = _ENTITY.sub("&amp;", plain(html.unescape(text)))
    without_tags = _KEPT_ADDRESS.sub(r"<\1>", _TAG.sub("&lt;", unhidden))
    return _SCHEME.sub(r"\1\2 :", without_tags)


def body_text(body: bytes, content_type: str, *, is_cut: bool) -> str:
    """The body of an answer as text; what is no text is only counted. With `is_cut` half a character may end it."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind and not any(word in kind for word in _TEXTS):
        size = f"{len(body)} bytes" if not is_cut else f"more than {len(body)} bytes"
        return f"({size} of {plain(kind)[:80]})" if body else ""
    found = _CHARSET.search(content_type)
    try:
        text = body.decode(found[1] if found else "utf-8", errors="replace")
    except (LookupError, UnicodeError):  # a charset that nobody knows, or that is no text
        text = body.decode("utf-8", errors="replace")
    return plain(text.rstrip("\ufffd") if is_cut else text)


def seconds_of(retry_after: str, now: datetime) -> float:
    """How long Retry-After asks to wait, as a number or a date; 0 where it does not say, or wrongly."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), 86400.0)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), 86400.0)
