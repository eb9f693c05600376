"""What can go wrong with a tunnel: our own misuse, and the peer's breach of the protocol."""

from __future__ import annotations


class LocalProtocolError(Exception):
    """This side asked for something that the protocol does not allow now: a bug or a race. Nothing was sent."""


class RemoteProtocolError(Exception):
    """The peer broke a rule of the session. The session cannot go on; the text says which rule."""
