"""Where organizations are kept, with all that decides who may do what in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_server.domain.directory import Directory


class DirectoryStore(Protocol):
    """Keeps one directory for each organization. Everything written is durable when the call returns."""

    async def create(self, directory: Directory) -> None:
        """Keep a new organization with all that belongs to it, but for credentials; all or nothing.

        Errors: TenantExists, UserExists for what another organization has already; ValueError when there is one of its
        id.
        """
        ...

    async def change(
        self, organization: str, decide: Callable[[Directory], Directory], *, with_credentials: bool = False
    ) -> Directory:
        """Replace an organization's directory by what `decide` makes of its newest state, all or nothing; returns that.

        Nothing is written where that is no other, and the version stays.

        `decide` must be pure and fast; what it raises comes out, and nothing is written. Without `with_credentials` it
        sees none and cannot change any; with it, it sees and changes all those of the organization's tenants.
        Errors: OrganizationNotFound; UserExists, TenantExists, CredentialExists.
        """
        ...

    async def get(self, organization: str) -> Directory | None:
        """The newest state, without credentials."""
        ...

    async def version(self) -> int:
        """A number that grows with every change of any organization or credential."""
        ...

    async def organization_of_tenant(self, tenant: str) -> str | None:
        """Id of the organization that has the tenant of this id, a deleted one too."""
        ...

    async def organization_of_user(self, user: str) -> str | None:
        """Id of the organization of the person with this id."""
        ...

    async def organization_of_email(self, email: str) -> str | None:
        """Id of the organization of the person with this address, in its normal form."""
        ...

    async def organization_of_invitation(self, token_hash: str) -> str | None:
        """Id of the organization that has sent the invitation with this secret."""
        ...
