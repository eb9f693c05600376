"""ConfigService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from borealis.config.v1 import config_service_pb2 as pb
from borealis.config.v1.config_service_pb2_grpc import ConfigServiceServicer
from borealis_server.domain.errors import InvalidArgument
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.config import change_to_proto, config_to_proto

if TYPE_CHECKING:
    from borealis_server.services.config import ConfigService

_FILE_NAME: Final = "config.yaml"
_LIMIT_BYTES: Final = 2**20

Context = Any  # generated stubs of grpc.aio do not type it


class ConfigServicer(ConfigServiceServicer):
    """The caller's organization as a file."""

    def __init__(self, config: ConfigService) -> None:
        self._config = config

    async def GetConfig(self, request: pb.GetConfigRequest, context: Context) -> pb.GetConfigResponse:
        """What is configured."""
        return pb.GetConfigResponse(config=config_to_proto(await self._config.get(current_principal())))

    async def ApplyConfig(self, request: pb.ApplyConfigRequest, context: Context) -> pb.ApplyConfigResponse:
        """Makes everything as the file says, or says what that would be."""
        if len(request.content) > _LIMIT_BYTES:
            raise InvalidArgument.of("content", f"must have at most {_LIMIT_BYTES} bytes")
        applied = await self._config.apply(
            current_principal(), request.content, request.file_name or _FILE_NAME, dry_run=request.dry_run
        )
        return pb.ApplyConfigResponse(
            changes=map(change_to_proto, applied.changes),
            warnings=applied.warnings,
            before=config_to_proto(applied.before),
            after=config_to_proto(applied.after),
        )
