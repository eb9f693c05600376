"""Previews: temporary addresses of Services, what is kept of one, and what a tenant allows.

Owns names, times and tickets. Pure: how a visitor's request gets to the Service is `services/preview_access.py`'s.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from borealis_server.domain.names import ResourceName

TOKEN_BYTES: Final = 20
"""Chance in the name of a host, in bytes: 160 bits."""
KEY_BYTES: Final = 32
KEPT_AFTER_END: Final = timedelta(days=7)
"""How long it is remembered that there was a preview, so that its address answers 410 and not 404."""
TICKET_LIFETIME: Final = timedelta(seconds=60)
COOKIE: Final = "__Host-borealis-preview"
"""Keeps a visitor logged in. The prefix makes browsers send it to this one host, and nobody else can set it."""
ENTRY_PATH: Final = "/.borealis/enter"
"""Where a ticket is changed into a cookie; the only path of a preview that is ours."""
AGENT_TARGET: Final = "preview"
"""The range of Services in an agent's targets file that previews go to."""

_TOKEN: Final = re.compile(r"[a-z2-7]{32}")


class PreviewName(ResourceName):
    """Name of a preview: `tenants/{tenant}/previews/{preview}`."""

    __slots__ = ()
    collection = "previews"
    id_pattern = r"[a-z0-9-]{1,64}"


class PreviewState(StrEnum):
    """Whether a preview leads anywhere."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


class PreviewRule(StrEnum):
    """What a tenant allows."""

    PUBLIC = "PUBLIC"
    """Whoever has the address may visit, unless the deploy file wants a login."""
    LOGIN = "LOGIN"
    """Only people of the tenant may visit, whatever the deploy file says."""
    FORBIDDEN = "FORBIDDEN"
    """There are no previews; those that exist lead nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A temporary address of a Service."""

    name: PreviewName
    token: str
    """First label of its host name: whoever knows it may visit."""
    deployment: str
    """Id of the deployment that made it."""
    target: str
    step: str
    """Ref of the step."""
    agent: str
    """Name of the agent in whose cluster the Service is."""
    namespace: str
    service: str
    port: int
    requires_login: bool
    key: bytes
    """Signs tickets and cookies of this preview; nobody ever sees it."""
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    """When it was ended before its time; None when nobody did."""
    revoked_why: str = ""
    """Why, in the middle of a sentence."""

    def state(self, now: datetime) -> PreviewState:
        """Whether it leads anywhere now."""
        if self.revoked_at is not None:
            return PreviewState.REVOKED
        return PreviewState.EXPIRED if now >= self.expires_at else PreviewState.ACTIVE

    @property
    def agent_target(self) -> str:
        """What the Service is called by in the agent's list of targets."""
        return f"{AGENT_TARGET}:{self.namespace}/{self.service}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewAddress:
    """Where previews are: below which domain, and at which port of the web door."""

    domain: str
    port: int

    @property
    def suffix(self) -> str:
        """What host names of previews end with."""
        return f".{self.domain}"

    def url_of(self, preview: Preview) -> str:
        """The address that visitors use."""
        return f"https://{self.authority_of(preview)}/"

    def authority_of(self, preview: Preview) -> str:
        """Host and port as browsers write them."""
        host = f"{preview.token}{self.suffix}"
        return host if self.port == 443 else f"{host}:{self.port}"  # noqa: PLR2004 - the usual port of https

    def covers(self, host: str) -> bool:
        """Whether a Host field means a preview, an unknown one included."""
        return host_name(host).endswith(self.suffix)

    def token_of(self, host: str) -> str:
        """The token in a Host field; empty where there is none that could be ours."""
        label = host_name(host).removesuffix(self.suffix)
        return label if self.covers(host) and _TOKEN.fullmatch(label) else ""


def host_name(host: str) -> str:
    """The name in a Host field: in lower case, without port and final dot."""
    return host.strip().rpartition("]")[2].partition(":")[0].rstrip(".").lower()


def token_of_bytes(random: bytes) -> str:
    """A token for a host name: base32, since host names know no upper case."""
    return base64.b32encode(random).decode().lower().rstrip("=")


def ticket(preview: Preview, subject: str, now: datetime) -> str:
    """What opens a preview to `subject` for a minute, to be changed into a cookie."""
    return _signed(preview, "ticket", subject, now + TICKET_LIFETIME)


def cookie_value(preview: Preview, subject: str) -> str:
    """What keeps `subject` logged in until the preview ends."""
    return _signed(preview, "cookie", subject, preview.expires_at)


def subject_of_ticket(preview: Preview, text: str, now: datetime) -> str:
    """Who the ticket was made for; empty when it is not good now."""
    return _subject(preview, "ticket", text, now)


def subject_of_cookie(preview: Preview, text: str, now: datetime) -> str:
    """Who the cookie was made for; empty when it is not good now."""
    return _subject(preview, "cookie", text, now)


def _signed(preview: Preview, use: str, subject: str, until: datetime) -> str:
    who = base64.urlsafe_b64encode(subject.encode()).decode().rstrip("=")
    said = f"{int(until.timestamp())}.{who}"
    return f"{said}.{_signature(preview, use, said)}"


def _subject(preview: Preview, use: str, text: str, now: datetime) -> str:
    said, _, signature = text.rpartition(".")
    if not text.isascii() or not hmac.compare_digest(signature, _signature(preview, use, said)):
        return ""
    until, _, who = said.partition(".")  # the signature is right, so the text is ours
    if now >= datetime.fromtimestamp(int(until), UTC):
        return ""
    return base64.urlsafe_b64decode(who + "=" * (-len(who) % 4)).decode()


def _signature(preview: Preview, use: str, said: str) -> str:
    text = f"{use}\n{preview.token}\n{said}".encode()
    return hmac.new(preview.key, text, hashlib.sha256).hexdigest()
