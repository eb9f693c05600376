"""Roles and target groups, to their messages and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.role.v1 import role_pb2 as pb
from borealis_server.domain.access import TargetPlace
from borealis_server.domain.roles import grant_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_server.domain.access import Grant
    from borealis_server.domain.roles import Role, TargetGroup


def role_to_proto(role: Role) -> pb.Role:
    """The message of a role."""
    message = pb.Role(
        name=f"roles/{role.id}",
        display_name=role.name,
        tenant=role.tenant,
        grants=[
            pb.Grant(type=grant.type.value, resource=grant.resource, permission=grant.permission)
            for grant in role.grants
        ],
        is_system=role.is_system,
    )
    if role.created_at is not None:
        message.create_time.FromDatetime(role.created_at)
    return message


def grants_from_proto(messages: Iterable[pb.Grant]) -> tuple[Grant, ...]:
    """The grants of the messages. Errors: InvalidArgument."""
    return tuple(
        grant_of(one.type, one.resource, one.permission, field=f"grants[{number}]")
        for number, one in enumerate(messages)
    )


def target_group_to_proto(group: TargetGroup) -> pb.TargetGroup:
    """The message of a target group."""
    return pb.TargetGroup(
        display_name=group.name,
        tenant=group.tenant,
        targets=[
            pb.TargetPlace(name=place.name, account=place.account, namespace=place.namespace) for place in group.places
        ],
    )


def places_from_proto(messages: Iterable[pb.TargetPlace]) -> tuple[TargetPlace, ...]:
    """The targets of the messages."""
    return tuple(TargetPlace(name=one.name, account=one.account, namespace=one.namespace) for one in messages)
