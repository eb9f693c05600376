"""What logging in has to know about people: who they are, and what they may log in to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


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


class People(Protocol):
    """The people of this installation."""

    async def person(self, user_id: str) -> Person | None:
        """Who has this id."""
        ...

    async def person_of(self, email: str) -> Person | None:
        """Who has this address, in whatever capitals."""
        ...

    async def tenants(self, user_id: str, group_roles: Sequence[str]) -> tuple[TenantChoice, ...]:
        """The tenants that they may act in, by name; somebody without any role has those of their organization."""
        ...

    async def role_names(self, user_id: str, group_roles: Sequence[str]) -> tuple[str, ...]:
        """The names of the roles that they hold, those of `group_roles` among them that exist; sorted."""
        ...

    async def sign_up(self, wish: SignUp) -> Person:
        """Found an organization with a tenant `main`; the person is its first administrator.

        Errors: UserExists, InvalidArgument.
        """
        ...

    async def invitation(self, token: str) -> Invited | None:
        """Who the invitation is for, while it can be accepted."""
        ...

    async def accept(self, token: str, display_name: str) -> Person:
        """The person that the invitation makes. Errors: InvitationNotFound, InvitationExpired, UserExists."""
        ...

    async def join(self, organization: str, *, email: str, display_name: str) -> Person:
        """The person whom an identity provider vouches for, as a new member without roles. Errors: UserExists."""
        ...
