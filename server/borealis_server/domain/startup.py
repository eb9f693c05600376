"""Why the server does not start: something that whoever starts it must change."""

from __future__ import annotations


class StartRefusedError(Exception):
    """The server cannot start. The message is one line that says what is wrong and what to do."""
