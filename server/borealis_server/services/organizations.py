"""Organizations: the one that every installation has, and those that people sign up for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.domain.directory import Directory, Organization, User, normal_email
from borealis_server.domain.errors import InvalidArgument, UserExists
from borealis_server.domain.names import HOME_ORGANIZATION, MAIN_TENANT, RANDOM_ID_BYTES, random_id
from borealis_server.domain.roles import ADMINISTRATOR, name_violations
from borealis_server.domain.tenants import with_new_tenant
from borealis_server.domain.users import check_person

if TYPE_CHECKING:
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.directories import Directories


class Organizations:
    """Makes organizations."""

    def __init__(self, directories: Directories, clock: Clock, randomness: Randomness) -> None:
        self._directories = directories
        self._clock = clock
        self._randomness = randomness

    async def open_home(self) -> Directory:
        """The installation's own organization with its tenant `main`, made where there is none yet."""
        found = await self._directories.store.get(HOME_ORGANIZATION)
        if found is not None:
            return found
        return await self._create(Organization(id=HOME_ORGANIZATION, name="Home", created_at=self._clock.now()))

    async def sign_up(
        self, organization_name: str, email: str, display_name: str, *, email_domain: str = ""
    ) -> tuple[Directory, User]:
        """A new organization with a tenant `main`, and its first person, who holds the role Organization Admin.

        Errors: InvalidArgument; UserExists when the address is known, in whichever organization.
        """
        address = normal_email(email)
        violations = tuple(name_violations(organization_name, field="organization"))
        if violations:
            raise InvalidArgument(violations)
        check_person(address, display_name, email_domain=email_domain)
        if await self._directories.store.organization_of_email(address) is not None:
            raise UserExists(address)
        now = self._clock.now()
        founder = User(
            id=self._new_id(), email=address, display_name=display_name, roles=(ADMINISTRATOR.id,), created_at=now
        )
        organization = Organization(
            id=self._new_id(), name=organization_name, email_domain=email_domain, created_at=now
        )
        return await self._create(organization, founder), founder

    async def _create(self, organization: Organization, *people: User) -> Directory:
        empty = Directory(organization=organization, users={one.id: one for one in people})
        directory = with_new_tenant(empty, MAIN_TENANT, random=self._new_id(), now=organization.created_at)
        await self._directories.create(directory)
        return directory

    def _new_id(self) -> str:
        return random_id(self._randomness.token_bytes(RANDOM_ID_BYTES))
