"""What logging in has to know about people: who they are, what they may log in to, and how they come in.

Owns nothing: it reads and changes organizations by the services that do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_server.domain.directory import User, held_grants, normal_email, reachable_tenants
from borealis_server.domain.errors import OrganizationNotFound, UserExists
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id
from borealis_server.domain.users import check_person
from borealis_server.services.principals import roles_of_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_server.domain.directory import Directory
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.directories import Directories
    from borealis_server.services.organizations import Organizations
    from borealis_server.services.users import UserService


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may log in."""

    id: str
    """Identifier, unique in the installation."""
    email: str
    """Address in lower case, unique in the installation."""
    display_name: str
    """Name for people."""
    organization: str
    """Id of their organization."""
    organization_name: str
    """Its name for people."""
    is_active: bool = True
    """Whether they may log in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantChoice:
    """A tenant that somebody may act in."""

    id: str
    """Identifier that tokens name."""
    name: str
    """Name for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Who an invitation is for."""

    email: str
    display_name: str
    organization_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A new organization, and the person who founds it."""

    organization_name: str
    email: str
    display_name: str


class People:
    """The people of this installation."""

    def __init__(
        self,
        directories: Directories,
        organizations: Organizations,
        users: UserService,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._directories = directories
        self._organizations = organizations
        self._users = users
        self._clock = clock
        self._randomness = randomness

    async def person(self, user_id: str) -> Person | None:
        """Who has this id."""
        directory = await self._directories.of_user(user_id)
        user = directory.users.get(user_id) if directory else None
        return _person(directory, user) if directory and user else None

    async def person_of(self, email: str) -> Person | None:
        """Who has this address, in whatever capitals."""
        organization = await self._directories.store.organization_of_email(normal_email(email))
        directory = await self._directories.get(organization) if organization else None
        user = directory.user_of(email) if directory else None
        return _person(directory, user) if directory and user else None

    async def tenants(self, user_id: str, groups: Sequence[str]) -> tuple[TenantChoice, ...]:
        """The tenants that they may act in, by name; those of their organization when they hold nothing yet."""
        directory = await self._directories.of_user(user_id)
        user = directory.users.get(user_id) if directory else None
        if directory is None or user is None:
            return ()
        held = held_grants(directory, roles_of_user(directory, user, groups))
        found = reachable_tenants(directory, held) if held else directory.live_tenants()
        return tuple(TenantChoice(id=tenant.id, name=tenant.name) for tenant in found)

    async def role_names(self, user_id: str, groups: Sequence[str]) -> tuple[str, ...]:
        """The names of the roles that they hold, those of their groups among them; sorted, each once."""
        directory = await self._directories.of_user(user_id)
        user = directory.users.get(user_id) if directory else None
        if directory is None or user is None:
            return ()
        return tuple(sorted({role.name for role in roles_of_user(directory, user, groups)}))

    async def administrators(self, user_id: str) -> tuple[str, ...]:
        """The addresses of those who can give them a role."""
        directory = await self._directories.of_user(user_id)
        return tuple(one.email for one in directory.administrators()) if directory else ()

    async def sign_up(self, wish: SignUp) -> Person:
        """Found an organization with a tenant `main`; the person is its first administrator.

        Errors: UserExists, InvalidArgument.
        """
        directory, user = await self._organizations.sign_up(wish.organization_name, wish.email, wish.display_name)
        return _person(directory, user)

    async def invitation(self, token: str) -> Invited | None:
        """Who the invitation is for, while it can be accepted."""
        found = await self._users.invitation(token)
        if found is None:
            return None
        directory, invitation = found
        return Invited(
            email=invitation.email,
            display_name=invitation.display_name,
            organization_name=directory.organization.name,
        )

    async def accept(self, token: str) -> Person:
        """The person that the invitation makes. Errors: InvitationNotFound, InvitationExpired, UserExists."""
        user = await self._users.accept(token)
        directory = await self._directories.of_user(user.id)
        if directory is None:
            raise OrganizationNotFound(user.id)
        return _person(directory, user)

    async def join(self, organization: str, *, email: str, display_name: str) -> Person:
        """The person whom an identity provider vouches for, as a new member without roles.

        Errors: InvalidArgument, UserExists, OrganizationNotFound.
        """
        address = normal_email(email)
        if await self._directories.store.organization_of_email(address) is not None:
            raise UserExists(address)
        user = User(
            id=random_id(self._randomness.token_bytes(RANDOM_ID_BYTES)),
            email=address,
            display_name=display_name,
            created_at=self._clock.now(),
        )

        def decide(newest: Directory) -> Directory:
            check_person(address, display_name, email_domain=newest.organization.email_domain)
            return newest.with_user(user)

        return _person(await self._directories.change(organization, decide), user)


def _person(directory: Directory, user: User) -> Person:
    return Person(
        id=user.id,
        email=user.email,
        display_name=user.display_name,
        organization=directory.organization.id,
        organization_name=directory.organization.name,
        is_active=user.is_active,
    )
