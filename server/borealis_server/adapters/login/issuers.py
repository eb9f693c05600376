"""Issuers that others run, over HTTPS: their discovery documents, their keys, and what they say of somebody.

Owns what is believed of an issuer, and for how long. Authlib writes the OAuth requests, PyJWT checks the signatures.
"""

from __future__ import annotations

import asyncio
import hmac
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx2
import jwt
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from borealis_server.domain.startup import StartRefusedError
from borealis_server.ports.issuers import IssuerRefused, IssuerUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from borealis_server.ports.issuers import IdentityProvider, Trip

_DISCOVERY: Final = "/.well-known/openid-configuration"
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with two keys only: with a shared one, our secret there would be enough to forge people."""
_REQUIRED: Final = ("iss", "aud", "sub", "exp", "iat")
_LEEWAY_S: Final = 30
_TIMEOUT_S: Final = 10.0
_MAX_BYTES: Final = 1024 * 1024
_BELIEVED_S: Final = 3600.0
"""How long a discovery document and keys are believed without another look."""
_LOOK_AGAIN_S: Final = 30.0
"""How often an unknown key may make us look for new ones."""


@dataclass(slots=True)
class _Known:
    """What is known of an issuer."""

    metadata: Mapping[str, Any]  # Any: values of JSON
    keys: Mapping[str, jwt.PyJWK]
    at: float


class HttpIssuers:
    """Implements `ports.issuers.Issuers`."""

    def __init__(self, client: httpx2.AsyncClient, tls: ssl.SSLContext, clock: Callable[[], float]) -> None:
        self._client = client
        self._tls = tls
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._looking = asyncio.Lock()

    async def address(self, provider: IdentityProvider, trip: Trip) -> str:
        """Where to send the browser. Errors: IssuerUnavailable."""
        known = await self._look(provider.issuer)
        endpoint = _endpoint(known.metadata, "authorization_endpoint")
        async with self._oauth(provider, trip) as oauth:
            url, _ = oauth.create_authorization_url(
                endpoint, state=trip.state, nonce=trip.nonce, code_verifier=trip.verifier
            )
        return str(url)

    async def claims(self, provider: IdentityProvider, trip: Trip, code: str, issuer: str) -> Mapping[str, object]:
        """What the provider says of who came back. Errors: IssuerRefused, IssuerUnavailable."""
        known = await self._look(provider.issuer)
        is_named = bool(known.metadata.get("authorization_response_iss_parameter_supported"))
        if (is_named or issuer) and issuer != provider.issuer:
            raise IssuerRefused("the answer came from another issuer (RFC 9207)")
        endpoint = _endpoint(known.metadata, "token_endpoint")
        try:
            async with self._oauth(provider, trip) as oauth, asyncio.timeout(_TIMEOUT_S):
                token = await oauth.fetch_token(endpoint, code=code, code_verifier=trip.verifier)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise IssuerUnavailable(f"its token endpoint does not answer: {type(error).__name__}") from error
        except (AuthlibBaseError, ValueError) as error:
            raise IssuerRefused(f"its token endpoint refuses the code: {error}") from error
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise IssuerRefused("it gave no ID token")
        claims = await self.external_claims(provider.issuer, provider.client_id, id_token)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), trip.nonce.encode()):
            raise IssuerRefused("the ID token was made for another login (nonce)")
        if claims.get("azp", provider.client_id) != provider.client_id:
            raise IssuerRefused("the ID token was made for another client (azp)")
        return claims

    async def external_claims(self, issuer: str, audience: str, token: str) -> Mapping[str, object]:
        """What a token of `issuer` for `audience` says. Errors: IssuerRefused, IssuerUnavailable."""
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = await self._key(issuer, key_id if isinstance(key_id, str) else "")
            claims: Mapping[str, object] = jwt.decode(
                token,
                key.key,
                algorithms=list(_ALGORITHMS),
                issuer=issuer,
                audience=audience,
                leeway=_LEEWAY_S,
                options={"require": list(_REQUIRED)},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise IssuerRefused(f"the token does not hold: {error}") from error
        return claims

    def issuer_of(self, token: str) -> str:
        """Who a token claims to be of, unchecked; empty when it is no token."""
        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (jwt.PyJWTError, ValueError):
            return ""
        return issuer if isinstance(issuer, str) else ""

    async def _key(self, issuer: str, key_id: str) -> jwt.PyJWK:
        known = await self._look(issuer)
        if key_id not in known.keys and self._clock() - known.at >= _LOOK_AGAIN_S:
            known = await self._look(issuer, is_stale=True)
        if key_id not in known.keys:
            raise IssuerRefused("the token was signed with a key that its issuer does not show")
        return known.keys[key_id]

    async def _look(self, issuer: str, *, is_stale: bool = False) -> _Known:
        """Metadata and keys of an issuer, not older than is believed. Errors: IssuerUnavailable."""
        async with self._looking:
            known = self._known.get(issuer)
            age_s = self._clock() - known.at if known else _BELIEVED_S
            if known is not None and age_s < (_LOOK_AGAIN_S if is_stale else _BELIEVED_S):
                return known
            metadata = await self._json(issuer.rstrip("/") + _DISCOVERY)
            if metadata.get("issuer") != issuer:
                raise IssuerUnavailable("its discovery document names another issuer")
            keys = _keys(await self._json(_endpoint(metadata, "jwks_uri")))
            self._known[issuer] = _Known(metadata, keys, self._clock())
            return self._known[issuer]

    async def _json(self, url: str) -> Mapping[str, Any]:  # Any: values of JSON
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._client.stream("GET", url) as response:
                response.raise_for_status()
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _MAX_BYTES:
                        raise IssuerUnavailable(f"{url} is larger than {_MAX_BYTES} bytes")
                document = httpx2.Response(200, content=body).json()
        except (httpx2.HTTPError, TimeoutError, ValueError) as error:
            raise IssuerUnavailable(f"{url}: {error or type(error).__name__}") from error
        if not isinstance(document, dict):
            raise IssuerUnavailable(f"{url} is no JSON object")
        return document

    def _oauth(self, provider: IdentityProvider, trip: Trip) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=provider.client_id,
            client_secret=provider.client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if provider.client_secret else "none",
            scope=" ".join(provider.scopes),
            redirect_uri=trip.redirect_uri,
            code_challenge_method="S256",
            verify=self._tls,
            timeout=_TIMEOUT_S,
        )


@asynccontextmanager
async def open_issuers(ca_file: Path | None, clock: Callable[[], float]) -> AsyncIterator[HttpIssuers]:
    """Issuers that are trusted by the system's authorities, and by the ones in `ca_file`.

    Errors: StartRefusedError when that cannot be read.
    """
    tls = ssl.create_default_context()
    if ca_file is not None:
        try:
            tls.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise StartRefusedError(f"cannot read certificates from {ca_file}: {error}") from error
    async with httpx2.AsyncClient(verify=tls, timeout=_TIMEOUT_S, follow_redirects=False) as client:
        yield HttpIssuers(client, tls, clock)


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:  # Any: values of JSON
    url = metadata.get(name)
    if not isinstance(url, str) or not url.startswith("https://"):
        raise IssuerUnavailable(f"its discovery document has no {name} with https")
    return url


def _keys(document: Mapping[str, Any]) -> Mapping[str, jwt.PyJWK]:  # Any: values of JSON
    found = {}
    for shown in document.get("keys") or []:
        if not isinstance(shown, dict) or shown.get("kty") == "oct" or shown.get("use", "sig") != "sig":
            continue
        try:
            found[str(shown.get("kid", ""))] = jwt.PyJWK.from_dict(shown)
        except jwt.PyJWTError:
            continue  # of a kind that we do not know
    return found
