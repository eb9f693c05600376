"""How the credentials of machines may change. Pure; what they are is `identity.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from borealis_server.domain.errors import CredentialNotFound
from borealis_server.domain.giving import check_administrators, check_giving
from borealis_server.domain.identity import NewCredential, check_credential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_server.domain.access import HeldGrant
    from borealis_server.domain.directory import Directory
    from borealis_server.domain.identity import ClientCredential
    from borealis_server.domain.names import CredentialName
    from borealis_server.domain.roles import Role


def with_credential(directory: Directory, credential: ClientCredential) -> Directory:
    """The directory with this credential instead of the one of its display name, if there is one."""
    others = {
        key: one
        for key, one in directory.credentials.items()
        if (one.tenant, one.display_name) != (credential.tenant, credential.display_name)
    }
    return replace(directory, credentials={**others, credential.client_id: credential})


def with_credential_roles(
    directory: Directory, name: CredentialName, roles: Sequence[Role], *, tenant: str, giver: Sequence[HeldGrant]
) -> Directory:
    """The directory after `giver` has given a credential these roles and no others.

    Errors: CredentialNotFound, InvalidArgument, LastAdministrator; EscalationRefused, also for what is taken away.
    """
    before = _credential(directory, name, tenant)
    had = directory.roles_of(before.roles)
    check_credential(NewCredential(display_name=before.display_name, roles=_ids(roles), agent=before.agent), roles)
    check_giving(giver, [role for role in (*had, *roles) if (role in had) != (role in roles)], tenant=tenant)
    after = replace(directory, credentials={**directory.credentials, name.id: replace(before, roles=_ids(roles))})
    check_administrators(directory, after, before.display_name)
    return after


def without_credential(
    directory: Directory, name: CredentialName, *, tenant: str, giver: Sequence[HeldGrant]
) -> Directory:
    """The directory after `giver` has revoked a credential.

    Errors: CredentialNotFound, LastAdministrator, EscalationRefused.
    """
    gone = _credential(directory, name, tenant)
    check_giving(giver, directory.roles_of(gone.roles), tenant=tenant)
    after = replace(directory, credentials={key: one for key, one in directory.credentials.items() if one != gone})
    check_administrators(directory, after, gone.display_name)
    return after


def _credential(directory: Directory, name: CredentialName, tenant: str) -> ClientCredential:
    found = directory.credentials.get(name.id)
    if found is None or not name.tenant == tenant == found.tenant:
        raise CredentialNotFound(name)
    return found


def _ids(roles: Sequence[Role]) -> tuple[str, ...]:
    return tuple(role.id for role in roles)
