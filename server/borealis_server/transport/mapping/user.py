"""People and invitations, to their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.user.v1 import user_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_server.domain.roles import Role
    from borealis_server.services.users import InvitationView, UserView


def user_to_proto(view: UserView) -> pb.User:
    """The message of a person."""
    user = view.user
    message = pb.User(
        name=f"users/{user.id}",
        email=user.email,
        display_name=user.display_name,
        roles=_refs(view.roles),
        state=pb.User.STATE_ACTIVE if user.is_active else pb.User.STATE_DEACTIVATED,
    )
    message.create_time.FromDatetime(user.created_at)
    return message


def invitation_to_proto(view: InvitationView) -> pb.Invitation:
    """The message of an invitation; it holds nothing of the secret."""
    invitation = view.invitation
    message = pb.Invitation(
        name=f"invitations/{invitation.id}",
        email=invitation.email,
        display_name=invitation.display_name,
        roles=_refs(view.roles),
        invited_by=invitation.invited_by,
    )
    message.create_time.FromDatetime(invitation.created_at)
    message.expire_time.FromDatetime(invitation.expires_at)
    return message


def _refs(roles: Iterable[Role]) -> list[pb.RoleRef]:
    return [pb.RoleRef(name=f"roles/{role.id}", display_name=role.name, tenant=role.tenant) for role in roles]
