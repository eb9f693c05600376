"""The endpoints that programs call: tokens, devices, revocation, who somebody is.

Owns what a request must hold. What is granted is the services' decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from borealis_server.domain.errors import BorealisError, Unauthenticated
from borealis_server.domain.login.clients import known_scope
from borealis_server.domain.login.refusals import GrantFault, GrantRefused
from borealis_server.domain.login.throttle import RateLimit, address_key
from borealis_server.services.sessions import about_person
from borealis_server.services.token_exchange import ISSUED_TYPE
from borealis_server.transport.oauth import metadata
from borealis_server.transport.oauth.errors import NO_STORE, RequestRefused, refusal, too_many
from borealis_server.transport.oauth.requests import address_of, credential_of, fields_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from borealis_server.ports.clock import Clock
    from borealis_server.services.authorization import Authorization
    from borealis_server.services.identity import IdentityService
    from borealis_server.services.people import People
    from borealis_server.services.session_gate import SessionGate
    from borealis_server.services.sessions import Sessions, Tokens
    from borealis_server.services.token_exchange import TokenExchange

_KEYS_CACHE: Final = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthParts:
    """What stands behind the endpoints."""

    issuer: str
    identity: IdentityService
    authorization: Authorization
    sessions: Sessions
    exchange: TokenExchange
    gate: SessionGate
    people: People
    clock: Clock
    proxies: int
    """Proxies of our own in front of the web door."""


class OAuthEndpoints:
    """Serves them."""

    def __init__(self, parts: OAuthParts) -> None:
        self._parts = parts
        self._document = metadata.discovery_document(parts.issuer)
        self._requests = RateLimit(burst=300, per_minute=600)
        self._devices = RateLimit(burst=10, per_minute=10)
        self._accounts = RateLimit(burst=120, per_minute=240)
        self._grants: Mapping[str, Callable[[Request, Mapping[str, str]], Awaitable[Mapping[str, object]]]] = {
            metadata.CLIENT_CREDENTIALS: self._client_credentials,
            metadata.AUTHORIZATION_CODE: self._code,
            metadata.REFRESH_TOKEN: self._refresh,
            metadata.DEVICE_CODE: self._device,
            metadata.TOKEN_EXCHANGE: self._exchange,
        }

    def routes(self) -> list[Route]:
        """Where they answer."""
        return [
            *(Route(path, self.discovery, methods=["GET"]) for path in metadata.DISCOVERY_PATHS),
            Route(metadata.KEYS_PATH, self.keys, methods=["GET"]),
            Route(metadata.TOKEN_PATH, self.token, methods=["POST"]),
            Route(metadata.DEVICE_PATH, self.device, methods=["POST"]),
            Route(metadata.REVOKE_PATH, self.revoke, methods=["POST"]),
            Route(metadata.USERINFO_PATH, self.userinfo, methods=["GET", "POST"]),
        ]

    async def discovery(self, _request: Request) -> Response:
        """What this issuer can do and where."""
        return JSONResponse(self._document, headers=_KEYS_CACHE)

    async def keys(self, _request: Request) -> Response:
        """The keys that its tokens are signed with."""
        return JSONResponse(self._parts.identity.public_keys(), headers=_KEYS_CACHE)

    async def token(self, request: Request) -> Response:
        """Tokens, by whichever grant is named."""
        now, address = self._parts.clock.now(), address_key(address_of(request, self._parts.proxies))
        if wait_s := self._requests.take(address, now):
            return too_many(wait_s)
        try:
            fields = await fields_of(request)
            # By the place too: somebody else must not use up what a client has.
            if wait_s := self._accounts.take(f"{address}|{credential_of(request, fields)[0]}", now):
                return too_many(wait_s)
            body = await self._grant(fields)(request, fields)
        except (BorealisError, GrantRefused) as error:
            return refusal(error)
        return JSONResponse(body, headers=NO_STORE)

    async def device(self, request: Request) -> Response:
        """Codes for a program without a browser."""
        address = address_of(request, self._parts.proxies)
        if wait_s := self._devices.take(address_key(address), self._parts.clock.now()):
            return too_many(wait_s)
        try:
            fields = await fields_of(request)
            scope = known_scope(fields.get("scope", ""))
            begun = await self._parts.authorization.begin_device(fields.get("client_id", ""), scope, address)
        except (BorealisError, GrantRefused) as error:
            return refusal(error)
        page = f"{self._parts.issuer}/device"
        body = {
            "device_code": begun.device_code,
            "user_code": begun.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={begun.user_code}",
            "expires_in": begun.expires_in_s,
            "interval": begun.interval_s,
        }
        return JSONResponse(body, headers=NO_STORE)

    async def revoke(self, request: Request) -> Response:
        """The end of a session; the answer says nothing about what the token was (RFC 7009)."""
        if wait_s := self._requests.take(
            address_key(address_of(request, self._parts.proxies)), self._parts.clock.now()
        ):
            return too_many(wait_s)
        try:
            fields = await fields_of(request)
            client = self._parts.authorization.client(fields.get("client_id", ""))
            await self._parts.sessions.revoke(client.client_id, _needed(fields, "token"))
        except (BorealisError, GrantRefused) as error:
            return refusal(error)
        return Response(status_code=HTTPStatus.OK, headers=NO_STORE)

    async def userinfo(self, request: Request) -> Response:
        """Who a token acts for (OpenID Connect Core 1.0, section 5.3)."""
        header = request.headers.get("authorization", "")
        token = header[len(_BEARER) :].strip() if header[: len(_BEARER)].lower() == _BEARER else ""
        try:
            claims = await self._parts.identity.checked_claims(token)
        except Unauthenticated:
            return _challenge("invalid_token", HTTPStatus.UNAUTHORIZED)
        if not claims.user_id:
            return _challenge("insufficient_scope", HTTPStatus.FORBIDDEN)
        session = await self._parts.gate.session(claims)
        person = await self._parts.people.person(claims.user_id)
        if person is None or "openid" not in session.scope:
            return _challenge("insufficient_scope", HTTPStatus.FORBIDDEN)
        return JSONResponse({"sub": claims.subject, **about_person(person, session.scope)}, headers=NO_STORE)

    def _grant(
        self, fields: Mapping[str, str]
    ) -> Callable[[Request, Mapping[str, str]], Awaitable[Mapping[str, object]]]:
        name = _needed(fields, "grant_type")
        if name not in self._grants:
            known = ", ".join(self._grants)
            raise RequestRefused(GrantFault.UNSUPPORTED_GRANT_TYPE, f"grant_type must be one of {known}")
        return self._grants[name]

    async def _client_credentials(self, request: Request, fields: Mapping[str, str]) -> Mapping[str, object]:
        client_id, secret = credential_of(request, fields)
        if not client_id or not secret:
            raise RequestRefused(
                GrantFault.INVALID_CLIENT, "client_id and client_secret are needed", HTTPStatus.UNAUTHORIZED
            )
        issued = await self._parts.identity.issue_token(client_id, secret)
        return {"access_token": issued.access_token, "token_type": "Bearer", "expires_in": issued.expires_in_s}

    async def _code(self, _request: Request, fields: Mapping[str, str]) -> Mapping[str, object]:
        return _body(
            await self._parts.authorization.redeem_code(
                _needed(fields, "client_id"),
                _needed(fields, "code"),
                redirect_uri=fields.get("redirect_uri", ""),
                verifier=fields.get("code_verifier", ""),
            )
        )

    async def _refresh(self, _request: Request, fields: Mapping[str, str]) -> Mapping[str, object]:
        client = self._parts.authorization.client(_needed(fields, "client_id"))
        # `requestedEnvId` is the reference platform's name for the tenant.
        tenant = fields.get("tenant", "") or fields.get("requestedEnvId", "")
        return _body(
            await self._parts.sessions.refresh(
                client.client_id,
                _needed(fields, "refresh_token"),
                scope=known_scope(fields.get("scope", "")),
                tenant=tenant,
            )
        )

    async def _device(self, _request: Request, fields: Mapping[str, str]) -> Mapping[str, object]:
        return _body(
            await self._parts.authorization.redeem_device(_needed(fields, "client_id"), _needed(fields, "device_code"))
        )

    async def _exchange(self, _request: Request, fields: Mapping[str, str]) -> Mapping[str, object]:
        if fields.get("actor_token") or fields.get("requested_token_type", ISSUED_TYPE) != ISSUED_TYPE:
            raise RequestRefused(GrantFault.INVALID_REQUEST, f"only {ISSUED_TYPE} is issued, and without an actor")
        tokens = await self._parts.exchange.exchange(
            _needed(fields, "subject_token"), _needed(fields, "subject_token_type"), tenant=fields.get("tenant", "")
        )
        return {**_body(tokens), "issued_token_type": ISSUED_TYPE}


def _needed(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise RequestRefused(GrantFault.INVALID_REQUEST, f"{name} is missing")
    return value


def _body(tokens: Tokens) -> dict[str, object]:
    body: dict[str, object] = {
        "access_token": tokens.access_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in_s,
        "scope": " ".join(tokens.scope),
        "tenant": tokens.tenant,
    }
    optional = {"refresh_token": tokens.refresh_token, "id_token": tokens.id_token}
    return body | {name: value for name, value in optional.items() if value}


def _challenge(error: str, status: HTTPStatus) -> Response:
    headers = NO_STORE | {"WWW-Authenticate": f'Bearer realm="borealis", error="{error}"'}
    return JSONResponse({"error": error}, status_code=status, headers=headers)
