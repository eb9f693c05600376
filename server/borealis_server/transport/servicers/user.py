"""UserService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis.user.v1 import user_service_pb2 as pb
from borealis.user.v1.user_service_pb2_grpc import UserServiceServicer
from borealis_server.domain.paging import PageRequest
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.user import invitation_to_proto, user_to_proto

if TYPE_CHECKING:
    from borealis_server.services.users import UserService

Context = Any  # generated stubs of grpc.aio do not type it
_USERS, _INVITATIONS = "users/", "invitations/"


class UserServicer(UserServiceServicer):
    """The people of the caller's organization."""

    def __init__(self, users: UserService) -> None:
        self._users = users

    async def ListUsers(self, request: pb.ListUsersRequest, context: Context) -> pb.ListUsersResponse:
        """A page of people."""
        wanted = PageRequest(size=request.page_size, token=request.page_token)
        page = await self._users.list(current_principal(), wanted)
        return pb.ListUsersResponse(users=[user_to_proto(one) for one in page.items], next_page_token=page.next_token)

    async def GetUser(self, request: pb.GetUserRequest, context: Context) -> pb.GetUserResponse:
        """One person."""
        view = await self._users.get(current_principal(), request.name.removeprefix(_USERS))
        return pb.GetUserResponse(user=user_to_proto(view))

    async def UpdateUserRoles(self, request: pb.UpdateUserRolesRequest, context: Context) -> pb.UpdateUserRolesResponse:
        """Gives and takes roles."""
        name = request.name.removeprefix(_USERS)
        view = await self._users.update_roles(
            current_principal(), name, add=request.add_roles, remove=request.remove_roles
        )
        return pb.UpdateUserRolesResponse(user=user_to_proto(view))

    async def DeactivateUser(self, request: pb.DeactivateUserRequest, context: Context) -> pb.DeactivateUserResponse:
        """Locks a person out."""
        view = await self._users.set_active(current_principal(), request.name.removeprefix(_USERS), is_active=False)
        return pb.DeactivateUserResponse(user=user_to_proto(view))

    async def ReactivateUser(self, request: pb.ReactivateUserRequest, context: Context) -> pb.ReactivateUserResponse:
        """Lets a person in again."""
        view = await self._users.set_active(current_principal(), request.name.removeprefix(_USERS), is_active=True)
        return pb.ReactivateUserResponse(user=user_to_proto(view))

    async def ListInvitations(self, request: pb.ListInvitationsRequest, context: Context) -> pb.ListInvitationsResponse:
        """A page of invitations."""
        wanted = PageRequest(size=request.page_size, token=request.page_token)
        page = await self._users.list_invitations(current_principal(), wanted)
        return pb.ListInvitationsResponse(
            invitations=[invitation_to_proto(one) for one in page.items], next_page_token=page.next_token
        )

    async def CreateInvitation(
        self, request: pb.CreateInvitationRequest, context: Context
    ) -> pb.CreateInvitationResponse:
        """Invites somebody."""
        sent = await self._users.invite(current_principal(), request.email, request.display_name, request.roles)
        return pb.CreateInvitationResponse(invitation=invitation_to_proto(sent.view), secret=sent.secret)

    async def ResendInvitation(
        self, request: pb.ResendInvitationRequest, context: Context
    ) -> pb.ResendInvitationResponse:
        """Makes a new link."""
        sent = await self._users.resend(current_principal(), request.name.removeprefix(_INVITATIONS))
        return pb.ResendInvitationResponse(invitation=invitation_to_proto(sent.view), secret=sent.secret)

    async def RevokeInvitation(
        self, request: pb.RevokeInvitationRequest, context: Context
    ) -> pb.RevokeInvitationResponse:
        """Takes an invitation back."""
        await self._users.revoke(current_principal(), request.name.removeprefix(_INVITATIONS))
        return pb.RevokeInvitationResponse()
