"""Who is calling, and the credentials that machines call with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from borealis_client._generated.borealis.identity.v1 import (
    CanIRequest,
    CanIResponse,
    ClientCredential,
    CreateClientCredentialRequest,
    DeleteClientCredentialRequest,
    GetCallerRequest,
    IdentityServiceStub,
    ListClientCredentialsRequest,
    Principal,
    UpdateClientCredentialRequest,
)
from borealis_client.answers import present

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from borealis_client.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """A client credential just created, with its secret: the server never shows that again."""

    credential: ClientCredential
    client_secret: str = field(repr=False)


class Identity:
    """The caller, and the client credentials of the caller's tenant."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def caller(self) -> Principal:
        """Who the server takes the caller for."""
        answer = await self._transport.call(
            lambda channel: IdentityServiceStub(channel).get_caller, GetCallerRequest(), is_repeatable=True
        )
        return present(answer.principal, "caller")

    async def can_i(
        self, permission: str, *, application: str = "", target: str = "", account: str = "", namespace: str = ""
    ) -> CanIResponse:
        """Whether the caller may do something to that target; or which grant is missing, and whom to ask.

        Errors: InvalidArgumentError for a permission that there is not.
        """
        request = CanIRequest(
            permission=permission, application=application, target=target, account=account, namespace=namespace
        )
        return await self._transport.call(
            lambda channel: IdentityServiceStub(channel).can_i, request, is_repeatable=True
        )

    async def create_credential(
        self, display_name: str, *, role: str = "", roles: Sequence[str] = (), agent: str = ""
    ) -> NewCredential:
        """A new credential with these roles. `agent` names the agent that it is bound to, if a role wants one.

        Errors: CredentialExistsError, InvalidArgumentError, RoleNotFoundError, EscalationRefusedError.
        """
        answer = await self._transport.call(
            lambda channel: IdentityServiceStub(channel).create_client_credential,
            CreateClientCredentialRequest(display_name=display_name, role=role, roles=[*roles], agent=agent),
            is_repeatable=False,
        )
        return NewCredential(credential=present(answer.credential, "credential"), client_secret=answer.client_secret)

    async def list_credentials(self, *, page_size: int = 50) -> AsyncGenerator[ClientCredential, None]:
        """Client credentials by display name, without secrets; pages are fetched as the iteration gets there."""
        request = ListClientCredentialsRequest(page_size=page_size)
        while True:
            answer = await self._transport.call(
                lambda channel: IdentityServiceStub(channel).list_client_credentials, request, is_repeatable=True
            )
            for credential in answer.credentials:
                yield credential
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def update_credential(self, name: str, roles: Sequence[str]) -> ClientCredential:
        """The credential, which holds these roles and no others from now on.

        Errors: CredentialNotFoundError, RoleNotFoundError, EscalationRefusedError, LastAdministratorError.
        """
        answer = await self._transport.call(
            lambda channel: IdentityServiceStub(channel).update_client_credential,
            UpdateClientCredentialRequest(name=name, roles=[*roles]),
            is_repeatable=True,
        )
        return present(answer.credential, "credential")

    async def delete_credential(self, name: str) -> None:
        """Revokes a credential, and every token that was got with it. Errors: CredentialNotFoundError."""
        await self._transport.call(
            lambda channel: IdentityServiceStub(channel).delete_client_credential,
            DeleteClientCredentialRequest(name=name),
            is_repeatable=True,
        )
