"""Who calls: credentials, the tokens they get, and what a token is good for at this moment.

Owns issuing, checking and revoking. What a role allows is `domain/access.py`; how tokens are signed is the port's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from borealis_server.domain.credentials import with_credential, with_credential_roles, without_credential
from borealis_server.domain.directory_changes import facts_of
from borealis_server.domain.errors import CredentialRefused, TenantNotFound, Unauthenticated
from borealis_server.domain.giving import check_giving, roles_meant
from borealis_server.domain.identity import ClientCredential, NewCredential, Principal, check_credential
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id
from borealis_server.domain.paging import Page, PageRequest, page_token
from borealis_server.ports.audit_notes import note_change
from borealis_server.ports.identity import TokenClaims
from borealis_server.services.principals import Principals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from borealis_server.domain.access import HeldGrant
    from borealis_server.domain.directory import Directory
    from borealis_server.domain.names import CredentialName
    from borealis_server.domain.roles import Role
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.identity import CredentialStore, TokenSigner
    from borealis_server.ports.issuers import TrustRule
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.directories import Directories
    from borealis_server.services.session_gate import SessionGate

_CLIENTS = "clients/"
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
class CredentialView:
    """A credential with the roles that it holds and that exist, by name."""

    credential: ClientCredential
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCredential(CredentialView):
    """A credential with its secret, which nobody can show again."""

    secret: str


class IdentityService:
    """Issues, checks and revokes credentials and tokens."""

    def __init__(
        self,
        *,
        credentials: CredentialStore,
        directories: Directories,
        signer: TokenSigner,
        clock: Clock,
        randomness: Randomness,
        token_lifetime_s: int,
        gate: SessionGate | None = None,
        rules: Iterable[TrustRule] = (),
    ) -> None:
        self._credentials = credentials
        self._directories = directories
        self._principals = Principals(directories, credentials)
        self._signer = signer
        self._clock = clock
        self._randomness = randomness
        self._token_lifetime_s = token_lifetime_s
        self._gate = gate
        self._rules = {rule.id: rule for rule in rules}
        self._read_tokens: OrderedDict[bytes, TokenClaims] = OrderedDict()

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
            subject=f"{_CLIENTS}{credential.client_id}",
            issued_at=issued_at,
            expires_at=issued_at + timedelta(seconds=self._token_lifetime_s),
            token_id=self._random_text(_TOKEN_ID_BYTES),
        )
        return IssuedToken(access_token=self._signer.sign(claims), expires_in_s=self._token_lifetime_s)

    async def verify(self, token: str, tenant: str = "") -> Principal:
        """Who sends `token`, if it is good now and whoever it was issued for still exists, acting in `tenant`.

        An empty `tenant` is the token's own; another one may be named by id or name.

        Errors: Unauthenticated; TenantDenied when the caller has no role there, or it does not exist.
        """
        claims = await self.checked_claims(token)
        kind, _, identifier = claims.subject.partition("/")
        given = {"token_tenant": claims.tenant, "wanted": tenant}
        match kind:
            case "users":
                session = await self._gate.session(claims) if self._gate else None
                groups = session.group_roles if session else ()
                return await self._principals.of_user(identifier, **given, expires_at=claims.expires_at, groups=groups)
            case "external":
                return await self._principals.of_external(
                    claims.subject, **given, expires_at=claims.expires_at, rule=self._rules.get(claims.rule_id)
                )
            case _:
                return await self._principals.of_client(identifier, **given, expires_at=claims.expires_at)

    async def checked_claims(self, token: str) -> TokenClaims:
        """What a token says, if it is ours and good now by itself. Errors: Unauthenticated."""
        claims = self._claims(token)
        now = self._clock.now()
        if now >= claims.expires_at:
            raise Unauthenticated("the token has expired")
        if now < claims.issued_at:
            raise Unauthenticated("the token is not good yet; check the clocks")
        return claims

    def public_keys(self) -> Mapping[str, object]:
        """The keys that our tokens can be checked with, as a JSON Web Key Set."""
        return self._signer.public_keys()

    async def create_credential(
        self, tenant: str, wanted: NewCredential, *, giver: Sequence[HeldGrant]
    ) -> IssuedCredential:
        """A new credential with its secret; whoever asks for it holds `giver`.

        Errors: InvalidArgument with every fault; RoleNotFound; EscalationRefused when a role has more than the giver
        holds; CredentialExists when the display name is taken.
        """
        directory = await self._directory(tenant)
        roles = roles_meant(directory, wanted.roles, tenant=tenant)
        check_credential(wanted, roles)
        check_giving(giver, roles, tenant=tenant)
        issued = self._new_credential(tenant, wanted, roles)
        await self._credentials.add_credential(issued.credential)
        note_change(f"clientCredentials/{issued.credential.client_id}", after=facts_of(issued.credential))
        self._directories.forget()
        return issued

    async def replace_credential(self, tenant: str, wanted: NewCredential) -> IssuedCredential:
        """A new credential in the place of the one of its display name, if there is one. For the server's own use."""
        directory = await self._directory(tenant)
        issued = self._new_credential(tenant, wanted, roles_meant(directory, wanted.roles, tenant=tenant))
        await self._directories.change(
            directory.organization.id, lambda newest: with_credential(newest, issued.credential), with_credentials=True
        )
        return issued

    async def update_credential(
        self, name: CredentialName, role_names: Sequence[str], *, tenant: str, giver: Sequence[HeldGrant]
    ) -> CredentialView:
        """Give a credential other roles.

        Errors: CredentialNotFound, InvalidArgument, RoleNotFound, EscalationRefused also for what is taken away,
        LastAdministrator.
        """
        directory = await self._directory(tenant)
        roles = roles_meant(directory, role_names, tenant=tenant)
        changed = await self._directories.change(
            directory.organization.id,
            lambda newest: with_credential_roles(newest, name, roles, tenant=tenant, giver=giver),
            with_credentials=True,
        )
        credential = changed.credentials[name.id]
        return CredentialView(credential=credential, roles=changed.roles_of(credential.roles))

    async def list_credentials(self, tenant: str, page: PageRequest) -> Page[CredentialView]:
        """Credentials of the tenant by display name. Errors: InvalidArgument, PageTokenInvalid."""
        query, limit = f"credentials/{tenant}", page.limit()
        found = await self._credentials.list_credentials(tenant, after=page.after(query), limit=limit + 1)
        has_more = len(found) > limit
        directory = await self._directory(tenant)
        items = tuple(CredentialView(credential=one, roles=directory.roles_of(one.roles)) for one in found[:limit])
        return Page(items=items, next_token=page_token(query, found[limit - 1].display_name) if has_more else "")

    async def delete_credential(self, tenant: str, name: CredentialName, *, giver: Sequence[HeldGrant]) -> None:
        """Revoke a credential: nobody gets tokens with it, and tokens that it got are refused.

        Errors: CredentialNotFound, also for a credential of another tenant; EscalationRefused when it has more than
        whoever asks; LastAdministrator.
        """
        directory = await self._directory(tenant)
        await self._directories.change(
            directory.organization.id,
            lambda newest: without_credential(newest, name, tenant=tenant, giver=giver),
            with_credentials=True,
        )

    async def _directory(self, tenant: str) -> Directory:
        directory = await self._directories.of_tenant(tenant)
        if directory is None:
            raise TenantNotFound(tenant)
        return directory

    def _new_credential(self, tenant: str, wanted: NewCredential, roles: Sequence[Role]) -> IssuedCredential:
        secret = self._random_text(_SECRET_BYTES)
        credential = ClientCredential(
            tenant=tenant,
            client_id=random_id(self._randomness.token_bytes(RANDOM_ID_BYTES)),
            display_name=wanted.display_name,
            roles=tuple(role.id for role in roles),
            agent=wanted.agent,
            secret_hash=_hash(secret),
            created_at=self._clock.now(),
        )
        return IssuedCredential(credential=credential, roles=tuple(roles), secret=secret)

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

    def _random_text(self, count: int) -> str:
        return base64.urlsafe_b64encode(self._randomness.token_bytes(count)).decode().rstrip("=")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
