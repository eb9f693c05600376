"""Who calls, and whether they may: a token on every RPC, a permission named by every RPC.

Owns the refusal. Tokens are judged by `services/identity.py`, roles by `domain/access.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from google.protobuf import descriptor_pool

from borealis.auth.v1 import permission_pb2
from borealis_server.domain.access import Permission
from borealis_server.domain.errors import InvalidArgument, PermissionDenied, Unauthenticated
from borealis_server.transport.interceptors.wrapping import Around, Context, Interceptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from borealis_server.domain.identity import Principal
    from borealis_server.transport.interceptors.wrapping import Handler

RECHECK_S = 2.5
"""How often a stream's authority is checked again, in seconds."""

FOREIGN_PERMISSIONS: Mapping[str, Permission] = {
    "grpc.health.v1.Health": Permission.PUBLIC,
    "grpc.reflection.v1alpha.ServerReflection": Permission.AUTHENTICATED,
}
"""Services that others specified, which cannot carry our option."""

TENANT_METADATA = "borealis-tenant"
"""Metadata key by which a client may name the tenant to act in, by id or name; else it is the token's."""

_BEARER = "bearer "
_TENANT_LIMIT = 100
_principal: ContextVar[Principal] = ContextVar("principal")


class Verifier(Protocol):
    """Says who sends a token."""

    async def verify(self, token: str, tenant: str = "") -> Principal:
        """Who sends `token`, acting in `tenant`; empty for the token's own. Errors: Unauthenticated, TenantDenied."""
        ...


def current_principal() -> Principal:
    """Who calls the RPC being served. Errors: LookupError outside of one, and in public ones."""
    return _principal.get()


def needed_permission(method: str) -> Permission | None:
    """What `method` (`/package.Service/Method`) needs; None when it names nothing, so that nobody may call it."""
    service_name, _, method_name = method.removeprefix("/").partition("/")
    if service_name in FOREIGN_PERMISSIONS:
        return FOREIGN_PERMISSIONS[service_name]
    try:
        service = descriptor_pool.Default().FindServiceByName(service_name)
        options = service.methods_by_name[method_name].GetOptions()
    except KeyError:
        return None
    # The generated types call the extension a plain descriptor.
    value: Any = options.Extensions[permission_pb2.permission]  # type: ignore[index]
    if value == permission_pb2.PERMISSION_UNSPECIFIED:
        return None
    return Permission[permission_pb2.Permission.Name(value).removeprefix("PERMISSION_")]


def auth_interceptor(verifier: Verifier, *, recheck_s: float = RECHECK_S) -> Interceptor:
    """Lets an RPC through when its caller is known and may call it.

    A stream that the client only listens to ends when its token or its authority does. A client that streams too can
    send newer tokens in band, and its servicer looks after them.
    """

    def choose(method: str, handler: Handler) -> Around | None:
        gate = _Gate(verifier, needed_permission(method), recheck_s)
        if gate.permission is Permission.PUBLIC:
            return None
        return gate.watch if handler.response_streaming and not handler.request_streaming else gate.call

    return Interceptor(choose)


class _Gate:
    def __init__(self, verifier: Verifier, permission: Permission | None, recheck_s: float) -> None:
        self.permission = permission
        self._verifier = verifier
        self._recheck_s = recheck_s

    @asynccontextmanager
    async def call(self, _request: Any, context: Context) -> AsyncIterator[None]:
        await self._admit(bearer_token(context), wanted_tenant(context))
        yield

    @asynccontextmanager
    async def watch(self, _request: Any, context: Context) -> AsyncIterator[None]:
        token, tenant = bearer_token(context), wanted_tenant(context)
        await self._admit(token, tenant)
        async with asyncio.TaskGroup() as group:
            guard = group.create_task(self._end_with_authority(token, tenant), name="rpc.authority")
            yield
            guard.cancel()

    async def _admit(self, token: str, tenant: str) -> None:
        principal = await self._verifier.verify(token, tenant)
        if self.permission is None:
            raise PermissionDenied("unspecified")
        if not principal.may(self.permission):
            raise PermissionDenied(self.permission.value, tenant=principal.tenant)
        _principal.set(principal)
        structlog.contextvars.bind_contextvars(subject=principal.subject, tenant=principal.tenant)

    async def _end_with_authority(self, token: str, tenant: str) -> None:
        while True:
            await asyncio.sleep(self._recheck_s)
            await self._admit(token, tenant)


def bearer_token(context: Context) -> str:
    """The token that an RPC was sent with. Errors: Unauthenticated."""
    values = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
    match values:
        case []:
            raise Unauthenticated("no token was sent")
        case [str(value)] if value[: len(_BEARER)].lower() == _BEARER:
            return value[len(_BEARER) :].strip()
        case _:
            raise Unauthenticated("the authorization metadata is not one bearer token")


def wanted_tenant(context: Context) -> str:
    """The tenant that an RPC is to act in; empty for the token's own. Errors: InvalidArgument."""
    values = [value for key, value in context.invocation_metadata() or () if key == TENANT_METADATA]
    match values:
        case []:
            return ""
        case [str(value)] if len(value) <= _TENANT_LIMIT:
            return value
        case _:
            raise InvalidArgument.of(TENANT_METADATA, "must be the id or name of one tenant")
