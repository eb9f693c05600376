"""What a password must be. Length counts; rules about kinds of letters do not (NIST SP 800-63B)."""

from __future__ import annotations

import re

MIN_CHARACTERS = 12
MAX_BYTES = 256
"""Longer ones are refused, so that nobody makes the server hash books."""

_FEW = 5


def fault_of(password: str, *, email: str, display_name: str = "") -> str:
    """What is wrong with a new password, in a sentence; empty when nothing is."""
    folded = password.casefold()
    guesses = [*re.split(r"[^a-z0-9]+", email.casefold()), *display_name.casefold().split(), "borealis", "password"]
    rest = folded
    for guess in guesses:
        if len(guess) > 2:  # noqa: PLR2004 - shorter ones are in everything
            rest = rest.replace(guess, "")
    if len(password) < MIN_CHARACTERS:
        return (
            f"A password needs at least {MIN_CHARACTERS} characters. A few words that do not belong together are good."
        )
    if len(password.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return f"A password has at most {MAX_BYTES} bytes."
    if len(set(rest)) < _FEW:
        return "This password is easy to guess: it is little more than a name, or one letter again and again."
    return ""
