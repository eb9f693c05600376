"""Takes the values of secrets out of texts, in every form in which somebody may send them back to us.

Pure. A receiver may quote what it was sent: as it was, in JSON, in a URL, in HTML, in base64 or in hexadecimal.
"""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_plus

from borealis_deployfile.templates import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHORTEST: Final = 4
"""Forms and lines of fewer characters stand in texts by chance, and would take half of them away."""
_HEX: Final = re.compile(r"%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}")


class Redactor:
    """Replaces the values of some secrets by `****`."""

    def __init__(self, values: Iterable[str]) -> None:
        forms = {_folded(form) for value in set(values) if value for form in _forms(value)}
        self._forms = tuple(sorted(forms, key=len, reverse=True))

    def redact(self, text: str, *, is_cut: bool = False) -> str:
        """The text without any of the values.

        Shape: where values overlap in the text, all of their characters go. With `is_cut` the text was longer than what
        we have of it, so that a beginning of a value at its end goes too. Values of fewer than 4 characters go where
        they stand as words.
        """
        haystack = _folded(text)
        spans = [span for form in self._forms for span in _places(form, haystack)]
        if is_cut:
            spans.extend(self._begun(haystack))
        pieces, end = [], 0
        for start, stop in _merged(spans):
            pieces += [text[end:start], REDACTED]
            end = stop
        return "".join([*pieces, text[end:]])

    def _begun(self, haystack: str) -> Iterator[tuple[int, int]]:
        """Where the longest beginning of each form stands at the end."""
        for form in self._forms:
            for length in range(min(len(form) - 1, len(haystack)), _SHORTEST - 1, -1):
                if haystack.endswith(form[:length]):
                    yield (len(haystack) - length, len(haystack))
                    break


def _forms(value: str) -> Iterator[str]:
    yield value
    if len(value) < _SHORTEST:
        return
    lines = [line.strip() for line in value.splitlines()]
    for text in dict.fromkeys((value, value.strip(), *lines)):
        if len(text) < _SHORTEST:
            continue
        once = dict.fromkeys((text, *_written(text)))
        yield from once
        for one in once:
            yield from _written(one)  # JSON in JSON, an address in an address, and so on
            yield from (form for form in _binary_forms(one.encode("utf-8", "surrogatepass")) if len(form) >= _SHORTEST)


def _written(text: str) -> Iterator[str]:
    """The text as it stands in JSON, addresses, forms and HTML."""
    as_json = json.dumps(text)[1:-1]
    yield from (as_json, as_json.replace("/", "\\/"), json.dumps(text, ensure_ascii=False)[1:-1])
    yield from (html.escape(text), html.escape(text, quote=False))
    raw = text.encode("utf-8", "surrogatepass")
    yield from (quote(raw, safe=""), quote(raw), quote_plus(raw))


def _binary_forms(value: bytes) -> Iterator[str]:
    yield value.hex()
    yield value.hex().upper()
    for offset in range(3):
        # What base64 makes of the value depends on how many bytes stand before it; the letters at both ends depend on
        # the neighbours too, so that they belong to nobody.
        start = (offset * 8 + 5) // 6
        stop = (offset + len(value)) * 8 // 6
        encoded = base64.b64encode(bytes(offset) + value + bytes(2)).decode()[start:stop]
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")


def _folded(text: str) -> str:
    """The text with hexadecimal digits of escapes in lower case, which are written both ways; as long as before."""
    return _HEX.sub(lambda escape: escape[0].lower(), text)


def _places(form: str, haystack: str) -> Iterator[tuple[int, int]]:
    if len(form) < _SHORTEST:
        words = re.finditer(rf"(?<!\w){re.escape(form)}(?!\w)", haystack)
        yield from (word.span() for word in words)
        return
    start = haystack.find(form)
    while start >= 0:
        yield (start, start + len(form))
        start = haystack.find(form, start + 1)


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans in order, those that touch or overlap as one."""
    open_start, open_stop = -1, -1
    for start, stop in sorted(spans):
        if start <= open_stop:
            open_stop = max(open_stop, stop)
            continue
        if open_stop > open_start:
            yield (open_start, open_stop)
        open_start, open_stop = start, stop
    if open_stop > open_start:
        yield (open_start, open_stop)
