"""Organizations that go with the process: for tests, with the same contract as the real store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from borealis_server.domain.errors import CredentialExists, OrganizationNotFound, TenantExists, UserExists

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_server.adapters.store.memory import MemoryCredentialStore
    from borealis_server.domain.directory import Directory


class MemoryDirectoryStore:
    """Implements `ports.directory.DirectoryStore`, beside the credentials of a `MemoryCredentialStore`."""

    def __init__(self, credentials: MemoryCredentialStore) -> None:
        self._credentials = credentials
        self._directories: dict[str, Directory] = {}
        self._changes = 0

    async def create(self, directory: Directory) -> None:
        """Keep a new organization with all that belongs to it. Errors: TenantExists, UserExists; ValueError."""
        self.put(directory)

    def put(self, directory: Directory) -> None:
        """As `create`, at once."""
        if directory.organization.id in self._directories:
            raise ValueError(f"organization {directory.organization.id} exists")
        self._check(directory)
        self._keep(replace(directory, credentials={}))

    async def change(
        self, organization: str, decide: Callable[[Directory], Directory], *, with_credentials: bool = False
    ) -> Directory:
        """Replace a directory by what `decide` makes of it.

        Errors: OrganizationNotFound, UserExists, TenantExists, CredentialExists.
        """
        before = self._directories.get(organization)
        if before is None:
            raise OrganizationNotFound(organization)
        seen = replace(before, credentials=self._credentials.of_tenants(before.tenants)) if with_credentials else before
        after = decide(seen)
        if after == seen:
            return after
        if after.organization.id != organization:
            raise ValueError(f"a change of {organization} cannot make it {after.organization.id}")
        self._check(after)
        if with_credentials:
            names = [(one.tenant, one.display_name) for one in after.credentials.values()]
            if twice := next((name for tenant, name in names if names.count((tenant, name)) > 1), ""):
                raise CredentialExists(twice)
            self._credentials.replace(seen.credentials, after.credentials)
        self._keep(replace(after, credentials={}))
        return after

    async def get(self, organization: str) -> Directory | None:
        """The newest state, without credentials."""
        return self._directories.get(organization)

    async def version(self) -> int:
        """A number that grows with every change of any organization or credential."""
        return self._changes + self._credentials.changes

    async def organization_of_tenant(self, tenant: str) -> str | None:
        """Id of the organization that has the tenant of this id, a deleted one too."""
        return self._find(lambda one: tenant in one.tenants)

    async def organization_of_user(self, user: str) -> str | None:
        """Id of the organization of the person with this id."""
        return self._find(lambda one: user in one.users)

    async def organization_of_email(self, email: str) -> str | None:
        """Id of the organization of the person with this address, in its normal form."""
        return self._find(lambda one: any(user.email == email for user in one.users.values()))

    async def organization_of_invitation(self, token_hash: str) -> str | None:
        """Id of the organization that has sent the invitation with this secret."""
        return self._find(lambda one: any(sent.token_hash == token_hash for sent in one.invitations.values()))

    def _find(self, has: Callable[[Directory], bool]) -> str | None:
        return next((name for name, one in self._directories.items() if has(one)), None)

    def _check(self, directory: Directory) -> None:
        """Errors: TenantExists, UserExists where another organization has one of these."""
        others = [one for name, one in self._directories.items() if name != directory.organization.id]
        emails = [user.email for user in directory.users.values()]
        for other in others:
            for tenant in directory.tenants.values():
                if tenant.id in other.tenants:
                    raise TenantExists(tenant.name)
            for user in other.users.values():
                if user.email in emails:
                    raise UserExists(user.email)
        if twice := next((email for email in emails if emails.count(email) > 1), ""):
            raise UserExists(twice)

    def _keep(self, directory: Directory) -> None:
        self._directories[directory.organization.id] = directory
        self._changes += 1
