"""The few pages of ours that visitors of previews may see: plain, without scripts, about nothing but what happened."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from borealis_server.services.preview_access import NotServed

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem; color: #1b2733; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #10161d; color: #dde5ec; }} }}
h1 {{ font-size: 1.5rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{text}</p>
</body>
</html>
"""
_FIELDS: Final = (
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex, nofollow"),
    ("cache-control", "no-store"),
)


def page_of(outcome: NotServed) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Header fields and body of the page."""
    body = _PAGE.format(title=escape(outcome.title), text=escape(outcome.text)).encode()
    return (*_FIELDS, *outcome.headers, ("content-length", str(len(body)))), body
