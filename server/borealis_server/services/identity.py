"""Who calls: credentials, the tokens they get, and what a token is good for at this moment.

Owns issuing, checking and revoking. What a role allows is `domain/access.py`; how tokens are signed is the port's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from borealis_server.domain.errors import CredentialNotFound, CredentialRefused, CredentialRevoked, Unauthenticated
from borealis_server.domain.identity import ClientCredential, NewCredential, Principal
from borealis_server.domain.names import RANDOM_ID_BYTES, CredentialName, random_id
from borealis_server.domain.paging import Page, PageRequest, page_token
from borealis_server.ports.audit_notes import note_change
from borealis_server.ports.identity import TokenClaims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_server.ports.clock import Clock
    from borealis_server.ports.identity import CredentialStore, TokenSigner
    from borealis_server.ports.randomness import Randomness

REVOCATION_LAG_S = 2.0
"""How old our knowledge of a credential may be: a revoked one is refused everywhere after at most so long."""

_SECRET_BYTES = 32
_TOKEN_ID_BYTES = 12
_MAX_TOKEN_CHARACTERS = 4096
_NO_SUCH_SECRET = hashlib.sha256(b"").hexdigest()
_CACHE_ENTRIES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """An access token, fresh."""

    access_token: str
    """To send as `authorization: Bearer …`."""
    expires_in_s: int
    """How long it is good for, from now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCredential:
    """A credential with its secret, which nobody can show again."""

    credential: ClientCredential
    secret: str


@dataclass(frozen=True, slots=True)
class _Known:
    credential: ClientCredential | None
    at: datetime


class IdentityService:
    """Issues, checks and revokes credentials and tokens."""

    def __init__(
        self,
        *,
        credentials: CredentialStore,
        signer: TokenSigner,
        clock: Clock,
        randomness: Randomness,
        token_lifetime_s: int,
    ) -> None:
        self._credentials = credentials
        self._signer = signer
        self._clock = clock
        self._randomness = randomness
        self._token_lifetime_s = token_lifetime_s
        self._read_tokens: OrderedDict[bytes, TokenClaims] = OrderedDict()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def issue_token(self, client_id: str, client_secret: str) -> IssuedToken:
        """A token for whoever knows the secret of the credential.

        Errors: CredentialRefused, the same for an unknown id and a wrong secret.
        """
        credential = await self._credentials.get_credential(client_id)
        expected = credential.secret_hash if credential else _NO_SUCH_SECRET
        is_right = hmac.compare_digest(_hash(client_secret), expected)
        if credential is None or not is_right:
            raise CredentialRefused
        issued_at = self._clock.now().replace(microsecond=0)
        claims = TokenClaims(
            tenant=credential.tenant,
            client_id=credential.client_id,
            issued_at=issued_at,
            expires_at=issued_at + timedelta(seconds=self._token_lifetime_s),
            token_id=self._random_text(_TOKEN_ID_BYTES),
        )
        return IssuedToken(access_token=self._signer.sign(claims), expires_in_s=self._token_lifetime_s)

    async def verify(self, token: str) -> Principal:
        """Who sends `token`, if it is good now and its credential still exists.

        Errors: Unauthenticated.
        """
        claims = self._claims(token)
        now = self._clock.now()
        if now >= claims.expires_at:
            raise Unauthenticated("the token has expired")
        if now < claims.issued_at:
            raise Unauthenticated("the token is not good yet; check the clocks")
        credential = await self._credential(claims.client_id)
        if credential is None or credential.tenant != claims.tenant:
            raise CredentialRevoked("the credential behind the token was revoked")
        return _principal(credential, claims)

    def public_keys(self) -> Mapping[str, object]:
        """The keys that our tokens can be checked with, as a JSON Web Key Set."""
        return self._signer.public_keys()

    async def create_credential(self, tenant: str, wanted: NewCredential) -> IssuedCredential:
        """A new credential with its secret.

        Errors: InvalidArgument with every fault; CredentialExists when the display name is taken.
        """
        secret = self._random_text(_SECRET_BYTES)
        credential = ClientCredential(
            tenant=tenant,
            client_id=random_id(self._randomness.token_bytes(RANDOM_ID_BYTES)),
            display_name=wanted.display_name,
            role=wanted.checked_role(),
            agent=wanted.agent,
            secret_hash=_hash(secret),
            created_at=self._clock.now(),
        )
        await self._credentials.add_credential(credential)
        note_change(
            CredentialName(tenant, credential.client_id),
            after={"display_name": credential.display_name, "role": credential.role.value, "agent": credential.agent},
        )
        self._known.pop(credential.client_id, None)
        return IssuedCredential(credential=credential, secret=secret)

    async def list_credentials(self, tenant: str, page: PageRequest) -> Page[ClientCredential]:
        """Credentials of the tenant by display name. Errors: InvalidArgument, PageTokenInvalid."""
        query, limit = f"credentials/{tenant}", page.limit()
        found = await self._credentials.list_credentials(tenant, after=page.after(query), limit=limit + 1)
        has_more = len(found) > limit
        items = found[:limit]
        return Page(items=items, next_token=page_token(query, items[-1].display_name) if has_more else "")

    async def delete_credential(self, tenant: str, name: CredentialName) -> None:
        """Revoke a credential: nobody gets tokens with it, and tokens that it got are refused.

        Errors: CredentialNotFound, also for a credential of another tenant.
        """
        removed = name.tenant == tenant and await self._credentials.remove_credential(tenant, name.id)
        if not removed:
            raise CredentialNotFound(name)
        note_change(name, before={"client_id": name.id})
        self._known.pop(name.id, None)

    def _claims(self, token: str) -> TokenClaims:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise Unauthenticated("the token is too long to be one of ours")
        key = hashlib.sha256(token.encode()).digest()
        claims = self._read_tokens.get(key)
        if claims is None:
            claims = self._signer.read(token)
            self._read_tokens[key] = claims
            if len(self._read_tokens) > _CACHE_ENTRIES:
                self._read_tokens.popitem(last=False)
        return claims

    async def _credential(self, client_id: str) -> ClientCredential | None:
        now = self._clock.now()
        known = self._known.get(client_id)
        if known is not None and timedelta(0) <= now - known.at < timedelta(seconds=REVOCATION_LAG_S):
            return known.credential
        credential = await self._credentials.get_credential(client_id)
        self._known[client_id] = _Known(credential, now)
        if len(self._known) > _CACHE_ENTRIES:
            self._known.popitem(last=False)
        return credential

    def _random_text(self, count: int) -> str:
        return base64.urlsafe_b64encode(self._randomness.token_bytes(count)).decode().rstrip("=")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _principal(credential: ClientCredential, claims: TokenClaims) -> Principal:
    return Principal(
        subject=f"clients/{credential.client_id}",
        display_name=credential.display_name,
        tenant=credential.tenant,
        roles=(credential.role,),
        agent_name=credential.agent,
        expires_at=claims.expires_at,
    )
