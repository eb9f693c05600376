"""Callers and credentials, to their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.identity.v1 import identity_pb2 as pb
from borealis.identity.v1 import identity_service_pb2 as service_pb
from borealis_server.domain.identity import PrincipalKind
from borealis_server.domain.names import CredentialName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_server.domain.identity import ClientCredential
    from borealis_server.domain.roles import Role
    from borealis_server.services.explanations import Caller, Explained

_KINDS = {PrincipalKind.USER: pb.Principal.KIND_USER, PrincipalKind.MACHINE: pb.Principal.KIND_MACHINE}


def caller_to_proto(caller: Caller) -> pb.Principal:
    """The message of a caller."""
    principal = caller.principal
    message = pb.Principal(
        subject=principal.subject,
        display_name=principal.display_name,
        tenant=principal.tenant,
        roles=principal.role_names,
        agent=principal.agent_name,
        kind=_KINDS[principal.kind],
        organization=caller.organization,
        email=principal.email,
        grants=sorted({str(one.grant) for one in principal.grants if one.applies(principal.tenant)}),
        administrators=caller.administrators,
    )
    message.expire_time.FromDatetime(principal.expires_at)
    return message


def credential_to_proto(credential: ClientCredential, roles: Sequence[Role]) -> pb.ClientCredential:
    """The message of a credential that holds these roles; it holds nothing of the secret."""
    message = pb.ClientCredential(
        name=str(CredentialName(credential.tenant, credential.client_id)),
        client_id=credential.client_id,
        display_name=credential.display_name,
        role=roles[0].id if len(roles) == 1 and roles[0].is_system else "",
        roles=[role.name for role in roles],
        agent=credential.agent,
    )
    message.create_time.FromDatetime(credential.created_at)
    return message


def explained_to_proto(explained: Explained) -> service_pb.CanIResponse:
    """The message of an answer about somebody's authority."""
    return service_pb.CanIResponse(
        is_allowed=explained.is_allowed,
        by_grant=explained.by_grant,
        by_role=explained.by_role,
        missing_grants=explained.missing_grants,
        sufficient_roles=explained.sufficient_roles,
        administrators=explained.administrators,
    )
