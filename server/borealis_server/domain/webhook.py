"""What a step knows of the webhook that it calls: records only. How it decides is `steps/run_webhook.py`."""

from dataclasses import dataclass
from datetime import datetime

from borealis_server.domain.errand import Answered

DEFAULT_CALLBACK_LIMIT_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What was reported to a step; the first report is final."""

    is_success: bool
    message: str
    """Markdown without HTML, and without secrets."""
    by: str
    """Who reported: the display name of a credential, or `webhook NAME` for whoever had the token of the call."""
    at: datetime
    digest: str
    """SHA-256 of what was sent, to tell a repeat from a contradiction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRun:
    """A webhook being run."""

    name: str
    agent: str = ""
    """Agent that makes the call; empty when the server makes it."""
    tries: int = 1
    """How often the call is tried at most."""
    has_callback: bool = True
    """Whether the step waits for a callback after the call."""
    callback_limit_s: float = DEFAULT_CALLBACK_LIMIT_S
    """How long it waits, from the answer to the call."""
    tried: int = 0
    """Tries whose end is known."""
    answer: Answered | None = None
    """The newest answer; None before the first one."""
    failure: str = ""
    """Why the newest try had no answer; empty when it had one."""
    answered_at: datetime | None = None
    """When the call was accepted; None before."""
    callback: Callback | None = None
