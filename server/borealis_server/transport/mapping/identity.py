"""Principals and credentials, to their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.identity.v1 import identity_pb2 as pb
from borealis_server.domain.names import CredentialName

if TYPE_CHECKING:
    from borealis_server.domain.identity import ClientCredential, Principal


def principal_to_proto(principal: Principal) -> pb.Principal:
    """The message of a caller."""
    message = pb.Principal(
        subject=principal.subject,
        display_name=principal.display_name,
        tenant=principal.tenant,
        roles=principal.role_names,
        agent=principal.agent_name,
    )
    message.expire_time.FromDatetime(principal.expires_at)
    return message


def credential_to_proto(credential: ClientCredential) -> pb.ClientCredential:
    """The message of a credential; it holds nothing of the secret."""
    message = pb.ClientCredential(
        name=str(CredentialName(credential.tenant, credential.client_id)),
        client_id=credential.client_id,
        display_name=credential.display_name,
        role=credential.roles[0] if len(credential.roles) == 1 else "",
        agent=credential.agent,
    )
    message.create_time.FromDatetime(credential.created_at)
    return message
