"""RoleService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis.role.v1 import role_service_pb2 as pb
from borealis.role.v1.role_service_pb2_grpc import RoleServiceServicer
from borealis_server.domain.paging import PageRequest
from borealis_server.services.roles import NewRole
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.role import (
    grants_from_proto,
    places_from_proto,
    role_to_proto,
    target_group_to_proto,
)

if TYPE_CHECKING:
    from borealis_server.services.roles import RoleService

Context = Any  # generated stubs of grpc.aio do not type it


class RoleServicer(RoleServiceServicer):
    """The roles of the caller's organization, and the target groups of the tenant."""

    def __init__(self, roles: RoleService) -> None:
        self._roles = roles

    async def ListRoles(self, request: pb.ListRolesRequest, context: Context) -> pb.ListRolesResponse:
        """A page of roles."""
        wanted = PageRequest(size=request.page_size, token=request.page_token)
        page = await self._roles.list(current_principal(), wanted)
        return pb.ListRolesResponse(roles=[role_to_proto(one) for one in page.items], next_page_token=page.next_token)

    async def GetRole(self, request: pb.GetRoleRequest, context: Context) -> pb.GetRoleResponse:
        """One role."""
        return pb.GetRoleResponse(role=role_to_proto(await self._roles.get(current_principal(), request.name)))

    async def CreateRole(self, request: pb.CreateRoleRequest, context: Context) -> pb.CreateRoleResponse:
        """A new role."""
        wanted = NewRole(name=request.display_name, tenant=request.tenant, grants=grants_from_proto(request.grants))
        return pb.CreateRoleResponse(role=role_to_proto(await self._roles.create(current_principal(), wanted)))

    async def UpdateRole(self, request: pb.UpdateRoleRequest, context: Context) -> pb.UpdateRoleResponse:
        """Another name or other grants."""
        changed = await self._roles.update(
            current_principal(), request.name, new_name=request.display_name, grants=grants_from_proto(request.grants)
        )
        return pb.UpdateRoleResponse(role=role_to_proto(changed))

    async def DeleteRole(self, request: pb.DeleteRoleRequest, context: Context) -> pb.DeleteRoleResponse:
        """Deletes a role."""
        await self._roles.delete(current_principal(), request.name)
        return pb.DeleteRoleResponse()

    async def ListTargetGroups(
        self, request: pb.ListTargetGroupsRequest, context: Context
    ) -> pb.ListTargetGroupsResponse:
        """A page of target groups."""
        wanted = PageRequest(size=request.page_size, token=request.page_token)
        page = await self._roles.list_target_groups(current_principal(), wanted)
        return pb.ListTargetGroupsResponse(
            target_groups=[target_group_to_proto(one) for one in page.items], next_page_token=page.next_token
        )

    async def CreateTargetGroup(
        self, request: pb.CreateTargetGroupRequest, context: Context
    ) -> pb.CreateTargetGroupResponse:
        """A new target group."""
        places = places_from_proto(request.targets)
        group = await self._roles.set_target_group(current_principal(), request.display_name, places, is_new=True)
        return pb.CreateTargetGroupResponse(target_group=target_group_to_proto(group))

    async def UpdateTargetGroup(
        self, request: pb.UpdateTargetGroupRequest, context: Context
    ) -> pb.UpdateTargetGroupResponse:
        """Other targets for a group."""
        places = places_from_proto(request.targets)
        group = await self._roles.set_target_group(current_principal(), request.display_name, places, is_new=False)
        return pb.UpdateTargetGroupResponse(target_group=target_group_to_proto(group))

    async def DeleteTargetGroup(
        self, request: pb.DeleteTargetGroupRequest, context: Context
    ) -> pb.DeleteTargetGroupResponse:
        """Deletes a target group."""
        await self._roles.delete_target_group(current_principal(), request.display_name)
        return pb.DeleteTargetGroupResponse()
