"""The credential of whoever owns the data folder: an administrator on the same machine, without any set-up.

Owns when it is made and made anew. Where it is kept is the caller's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.domain.errors import CredentialRefused
from borealis_server.domain.identity import NewCredential
from borealis_server.domain.roles import ADMINISTRATOR

if TYPE_CHECKING:
    from borealis_server.ports.identity import CredentialStore
    from borealis_server.services.identity import IdentityService

LOCAL_ADMIN = NewCredential(display_name="local-admin", roles=(ADMINISTRATOR.id,))
"""What the credential is called and may do."""


async def local_credential(
    identity: IdentityService, credentials: CredentialStore, tenant: str, known: tuple[str, str] | None
) -> tuple[str, str]:
    """Client id and secret to use on this machine: `known` as long as it is good, else new ones.

    A known credential that somebody has revoked stays revoked: `known` comes back as it is, and is refused.
    """
    if known is not None and await _is_settled(identity, credentials, known):
        return known
    issued = await identity.replace_credential(tenant, LOCAL_ADMIN)
    return issued.credential.client_id, issued.secret


async def _is_settled(identity: IdentityService, credentials: CredentialStore, known: tuple[str, str]) -> bool:
    try:
        await identity.issue_token(*known)
    except CredentialRefused:
        return await credentials.get_credential(known[0]) is None
    return True
