"""The agent's access token: obtained with its client credential, renewed before it expires."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc

from borealis.identity.v1.identity_service_pb2 import IssueTokenRequest
from borealis.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from borealis_agent.failures import explain

if TYPE_CHECKING:
    from borealis_agent.settings import LinkSettings

_TIMEOUT_S: Final = 10.0
_RENEW_AT: Final = 0.6
"""The part of its life after which a token is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token and its life.

    Units: seconds of the machine's monotonic clock.
    """

    value: str
    issued_at: float
    lifetime_s: float

    def renew_in_s(self, now: float) -> float:
        """How long until it should be renewed; 0 or less when it is time."""
        return self.issued_at + self.lifetime_s * _RENEW_AT - now

    def __repr__(self) -> str:
        return f"Token(lifetime_s={self.lifetime_s})"


class TokenSource:
    """Gets tokens from the server, and keeps the last one for reconnects."""

    def __init__(self, settings: LinkSettings) -> None:
        self._settings = settings
        self._token: Token | None = None
        self._is_kept = False

    async def current(self, channel: grpc.aio.Channel) -> Token:
        """A token that need not be renewed yet.

        Errors: LinkFailure.
        """
        if self._token is None or self._token.renew_in_s(time.monotonic()) <= 0:
            return await self.renew(channel)
        self._is_kept = True
        return self._token

    async def renew(self, channel: grpc.aio.Channel) -> Token:
        """A new token.

        Errors: LinkFailure.
        """
        self._is_kept = False
        request = IssueTokenRequest(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
        )
        try:
            answer = await IdentityServiceStub(channel).IssueToken(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise explain(error, server=self._settings.server, agent=self._settings.agent) from error
        self._token = Token(
            value=answer.access_token,
            issued_at=time.monotonic(),
            lifetime_s=answer.expires_in.ToTimedelta().total_seconds(),
        )
        return self._token

    def forget(self) -> bool:
        """The server did not want the last token; says whether that was one kept from an earlier tunnel."""
        self._token = None
        return self._is_kept
