"""The people of the organization, and the invitations to become one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from borealis_client._generated.borealis.user.v1 import (
    CreateInvitationRequest,
    DeactivateUserRequest,
    GetUserRequest,
    Invitation,
    ListInvitationsRequest,
    ListUsersRequest,
    ReactivateUserRequest,
    ResendInvitationRequest,
    RevokeInvitationRequest,
    UpdateUserRolesRequest,
    User,
    UserServiceStub,
)
from borealis_client.access_token import AccessToken
from borealis_client.answers import present

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from borealis_client.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class SentInvitation:
    """An invitation with the secret of its link: the server never shows that again."""

    invitation: Invitation
    secret: str = field(repr=False)
    link: str = field(repr=False)
    """Where the person opens it with a browser."""


class Users:
    """People and invitations. People are named by `users/{id}` or e-mail address."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, *, page_size: int = 50) -> AsyncGenerator[User, None]:
        """People by e-mail address; pages are fetched as the iteration gets there."""
        request = ListUsersRequest(page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: UserServiceStub(channel).list_users, request, is_repeatable=True
            )
            for user in answer.users:
                yield user
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def get(self, name: str) -> User:
        """One person. Errors: UserNotFoundError."""
        answer = await self._transport.call(
            lambda channel: UserServiceStub(channel).get_user, GetUserRequest(name=name), is_repeatable=True
        )
        return present(answer.user, "user")

    async def update_roles(self, name: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> User:
        """Gives a person roles and takes others, by name or id.

        Errors: UserNotFoundError, RoleNotFoundError, EscalationRefusedError, LastAdministratorError.
        """
        answer = await self._transport.call(
            lambda channel: UserServiceStub(channel).update_user_roles,
            UpdateUserRolesRequest(name=name, add_roles=[*add], remove_roles=[*remove]),
            is_repeatable=True,
        )
        return present(answer.user, "user")

    async def deactivate(self, name: str) -> User:
        """Locks a person out. Errors: UserNotFoundError, LastAdministratorError, EscalationRefusedError."""
        answer = await self._transport.call(
            lambda channel: UserServiceStub(channel).deactivate_user,
            DeactivateUserRequest(name=name),
            is_repeatable=True,
        )
        return present(answer.user, "user")

    async def reactivate(self, name: str) -> User:
        """Lets a person in again. Errors: UserNotFoundError, EscalationRefusedError."""
        answer = await self._transport.call(
            lambda channel: UserServiceStub(channel).reactivate_user,
            ReactivateUserRequest(name=name),
            is_repeatable=True,
        )
        return present(answer.user, "user")

    async def list_invitations(self, *, page_size: int = 50) -> AsyncGenerator[Invitation, None]:
        """Invitations that nobody has accepted, by e-mail address."""
        request = ListInvitationsRequest(page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: UserServiceStub(channel).list_invitations, request, is_repeatable=True
            )
            for invitation in answer.invitations:
                yield invitation
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def invite(self, email: str, display_name: str, roles: Sequence[str]) -> SentInvitation:
        """Invites somebody to hold these roles.

        Errors: UserExistsError, InvitationExistsError, RoleNotFoundError, EscalationRefusedError, InvalidArgumentError.
        """
        answer = await self._transport.call(
            lambda channel: UserServiceStub(channel).create_invitation,
            CreateInvitationRequest(email=email, display_name=display_name, roles=[*roles]),
            is_repeatable=False,
        )
        return await self._sent(answer.invitation, answer.secret)

    async def resend_invitation(self, name: str) -> SentInvitation:
        """A new link in the place of the one of before. Errors: InvitationNotFoundError, EscalationRefusedError."""
        answer = await self._transport.call(
            lambda channel: UserServiceStub(channel).resend_invitation,
            ResendInvitationRequest(name=name),
            is_repeatable=False,
        )
        return await self._sent(answer.invitation, answer.secret)

    async def _sent(self, invitation: Invitation | None, secret: str) -> SentInvitation:
        issuer = AccessToken.parse(await self._transport.token()).issuer.rstrip("/")
        link = f"{issuer}/invitations/{secret}"
        return SentInvitation(invitation=present(invitation, "invitation"), secret=secret, link=link)

    async def revoke_invitation(self, name: str) -> None:
        """Takes an invitation back. Errors: InvitationNotFoundError, EscalationRefusedError."""
        await self._transport.call(
            lambda channel: UserServiceStub(channel).revoke_invitation,
            RevokeInvitationRequest(name=name),
            is_repeatable=False,
        )
