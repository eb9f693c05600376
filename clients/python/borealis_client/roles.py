"""Roles and target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_client._generated.borealis.role.v1 import (
    CreateRoleRequest,
    CreateTargetGroupRequest,
    DeleteRoleRequest,
    DeleteTargetGroupRequest,
    GetRoleRequest,
    Grant,
    ListRolesRequest,
    ListTargetGroupsRequest,
    Role,
    RoleServiceStub,
    TargetGroup,
    TargetPlace,
    UpdateRoleRequest,
    UpdateTargetGroupRequest,
)
from borealis_client.answers import present

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Sequence

    from borealis_client.transport import Transport


class Roles:
    """The roles of the organization, and the target groups of the tenant. Roles are named by id or display name."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, *, page_size: int = 50) -> AsyncGenerator[Role, None]:
        """Roles, those of the system first; pages are fetched as the iteration gets there."""
        request = ListRolesRequest(page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: RoleServiceStub(channel).list_roles, request, is_repeatable=True
            )
            for role in answer.roles:
                yield role
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def get(self, name: str) -> Role:
        """One role. Errors: RoleNotFoundError."""
        answer = await self._transport.call(
            lambda channel: RoleServiceStub(channel).get_role, GetRoleRequest(name=name), is_repeatable=True
        )
        return present(answer.role, "role")

    async def create(self, display_name: str, grants: Iterable[Grant], *, tenant: str = "") -> Role:
        """A new role in the tenant of that name or id; in the whole organization where it is empty.

        Errors: RoleExistsError, TenantNotFoundError, EscalationRefusedError, InvalidArgumentError.
        """
        answer = await self._transport.call(
            lambda channel: RoleServiceStub(channel).create_role,
            CreateRoleRequest(display_name=display_name, grants=[*grants], tenant=tenant),
            is_repeatable=False,
        )
        return present(answer.role, "role")

    async def update(self, name: str, *, display_name: str = "", grants: Iterable[Grant] = ()) -> Role:
        """Another name, other grants, or both.

        Errors: RoleNotFoundError, RoleExistsError, SystemRoleFixedError, EscalationRefusedError, InvalidArgumentError.
        """
        answer = await self._transport.call(
            lambda channel: RoleServiceStub(channel).update_role,
            UpdateRoleRequest(name=name, display_name=display_name, grants=[*grants]),
            is_repeatable=True,
        )
        return present(answer.role, "role")

    async def delete(self, name: str) -> None:
        """Deletes a role. Errors: RoleNotFoundError, SystemRoleFixedError, EscalationRefusedError."""
        await self._transport.call(
            lambda channel: RoleServiceStub(channel).delete_role, DeleteRoleRequest(name=name), is_repeatable=False
        )

    async def list_target_groups(self, *, page_size: int = 50) -> AsyncGenerator[TargetGroup, None]:
        """The target groups of the tenant, by name."""
        request = ListTargetGroupsRequest(page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: RoleServiceStub(channel).list_target_groups, request, is_repeatable=True
            )
            for group in answer.target_groups:
                yield group
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def create_target_group(self, display_name: str, targets: Sequence[TargetPlace]) -> TargetGroup:
        """A new target group. Errors: TargetGroupExistsError, InvalidArgumentError."""
        answer = await self._transport.call(
            lambda channel: RoleServiceStub(channel).create_target_group,
            CreateTargetGroupRequest(display_name=display_name, targets=[*targets]),
            is_repeatable=False,
        )
        return present(answer.target_group, "target group")

    async def update_target_group(self, display_name: str, targets: Sequence[TargetPlace]) -> TargetGroup:
        """Other targets for a group. Errors: TargetGroupNotFoundError, InvalidArgumentError."""
        answer = await self._transport.call(
            lambda channel: RoleServiceStub(channel).update_target_group,
            UpdateTargetGroupRequest(display_name=display_name, targets=[*targets]),
            is_repeatable=True,
        )
        return present(answer.target_group, "target group")

    async def delete_target_group(self, display_name: str) -> None:
        """Deletes a target group. Errors: TargetGroupNotFoundError."""
        await self._transport.call(
            lambda channel: RoleServiceStub(channel).delete_target_group,
            DeleteTargetGroupRequest(display_name=display_name),
            is_repeatable=False,
        )
