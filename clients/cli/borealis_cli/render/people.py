"""People, machines, roles and tenants as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_cli.render.tables import table
from borealis_cli.render.text import timestamp, word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_client import (
        CanIResponse,
        ClientCredential,
        Invitation,
        Role,
        RoleRef,
        TargetGroup,
        TargetPlace,
        Tenant,
        User,
    )


def tenant_table(tenants: Sequence[Tenant]) -> list[str]:
    """One tenant a row."""
    rows = [
        (
            "*" if one.is_current else "",
            one.display_name,
            one.name.removeprefix("tenants/"),
            timestamp(one.create_time) if one.create_time else "",
        )
        for one in tenants
    ]
    return table(("", "NAME", "ID", "CREATED"), rows)


def user_table(users: Sequence[User]) -> list[str]:
    """One person a row."""
    rows = [(one.email, one.display_name, word(one.state), _roles(one.roles)) for one in users]
    return table(("EMAIL", "NAME", "STATE", "ROLES"), rows)


def invitation_table(invitations: Sequence[Invitation]) -> list[str]:
    """One invitation a row."""
    rows = [
        (
            one.email,
            one.display_name,
            one.invited_by,
            timestamp(one.expire_time) if one.expire_time else "",
            _roles(one.roles),
        )
        for one in invitations
    ]
    return table(("EMAIL", "NAME", "INVITED BY", "UNTIL", "ROLES"), rows)


def role_table(roles: Sequence[Role]) -> list[str]:
    """One role a row."""
    rows = [
        (
            one.display_name,
            one.tenant or "all",
            "system" if one.is_system else one.name.removeprefix("roles/"),
            ", ".join(f"{grant.type}/{grant.resource}/{grant.permission}" for grant in one.grants),
        )
        for one in roles
    ]
    return table(("ROLE", "TENANT", "ID", "GRANTS"), rows)


def group_table(groups: Sequence[TargetGroup]) -> list[str]:
    """One target group a row."""
    return table(("GROUP", "TARGETS"), [(one.display_name, "; ".join(map(_place, one.targets))) for one in groups])


def credential_table(credentials: Sequence[ClientCredential]) -> list[str]:
    """One credential a row."""
    rows = [
        (
            one.display_name,
            one.client_id,
            one.agent,
            timestamp(one.create_time) if one.create_time else "",
            ", ".join(one.roles),
        )
        for one in credentials
    ]
    return table(("NAME", "CLIENT ID", "AGENT", "CREATED", "ROLES"), rows)


def verdict(answer: CanIResponse) -> list[str]:
    """Whether somebody may, by what; or what is missing, and who could give it."""
    if answer.is_allowed:
        return [f"yes, by the role {answer.by_role} ({answer.by_grant})" if answer.by_role else "yes, as everybody"]
    lines = ["no", f"  missing  {' or '.join(answer.missing_grants)}"]
    if answer.sufficient_roles:
        lines.append(f"  roles    {', '.join(answer.sufficient_roles)}")
    return [*lines, f"  ask      {', '.join(answer.administrators) or 'whoever runs the server'}"]


def _roles(roles: Sequence[RoleRef]) -> str:
    return ", ".join(f"{one.display_name} ({one.tenant})" if one.tenant else one.display_name for one in roles)


def _place(place: TargetPlace) -> str:
    words = {"name": place.name, "account": place.account, "namespace": place.namespace}
    return ",".join(f"{key}={value}" for key, value in words.items() if value)
