"""Issuers that others run: identity providers that people log in with, and those whose tokens machines bring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """Where people of an organization log in."""

    id: str
    """Short word in addresses."""
    name: str
    """Name on the button."""
    issuer: str
    """Its issuer; its discovery document is found there."""
    client_id: str
    """What it knows us by."""
    client_secret: str = field(repr=False)
    """Our secret with it; empty when it knows us as a public client."""
    organization: str
    """Id of the organization whose people it vouches for."""
    groups_claim: str = "groups"
    """Claim of its ID tokens that lists groups; a group gives the roles of its name."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What it is asked for."""
    is_email_trusted: bool = False
    """Whether addresses count without `email_verified`: some providers check them and do not say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRule:
    """What a token of another issuer must say, and what its bearer may then do here."""

    id: str
    """Short word; part of the subject of what is exchanged."""
    issuer: str
    """Who must have issued it."""
    audience: str
    """Whom it must be for."""
    conditions: Mapping[str, tuple[str, ...]]
    """Patterns by claim, one of which must fit its value; `*` stands for any text without a slash, `**` for any."""
    tenant: str
    """Tenant in which it may act."""
    roles: tuple[str, ...]
    """Names of the roles that it holds there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """What a browser takes along to an identity provider, and what must come back."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class Issuers(Protocol):
    """Talks to issuers that others run."""

    async def address(self, provider: IdentityProvider, trip: Trip) -> str:
        """Where to send the browser. Errors: IssuerUnavailable."""
        ...

    async def claims(self, provider: IdentityProvider, trip: Trip, code: str, issuer: str) -> Mapping[str, object]:
        """What the provider says of who came back with `code`; `issuer` is what the answer named, or empty.

        Shape: claims of an ID token whose signature, issuer, audience, times and nonce were checked.
        Errors: IssuerRefused, IssuerUnavailable.
        """
        ...

    async def external_claims(self, issuer: str, audience: str, token: str) -> Mapping[str, object]:
        """What a token of `issuer` for `audience` says, checked as above. Errors: IssuerRefused, IssuerUnavailable."""
        ...

    def issuer_of(self, token: str) -> str:
        """Who a token claims to be of, unchecked; empty when it is no token."""
        ...


class IssuerRefused(Exception):  # noqa: N818 - an outcome
    """What came does not hold."""


class IssuerUnavailable(Exception):  # noqa: N818 - an outcome
    """The issuer does not answer, or not as it should."""
