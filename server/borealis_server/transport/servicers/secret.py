"""SecretService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis.secret.v1 import secret_service_pb2 as pb
from borealis.secret.v1.secret_service_pb2_grpc import SecretServiceServicer
from borealis_server.domain.paging import PageRequest
from borealis_server.domain.secret import SecretName
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.secret import secret_to_proto

if TYPE_CHECKING:
    from borealis_server.services.secrets import SecretService

Context = Any  # generated stubs of grpc.aio do not type it


class SecretServicer(SecretServiceServicer):
    """Secrets of the caller's tenant, never their values."""

    def __init__(self, secrets: SecretService) -> None:
        self._secrets = secrets

    async def SetSecret(self, request: pb.SetSecretRequest, context: Context) -> pb.SetSecretResponse:
        """Sets a secret."""
        caller = current_principal()
        record = await self._secrets.set(caller.tenant, request.secret_id, request.value, actor=caller.actor)
        return pb.SetSecretResponse(secret=secret_to_proto(record))

    async def ListSecrets(self, request: pb.ListSecretsRequest, context: Context) -> pb.ListSecretsResponse:
        """A page of secrets."""
        wanted = PageRequest(size=request.page_size, token=request.page_token)
        page = await self._secrets.list(current_principal().tenant, wanted)
        return pb.ListSecretsResponse(secrets=map(secret_to_proto, page.items), next_page_token=page.next_token)

    async def DeleteSecret(self, request: pb.DeleteSecretRequest, context: Context) -> pb.DeleteSecretResponse:
        """Deletes a secret, or says who uses it."""
        name = SecretName.parse(request.name)
        uses = await self._secrets.delete(current_principal().tenant, name, dry_run=request.dry_run)
        return pb.DeleteSecretResponse(uses=uses)

    async def RotateSecretKey(self, request: pb.RotateSecretKeyRequest, context: Context) -> pb.RotateSecretKeyResponse:
        """Changes the key."""
        rotation = await (self._secrets.reseal() if request.keep_key else self._secrets.rotate_key())
        return pb.RotateSecretKeyResponse(
            key_id=rotation.key_id, encrypted=rotation.resealed, unreadable=map(str, rotation.unreadable)
        )
