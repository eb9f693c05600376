"""Who a caller is at this moment: what a credential or a person holds, and the tenant in which they act."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from borealis_server.domain.directory import held_grants, reachable_tenants, roles_there
from borealis_server.domain.errors import CredentialRevoked, TenantDenied
from borealis_server.domain.identity import Principal, PrincipalKind
from borealis_server.services.directories import Remembered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_server.domain.access import HeldGrant
    from borealis_server.domain.directory import Directory, User
    from borealis_server.domain.identity import ClientCredential
    from borealis_server.domain.roles import Role
    from borealis_server.ports.identity import CredentialStore
    from borealis_server.ports.issuers import TrustRule
    from borealis_server.services.directories import Directories


_NEVER = datetime.max.replace(tzinfo=UTC)
"""What is remembered of a caller holds for each of their tokens."""


class Principals:
    """Turns the subject of a token into a caller with everything that they hold."""

    def __init__(self, directories: Directories, credentials: CredentialStore) -> None:
        self._directories = directories
        self._store = credentials
        self._credentials: Remembered[ClientCredential | None] = Remembered(directories)
        self._known: Remembered[Principal] = Remembered(directories)

    async def of_client(self, client_id: str, *, token_tenant: str, wanted: str, expires_at: datetime) -> Principal:
        """The machine with that client id, acting in its own tenant or in `wanted`, if that is not empty.

        Errors: CredentialRevoked when the credential or its tenant is gone; TenantDenied when it may not act there.
        """
        known = await self._known.get(
            f"clients/{client_id}/{token_tenant}/{wanted}", lambda: self._client(client_id, token_tenant, wanted)
        )
        return replace(known, expires_at=expires_at)

    async def _client(self, client_id: str, token_tenant: str, wanted: str) -> Principal:
        credential = await self._credentials.get(client_id, lambda: self._store.get_credential(client_id))
        if credential is None or credential.tenant != token_tenant:
            raise CredentialRevoked("the credential behind the token was revoked")
        directory = await self._directories.of_tenant(credential.tenant)
        home = directory.tenant(credential.tenant) if directory else None
        if directory is None or home is None:
            raise CredentialRevoked("the tenant of the credential behind the token was deleted")
        roles = directory.roles_of(credential.roles)
        held = held_grants(directory, roles, home=home.id)
        tenant = _acting_tenant(directory, held, own=home.id, wanted=wanted)
        return Principal(
            subject=f"clients/{client_id}",
            kind=PrincipalKind.MACHINE,
            display_name=credential.display_name,
            organization=directory.organization.id,
            tenant=tenant,
            roles=roles_there(roles, tenant, home=home.id),
            grants=held,
            agent_name=credential.agent,
            expires_at=_NEVER,
        )

    async def of_user(
        self, user_id: str, *, token_tenant: str, wanted: str, expires_at: datetime, groups: Sequence[str] = ()
    ) -> Principal:
        """The person with that id, acting in the tenant of their token or in `wanted`, if that is not empty.

        `groups` are those that their identity provider has named; a group gives the roles of its name.

        Errors: CredentialRevoked when they are gone or deactivated, or the tenant is; TenantDenied.
        """
        key = "\n".join((f"users/{user_id}/{token_tenant}/{wanted}", *groups))
        known = await self._known.get(key, lambda: self._user(user_id, token_tenant, wanted, groups))
        return replace(known, expires_at=expires_at)

    async def _user(self, user_id: str, token_tenant: str, wanted: str, groups: Sequence[str]) -> Principal:
        directory = await self._directories.of_user(user_id)
        if directory is not None and user_id not in directory.users:
            self._directories.forget()  # they came in a moment ago, through another server
            directory = await self._directories.of_user(user_id)
        user = directory.users.get(user_id) if directory else None
        if directory is None or user is None or not user.is_active:
            raise CredentialRevoked("the user behind the token was deactivated")
        own = directory.tenants.get(token_tenant)
        if own is None or own.deleted_at is not None:
            raise CredentialRevoked("the tenant of the token was deleted")
        roles = roles_of_user(directory, user, groups)
        held = held_grants(directory, roles)
        tenant = _acting_tenant(directory, held, own=own.id, wanted=wanted)
        return Principal(
            subject=f"users/{user.id}",
            kind=PrincipalKind.USER,
            display_name=user.display_name,
            email=user.email,
            organization=directory.organization.id,
            tenant=tenant,
            roles=roles_there(roles, tenant),
            grants=held,
            expires_at=_NEVER,
        )

    async def of_external(
        self, subject: str, *, token_tenant: str, wanted: str, expires_at: datetime, rule: TrustRule | None
    ) -> Principal:
        """The machine that another issuer vouches for, with the roles of the rule, acting as a credential would.

        Errors: CredentialRevoked when the rule or its tenant is gone; TenantDenied when it may not act there.
        """
        if rule is None:
            raise CredentialRevoked("the rule of trust behind the token was removed")
        known = await self._known.get(
            f"{subject}/{token_tenant}/{wanted}", lambda: self._external(subject, token_tenant, wanted, rule)
        )
        return replace(known, expires_at=expires_at)

    async def _external(self, subject: str, token_tenant: str, wanted: str, rule: TrustRule) -> Principal:
        directory = await self._directories.of_tenant(token_tenant)
        home = directory.tenant(token_tenant) if directory else None
        if directory is None or home is None or token_tenant != rule.tenant:
            raise CredentialRevoked("the tenant of the rule behind the token was deleted")
        roles = tuple(role for role in directory.roles_named(rule.roles) if role.tenant in ("", home.id))
        held = held_grants(directory, roles, home=home.id)
        tenant = _acting_tenant(directory, held, own=home.id, wanted=wanted)
        return Principal(
            subject=subject,
            kind=PrincipalKind.MACHINE,
            display_name=subject.removeprefix("external/"),
            organization=directory.organization.id,
            tenant=tenant,
            roles=roles_there(roles, tenant, home=home.id),
            grants=held,
            expires_at=_NEVER,
        )


def roles_of_user(directory: Directory, user: User, groups: Sequence[str] = ()) -> tuple[Role, ...]:
    """The roles of a person: their own, and those that are named as their groups."""
    named = directory.roles_named(groups)
    return directory.roles_of([*user.roles, *(role.id for role in named)])


def _acting_tenant(directory: Directory, held: Sequence[HeldGrant], *, own: str, wanted: str) -> str:
    """Id of the tenant to act in. Errors: TenantDenied, the same where there is no such tenant."""
    if not wanted or wanted == own:
        return own
    tenant = directory.tenant(wanted)
    if tenant is None or (tenant.id != own and tenant not in reachable_tenants(directory, held)):
        raise TenantDenied(wanted)
    return tenant.id
