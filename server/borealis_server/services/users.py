"""The people of an organization, and the invitations to become one."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from borealis_server.domain.directory import Invitation, normal_email
from borealis_server.domain.errors import InvitationNotFound, UserExists
from borealis_server.domain.giving import roles_meant
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id
from borealis_server.domain.paging import Page, PageRequest, paged
from borealis_server.domain.users import (
    accepted,
    invitation_named,
    renewed,
    user_named,
    with_invitation,
    with_user_active,
    with_user_roles,
    without_invitation,
)
from borealis_server.services.tenants import directory_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_server.domain.directory import Directory, User
    from borealis_server.domain.identity import Principal
    from borealis_server.domain.roles import Role
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.directories import Directories

INVITATION_LIFETIME: Final = timedelta(days=7)
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """A person with the roles that they hold and that exist."""

    user: User
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationView:
    """An invitation with the roles that it gives and that exist."""

    invitation: Invitation
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentInvitation:
    """An invitation with the secret of its link, which nobody can show again."""

    view: InvitationView
    secret: str


class UserService:
    """Shows people, invites them, gives them roles and locks them out."""

    def __init__(self, directories: Directories, clock: Clock, randomness: Randomness) -> None:
        self._directories = directories
        self._clock = clock
        self._randomness = randomness

    async def list(self, caller: Principal, page: PageRequest) -> Page[UserView]:
        """The people of the caller's organization, by address. Errors: InvalidArgument, PageTokenInvalid."""
        directory = await directory_of(self._directories, caller)
        users = [_user(directory, one.id) for one in sorted(directory.users.values(), key=lambda one: one.email)]
        return paged(users, page, f"users/{caller.organization}", lambda one: one.user.email)

    async def get(self, caller: Principal, name: str) -> UserView:
        """One person by id or address. Errors: UserNotFound."""
        directory = await directory_of(self._directories, caller)
        return _user(directory, user_named(directory, name).id)

    async def update_roles(
        self, caller: Principal, name: str, *, add: Sequence[str], remove: Sequence[str]
    ) -> UserView:
        """Give a person roles and take others, by name or id.

        Errors: UserNotFound, RoleNotFound, EscalationRefused, LastAdministrator.
        """
        user_id = (await self.get(caller, name)).user.id

        def decide(newest: Directory) -> Directory:
            added = roles_meant(newest, add, tenant=caller.tenant)
            removed = roles_meant(newest, remove, tenant=caller.tenant)
            return with_user_roles(newest, user_id, add=added, remove=removed, giver=caller.grants)

        changed = await self._directories.change(caller.organization, decide, with_credentials=True)
        return _user(changed, user_id)

    async def set_active(self, caller: Principal, name: str, *, is_active: bool) -> UserView:
        """Lock a person out, or let them in again.

        Errors: UserNotFound, PermissionDenied, EscalationRefused, LastAdministrator.
        """
        user_id, now = (await self.get(caller, name)).user.id, self._clock.now()
        changed = await self._directories.change(
            caller.organization,
            lambda newest: with_user_active(newest, user_id, is_active=is_active, giver=caller.grants, now=now),
            with_credentials=True,
        )
        return _user(changed, user_id)

    async def list_invitations(self, caller: Principal, page: PageRequest) -> Page[InvitationView]:
        """Invitations that nobody has accepted, by address. Errors: InvalidArgument, PageTokenInvalid."""
        directory = await directory_of(self._directories, caller)
        sent = [_sent(directory, one) for one in sorted(directory.invitations.values(), key=lambda one: one.email)]
        return paged(sent, page, f"invitations/{caller.organization}", lambda one: one.invitation.email)

    async def invite(self, caller: Principal, email: str, display_name: str, roles: Sequence[str]) -> SentInvitation:
        """Invite somebody to hold these roles.

        Errors: InvalidArgument, RoleNotFound, EscalationRefused; UserExists, also in another organization;
        InvitationExists.
        """
        address = normal_email(email)
        if await self._directories.store.organization_of_email(address) is not None:
            raise UserExists(address)
        secret, now = self._secret(), self._clock.now()
        invitation_id = random_id(self._randomness.token_bytes(RANDOM_ID_BYTES))

        def decide(newest: Directory) -> Directory:
            invitation = Invitation(
                id=invitation_id,
                email=address,
                display_name=display_name,
                roles=tuple(role.id for role in roles_meant(newest, roles, tenant=caller.tenant)),
                invited_by=caller.actor,
                created_at=now,
                expires_at=now + INVITATION_LIFETIME,
                token_hash=hash_of(secret),
            )
            return with_invitation(newest, invitation, giver=caller.grants)

        changed = await self._directories.change(caller.organization, decide)
        return SentInvitation(view=_sent(changed, changed.invitations[invitation_id]), secret=secret)

    async def resend(self, caller: Principal, name: str) -> SentInvitation:
        """A new link in the place of the one of before. Errors: InvitationNotFound, EscalationRefused."""
        found = invitation_named(await directory_of(self._directories, caller), name)
        secret, expires_at = self._secret(), self._clock.now() + INVITATION_LIFETIME
        changed = await self._directories.change(
            caller.organization,
            lambda newest: renewed(
                newest, found.id, token_hash=hash_of(secret), expires_at=expires_at, giver=caller.grants
            ),
        )
        return SentInvitation(view=_sent(changed, changed.invitations[found.id]), secret=secret)

    async def revoke(self, caller: Principal, name: str) -> None:
        """Take an invitation back. Errors: InvitationNotFound, EscalationRefused."""
        found = invitation_named(await directory_of(self._directories, caller), name)
        await self._directories.change(
            caller.organization, lambda newest: without_invitation(newest, found.id, giver=caller.grants)
        )

    async def invitation(self, secret: str) -> tuple[Directory, Invitation] | None:
        """The invitation with that link, and where to, while it can be accepted."""
        token_hash = hash_of(secret)
        organization = await self._directories.store.organization_of_invitation(token_hash)
        directory = await self._directories.get(organization) if organization else None
        found = [one for one in directory.invitations.values() if one.token_hash == token_hash] if directory else []
        is_open = directory is not None and found and self._clock.now() < found[0].expires_at
        return (directory, found[0]) if directory is not None and is_open else None

    async def accept(self, secret: str) -> User:
        """Let in whoever holds the link of an invitation. What they log in with is for the caller of this to keep.

        Errors: InvitationNotFound, InvitationExpired, UserExists.
        """
        token_hash = hash_of(secret)
        organization = await self._directories.store.organization_of_invitation(token_hash)
        if organization is None:
            raise InvitationNotFound("of that link")
        user_id, now = random_id(self._randomness.token_bytes(RANDOM_ID_BYTES)), self._clock.now()
        changed = await self._directories.change(
            organization, lambda newest: accepted(newest, token_hash, user_id=user_id, now=now)
        )
        return changed.users[user_id]

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(self._randomness.token_bytes(_SECRET_BYTES)).decode().rstrip("=")


def _user(directory: Directory, user_id: str) -> UserView:
    user = directory.users[user_id]
    return UserView(user=user, roles=directory.roles_of(user.roles))


def _sent(directory: Directory, invitation: Invitation) -> InvitationView:
    return InvitationView(invitation=invitation, roles=directory.roles_of(invitation.roles))


def hash_of(secret: str) -> str:
    """What is kept of the secret of a link; it is random, so that a slow hash would add nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
