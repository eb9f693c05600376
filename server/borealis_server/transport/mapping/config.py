"""Configurations, to their messages: names in the place of ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.config.v1 import config_pb2 as pb
from borealis_server.domain.config import ConfigAction

if TYPE_CHECKING:
    from borealis_server.domain.access import Grant, TargetPlace
    from borealis_server.domain.config import ConfigChange
    from borealis_server.services.config import Configuration

_ACTIONS = {
    ConfigAction.CREATED: pb.ConfigChange.ACTION_CREATED,
    ConfigAction.UPDATED: pb.ConfigChange.ACTION_UPDATED,
    ConfigAction.DELETED: pb.ConfigChange.ACTION_DELETED,
}


def config_to_proto(configuration: Configuration) -> pb.Config:
    """The message of a configuration."""
    directory = configuration.directory

    def tenant(identifier: str) -> str:
        return directory.tenants[identifier].name if identifier else ""

    return pb.Config(
        tenants=[one.name for one in configuration.tenants],
        roles=[
            pb.ConfigRole(name=one.name, tenant=tenant(one.tenant), grants=map(_grant, one.grants))
            for one in configuration.roles
        ],
        target_groups=[
            pb.ConfigTargetGroup(name=one.name, tenant=tenant(one.tenant), targets=map(_target, one.places))
            for one in configuration.target_groups
        ],
        credentials=[
            pb.ConfigCredential(
                name=one.display_name,
                tenant=tenant(one.tenant),
                roles=[role.name for role in directory.roles_of(one.roles)],
            )
            for one in configuration.credentials
        ],
    )


def change_to_proto(change: ConfigChange) -> pb.ConfigChange:
    """The message of a change."""
    return pb.ConfigChange(
        action=_ACTIONS[change.action],
        kind=change.kind,
        name=change.name,
        tenant=change.tenant,
        message=change.message,
    )


def _grant(grant: Grant) -> pb.ConfigGrant:
    return pb.ConfigGrant(type=grant.type.value, resource=grant.resource, permission=grant.permission)


def _target(place: TargetPlace) -> pb.ConfigTarget:
    kubernetes = pb.ConfigKubernetes(namespace=place.namespace) if place.namespace else None
    return pb.ConfigTarget(name=place.name, account=place.account, kubernetes=kubernetes)
