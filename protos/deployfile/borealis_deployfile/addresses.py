"""Addresses in the place of paths: what is fetched instead of read."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

SCHEMES: Final = frozenset({"http", "https"})
"""What is fetched."""
_USER: Final = re.compile(r"(?<=://)[^/]*@")


def scheme_of(path: str) -> str:
    """The scheme of an address, in lower case; empty for a path of the file system."""
    try:
        parts = urlsplit(path)
    except ValueError:  # a bracket that is not an address: then it is no address
        return ""
    return parts.scheme.lower() if parts.netloc else ""


def is_address(path: str) -> bool:
    """Whether it is fetched."""
    return scheme_of(path) in SCHEMES


def address_problem(path: str) -> tuple[str, str] | None:
    """Why an address cannot be meant, and what to do, for a path that is one; None when all is well."""
    scheme = scheme_of(path)
    if not scheme:
        return None
    if scheme not in SCHEMES:
        message = f"files are fetched by http and https only, not by {scheme[:20]}"
        return message, "name an https address, a file or a folder"
    if "@" in urlsplit(path).netloc:
        message = "an address may not hold a user or a password: the file is kept, and others may read it"
        return message, "take it out, and name an address that can be read without logging in"
    return None


def shown(path: str) -> str:
    """A path or an address for messages: without a password, and without its query, which may hold a key."""
    return _USER.sub("", path.partition("?")[0]) if is_address(path) else path
