"""Why an address could not be fetched."""

from __future__ import annotations


class FetchError(Exception):
    """Nothing was fetched; the text says why in the middle of a sentence, and shows no secrets."""


class NotPublicError(FetchError):
    """The address leads to a machine of a private network, which was not allowed."""
