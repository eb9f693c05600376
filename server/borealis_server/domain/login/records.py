"""What is kept about logins. Secrets are hashes here, but for the second factor's, which is sealed.

Owns the shape of the records. What may become of them is `flows.py`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


def hashed(secret: str) -> str:
    """SHA-256 in hexadecimal. Right for random secrets only: passwords need a slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRecord:
    """What all of them have: a kind, a key in it, whom it is about, and when it may be forgotten."""

    kind: ClassVar[str]
    """Word that the store keeps it under."""
    key: str
    """Unique in its kind."""
    user_id: str = ""
    """User that it belongs to; empty while nobody is known."""
    expires_at: datetime | None = None
    """From when on it counts for nothing and may be forgotten; None: it stays."""

    def is_over(self, now: datetime) -> bool:
        """Whether it counts for nothing any more."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(LoginRecord):
    """How a person logs in with a password. The key is the user's id."""

    kind = "account"
    password_hash: str
    """As the password adapter wrote it; holds its own parameters."""
    factor_sealed: str = ""
    """Sealed secret of the second factor; empty until it was set up."""
    last_step: int = 0
    """Newest time step whose code was used: a code is good once."""


class Standing(StrEnum):
    """How far a login in a browser has come."""

    PASSWORD_GIVEN = "password_given"  # noqa: S105 - a state
    LOGGED_IN = "logged_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserLogin(LoginRecord):
    """A browser that somebody logs in with. The key is the hash of its cookie."""

    kind = "browser"
    standing: Standing
    """How far it has come."""
    authenticated_at: datetime
    """When the person proved who they are."""
    group_roles: tuple[str, ...] = ()
    """Names of roles that came from groups of an identity provider."""
    provider: str = ""
    """Identity provider that vouched for the person; empty with a password."""
    new_factor_sealed: str = ""
    """Sealed secret of a second factor that is being set up."""
    tries: int = 0
    """Wrong codes so far."""
    next_path: str = "/"
    """Where the browser wanted to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a person agreed to: that a program acts for them in a tenant."""

    user_id: str
    tenant: str
    authenticated_at: datetime
    """When the person proved who they are."""
    group_roles: tuple[str, ...] = ()
    """As in `BrowserLogin`."""
    provider: str = ""
    """As in `BrowserLogin`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode(LoginRecord):
    """A code that a program redeems once. The key is its hash."""

    kind = "code"
    client_id: str
    """Program that it was made for."""
    redirect_uri: str
    """Where it was sent, to the letter."""
    challenge: str
    """S256 of the verifier that the program keeps (RFC 7636)."""
    scope: tuple[str, ...]
    """What was asked for."""
    nonce: str
    """Goes into the ID token as it came."""
    approval: Approval
    """Who agreed to what."""
    session_id: str
    """Session that redeeming it begins; a code that comes twice ends it."""
    is_spent: bool = False
    """Whether it was presented, rightly or wrongly."""


class DeviceState(StrEnum):
    """What has become of a device's request."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    SPENT = "spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGrant(LoginRecord):
    """A program without a browser that waits for a person (RFC 8628). The key is the hash of its device code."""

    kind = "device"
    client_id: str
    """Program that waits."""
    scope: tuple[str, ...]
    """What it asked for."""
    asked_at: datetime
    """When it asked."""
    address: str
    """Where it asked from, for the person to compare."""
    interval_s: int
    """Least time between two questions; grows when the program is too fast."""
    session_id: str
    """Session that redeeming it begins."""
    polled_at: datetime | None = None
    """When it asked for its token last."""
    state: DeviceState = DeviceState.PENDING
    """What has become of it."""
    approval: Approval | None = None
    """Who agreed to what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCode(LoginRecord):
    """The short code that a person types. The key is the code."""

    kind = "user_code"
    device_key: str
    """Key of the `DeviceGrant` that it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(LoginRecord):
    """A program that acts for a person: the family of all its refresh tokens. The key is its public id."""

    kind = "session"
    client_id: str
    """Program that holds it."""
    tenant: str
    """Tenant that its newest access token is good for."""
    scope: tuple[str, ...]
    """What was agreed to."""
    family_hash: str
    """Hash of the part that all refresh tokens of the family share."""
    current_hash: str
    """Hash of the part that only the newest one has; empty when none was issued."""
    began_at: datetime
    """When the person agreed."""
    used_at: datetime
    """When it got an access token last."""
    authenticated_at: datetime
    """When the person proved who they are."""
    latest_end: datetime | None = None
    """When it ends however often it is used; None: it goes on while it is used."""
    group_roles: tuple[str, ...] = ()
    """As in `BrowserLogin`."""
    provider: str = ""
    """As in `BrowserLogin`."""
    ended_why: str = ""
    """Why it ended before its time; empty while it goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTrip(LoginRecord):
    """A browser that was sent to an identity provider. The key is the hash of the `state` it took along."""

    kind = "trip"
    provider: str
    """Where it was sent."""
    nonce: str
    """What the ID token must say."""
    verifier: str
    """Of the challenge that went along."""
    browser_hash: str
    """Hash of the cookie of the browser that was sent."""
    next_path: str
    """Where the browser wanted to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLink(LoginRecord):
    """Who a subject of an identity provider is here. The key is `provider/subject`, hashed."""

    kind = "link"
    provider: str


KINDS: tuple[type[LoginRecord], ...] = (
    Account,
    BrowserLogin,
    AuthorizationCode,
    DeviceGrant,
    UserCode,
    Session,
    ProviderTrip,
    ProviderLink,
)
"""Every kind of record."""
