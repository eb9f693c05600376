"""Secrets: values that deploy files name, that people set and nobody can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_client._generated.borealis.secret.v1 import (
    DeleteSecretRequest,
    ListSecretsRequest,
    RotateSecretKeyRequest,
    RotateSecretKeyResponse,
    Secret,
    SecretServiceStub,
    SetSecretRequest,
)
from borealis_client.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from borealis_client.transport import Transport


class Secrets:
    """Secrets of the caller's tenant. No method gives a value."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def set(self, secret_id: str, value: str) -> Secret:
        """Creates the secret, or replaces its value. Errors: InvalidArgumentError."""
        answer = await self._transport.call(
            lambda channel: SecretServiceStub(channel).set_secret,
            SetSecretRequest(secret_id=secret_id, value=value),
            is_repeatable=True,
        )
        if answer.secret is None:
            raise ServerError("the server answered without a secret. Is it newer or older than this client?")
        return answer.secret

    async def list(self, *, page_size: int = 50) -> AsyncGenerator[Secret, None]:
        """Secrets by name; pages are fetched as the iteration gets there."""
        request = ListSecretsRequest(page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: SecretServiceStub(channel).list_secrets, request, is_repeatable=True
            )
            for secret in answer.secrets:
                yield secret
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def uses(self, name: str) -> tuple[str, ...]:
        """Who uses the secret of this resource name, in words. Errors: SecretNotFoundError."""
        return await self._delete(DeleteSecretRequest(name=name, dry_run=True))

    async def delete(self, name: str) -> tuple[str, ...]:
        """Deletes the secret of this resource name; who uses it still. Errors: SecretNotFoundError."""
        return await self._delete(DeleteSecretRequest(name=name))

    async def rotate_key(self, *, keep_key: bool = False) -> RotateSecretKeyResponse:
        """Encrypts the secrets of all tenants with a newer key, or with the present one. Errors: KeyRefusedError."""
        return await self._transport.call(
            lambda channel: SecretServiceStub(channel).rotate_secret_key,
            RotateSecretKeyRequest(keep_key=keep_key),
            is_repeatable=False,
        )

    async def _delete(self, request: DeleteSecretRequest) -> tuple[str, ...]:
        answer = await self._transport.call(
            lambda channel: SecretServiceStub(channel).delete_secret, request, is_repeatable=request.dry_run
        )
        return tuple(answer.uses)
