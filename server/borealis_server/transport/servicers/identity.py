"""IdentityService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.duration_pb2 import Duration

from borealis.identity.v1 import identity_service_pb2 as pb
from borealis.identity.v1.identity_service_pb2_grpc import IdentityServiceServicer
from borealis_server.domain.access import TargetPlace
from borealis_server.domain.identity import NewCredential
from borealis_server.domain.names import CredentialName
from borealis_server.domain.paging import PageRequest
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.identity import caller_to_proto, credential_to_proto, explained_to_proto

if TYPE_CHECKING:
    from borealis_server.services.explanations import Explanations
    from borealis_server.services.identity import IdentityService

_BEARER = "Bearer"

Context = Any  # generated stubs of grpc.aio do not type it


class IdentityServicer(IdentityServiceServicer):
    """Tokens, and the credentials of the caller's tenant."""

    def __init__(self, identity: IdentityService, explanations: Explanations) -> None:
        self._identity = identity
        self._explanations = explanations

    async def IssueToken(self, request: pb.IssueTokenRequest, context: Context) -> pb.IssueTokenResponse:
        """A token for a client id and its secret."""
        issued = await self._identity.issue_token(request.client_id, request.client_secret)
        return pb.IssueTokenResponse(
            access_token=issued.access_token, token_type=_BEARER, expires_in=Duration(seconds=issued.expires_in_s)
        )

    async def GetCaller(self, request: pb.GetCallerRequest, context: Context) -> pb.GetCallerResponse:
        """Who calls."""
        return pb.GetCallerResponse(principal=caller_to_proto(await self._explanations.caller(current_principal())))

    async def CanI(self, request: pb.CanIRequest, context: Context) -> pb.CanIResponse:
        """Whether the caller may, or what is missing."""
        place = TargetPlace(name=request.target, account=request.account, namespace=request.namespace)
        answer = await self._explanations.can_i(current_principal(), request.permission, request.application, place)
        return explained_to_proto(answer)

    async def CreateClientCredential(
        self, request: pb.CreateClientCredentialRequest, context: Context
    ) -> pb.CreateClientCredentialResponse:
        """A new credential with its secret."""
        caller = current_principal()
        roles = (*filter(None, [request.role]), *request.roles)
        wanted = NewCredential(display_name=request.display_name, roles=roles, agent=request.agent)
        issued = await self._identity.create_credential(caller.tenant, wanted, giver=caller.grants)
        return pb.CreateClientCredentialResponse(
            credential=credential_to_proto(issued.credential, issued.roles), client_secret=issued.secret
        )

    async def ListClientCredentials(
        self, request: pb.ListClientCredentialsRequest, context: Context
    ) -> pb.ListClientCredentialsResponse:
        """A page of credentials."""
        wanted = PageRequest(size=request.page_size, token=request.page_token)
        page = await self._identity.list_credentials(current_principal().tenant, wanted)
        return pb.ListClientCredentialsResponse(
            credentials=[credential_to_proto(one.credential, one.roles) for one in page.items],
            next_page_token=page.next_token,
        )

    async def UpdateClientCredential(
        self, request: pb.UpdateClientCredentialRequest, context: Context
    ) -> pb.UpdateClientCredentialResponse:
        """Gives a credential other roles."""
        name, caller = CredentialName.parse(request.name), current_principal()
        changed = await self._identity.update_credential(name, request.roles, tenant=caller.tenant, giver=caller.grants)
        return pb.UpdateClientCredentialResponse(credential=credential_to_proto(changed.credential, changed.roles))

    async def DeleteClientCredential(
        self, request: pb.DeleteClientCredentialRequest, context: Context
    ) -> pb.DeleteClientCredentialResponse:
        """Revokes a credential."""
        name = CredentialName.parse(request.name)
        caller = current_principal()
        await self._identity.delete_credential(caller.tenant, name, giver=caller.grants)
        return pb.DeleteClientCredentialResponse()
