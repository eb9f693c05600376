"""Configuration as code: the organization as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_client._generated.borealis.config.v1 import (
    ApplyConfigRequest,
    ApplyConfigResponse,
    Config,
    ConfigServiceStub,
    GetConfigRequest,
)

if TYPE_CHECKING:
    from borealis_client.transport import Transport


class Configuration:
    """What is configured in the caller's organization."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self) -> Config:
        """What is configured, as far as the caller may see it."""
        answer = await self._transport.call(
            lambda channel: ConfigServiceStub(channel).get_config, GetConfigRequest(), is_repeatable=True
        )
        return answer.config or Config()

    async def apply(self, content: bytes, *, file_name: str = "", dry_run: bool = False) -> ApplyConfigResponse:
        """Makes everything as the file says, all of it or nothing; with `dry_run`, says what that would be.

        Errors: ConfigInvalidError with every fault, OwnAdministrationError, DeniedError.
        """
        return await self._transport.call(
            lambda channel: ConfigServiceStub(channel).apply_config,
            ApplyConfigRequest(content=content, file_name=file_name, dry_run=dry_run),
            is_repeatable=True,
        )
