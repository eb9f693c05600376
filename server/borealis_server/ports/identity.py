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
    """Whom it was issued for: `clients/{client_id}` or `users/{user_id}`."""
    issued_at: datetime
    """From when it is good; whole seconds."""
    expires_at: datetime
    """When it ends; whole seconds."""
    token_id: str
    """Identifier of this one token."""


class TokenSigner(Protocol):
    """Makes access tokens and recognises its own."""

    def sign(self, claims: TokenClaims) -> str:
        """A token that says `claims`."""
        ...

    def read(self, token: str) -> TokenClaims:
        """What the token says, its signature, issuer and audience checked; its times are the caller's to judge.

        Errors: Unauthenticated when it is not a token of ours.
        """
        ...

    def public_keys(self) -> Mapping[str, object]:
        """The keys that tokens can be checked with, as a JSON Web Key Set."""
        ...
