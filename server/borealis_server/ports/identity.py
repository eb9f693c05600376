"""What identity needs: a place for credentials, and somebody who signs and checks tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from borealis_server.domain.identity import ClientCredential


class CredentialStore(Protocol):
    """Where client credentials are kept."""

    async def add_credential(self, credential: ClientCredential) -> None:
        """Keep a new credential.

        Errors: CredentialExists when its tenant has one of that display name.
        """
        ...

    async def get_credential(self, client_id: str) -> ClientCredential | None:
        """The credential with that client id, in whichever tenant."""
        ...

    async def find_credential(self, tenant: str, display_name: str) -> ClientCredential | None:
        """The tenant's credential of that display name."""
        ...

    async def list_credentials(self, tenant: str, *, after: str, limit: int) -> tuple[ClientCredential, ...]:
        """At most `limit` credentials of the tenant with display names behind `after`, by display name."""
        ...

    async def list_agent_names(self, tenant: str, *, after: str, limit: int) -> tuple[str, ...]:
        """At most `limit` agents behind `after` that a credential of the tenant is bound to; sorted, each once."""
        ...

    async def has_agent(self, tenant: str, agent: str) -> bool:
        """Whether a credential of the tenant is bound to that agent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """What a token says about its holder."""

    tenant: str
    """Tenant that it is good for."""
    subject: str
    """Whom it was issued for: `clients/{client_id}`, `users/{user_id}` or `external/{rule}/{subject there}`."""
    issued_at: datetime
    """From when it is good; whole seconds."""
    expires_at: datetime
    """When it ends; whole seconds."""
    token_id: str
    """Identifier of this one token."""
    client_id: str = ""
    """Program that acts for a user; empty for machines."""
    session_id: str = ""
    """Session that it was issued in; empty for machines."""

    @property
    def user_id(self) -> str:
        """User that it acts for; empty for machines."""
        kind, _, identifier = self.subject.partition("/")
        return identifier if kind == "users" else ""

    @property
    def rule_id(self) -> str:
        """Rule of trust by which it was exchanged; empty unless it was."""
        kind, _, rest = self.subject.partition("/")
        return rest.partition("/")[0] if kind == "external" else ""


class TokenSigner(Protocol):
    """Makes access tokens and recognises its own."""

    def sign(self, claims: TokenClaims, about: Mapping[str, object] | None = None) -> str:
        """An access token that says `claims`, and what is `about` its holder for those who look inside."""
        ...

    def sign_identity(self, claims: Mapping[str, object], *, audience: str) -> str:
        """An ID token for the program `audience`: it says who logged in, and opens no door."""
        ...

    def read(self, token: str) -> TokenClaims:
        """What the token says, its signature, issuer and audience checked; its times are the caller's to judge.

        Errors: Unauthenticated when it is not a token of ours.
        """
        ...

    def public_keys(self) -> Mapping[str, object]:
        """The keys that tokens can be checked with, as a JSON Web Key Set."""
        ...
