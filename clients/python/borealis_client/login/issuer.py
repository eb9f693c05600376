"""The conversation with an issuer: discovery, tokens, devices, revocation. Small requests over TLS, nothing kept.

Calls block: whoever has an event loop makes them on a thread, where nothing interrupts them half-way.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
import secrets
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from borealis_client.errors import LoginFailedError, ServerUnreachableError, SettingsError
from borealis_client.login.vault import KeptTokens

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CLIENT_ID: Final = "borealis-cli"
SCOPE: Final = "openid profile email offline_access"

_TIMEOUT_S: Final = 15.0
_MAX_BYTES: Final = 256 * 1024
_OK: Final = 200
_SERVER_FAULTS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Tokens, and what is known of them."""

    tokens: KeptTokens
    tenant: str
    """Tenant that they are good for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLogin:
    """A login that a person completes on another machine."""

    device_code: str
    user_code: str
    address: str
    """Where the person goes."""
    complete_address: str
    """The same with the code in it."""
    expires_in_s: float
    interval_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkce:
    """What ties the parts of a login together (RFC 7636)."""

    verifier: str
    state: str

    @classmethod
    def new(cls) -> Pkce:
        """A fresh one."""
        return cls(verifier=secrets.token_urlsafe(48), state=secrets.token_urlsafe(24))

    @property
    def challenge(self) -> str:
        """S256 of the verifier."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Issuer:
    """One issuer, found by its discovery document."""

    def __init__(self, issuer: str, tls: ssl.SSLContext, metadata: Mapping[str, Any]) -> None:
        self.issuer: Final = issuer
        self._tls = tls
        self._metadata = metadata

    @classmethod
    def find(cls, address: str, ca_file: Path | None) -> Issuer:
        """The issuer at that web address. Errors: SettingsError, ServerUnreachableError, LoginFailedError."""
        tls = _tls(ca_file)
        status, metadata = _request(tls, "GET", f"{address.rstrip('/')}/.well-known/openid-configuration")
        if status != _OK or "token_endpoint" not in metadata:
            raise LoginFailedError(f"{address} is no web door of a Borealis server. Name it with --web.")
        issuer = metadata.get("issuer")
        if not isinstance(issuer, str) or issuer.rstrip("/") != address.rstrip("/"):
            raise LoginFailedError(f"{address} calls itself {issuer}. Name that address with --web.")
        return cls(issuer, tls, metadata)

    def login_address(self, pkce: Pkce, redirect_uri: str, tenant: str = "") -> str:
        """Where a browser goes to log in."""
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": pkce.state,
            "code_challenge": pkce.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._endpoint('authorization_endpoint')}?{urlencode(asked | ({'tenant': tenant} if tenant else {}))}"

    def redeem(self, pkce: Pkce, redirect_uri: str, answer: Mapping[str, str]) -> Granted:
        """Tokens for what the browser brought back. Errors: LoginFailedError, ServerUnreachableError."""
        if not secrets.compare_digest(answer.get("state", ""), pkce.state) or answer.get("iss") != self.issuer:
            raise LoginFailedError("the browser brought back an answer to another login. Please try again.")
        if "code" not in answer:
            raise LoginFailedError(f"not logged in: {answer.get('error_description') or answer.get('error', '')}.")
        return self._token(
            grant_type="authorization_code",
            code=answer["code"],
            redirect_uri=redirect_uri,
            code_verifier=pkce.verifier,
        )

    def begin_device(self) -> DeviceLogin:
        """Codes for a login on another machine. Errors: LoginFailedError, ServerUnreachableError."""
        asked = {"client_id": CLIENT_ID, "scope": SCOPE}
        status, body = _request(self._tls, "POST", self._endpoint("device_authorization_endpoint"), asked)
        if status != _OK:
            raise _failed(body)
        return DeviceLogin(
            device_code=str(body["device_code"]),
            user_code=str(body["user_code"]),
            address=str(body["verification_uri"]),
            complete_address=str(body.get("verification_uri_complete") or body["verification_uri"]),
            expires_in_s=float(body["expires_in"]),
            interval_s=float(body.get("interval", 5)),
        )

    async def wait_for_device(self, login: DeviceLogin) -> Granted:
        """Tokens once the person has agreed. Errors: LoginFailedError also when they refuse or nobody answers."""
        interval_s, loop = login.interval_s, asyncio.get_running_loop()
        deadline = loop.time() + login.expires_in_s
        while loop.time() < deadline:
            await asyncio.sleep(interval_s)
            try:
                return await asyncio.to_thread(
                    self._token,
                    grant_type="urn:ietf:params:oauth:grant-type:device_code",
                    device_code=login.device_code,
                )
            except LoginFailedError as error:
                if error.error == "slow_down":
                    interval_s += 5
                elif error.error != "authorization_pending":
                    raise
            except ServerUnreachableError:
                interval_s *= 2  # RFC 8628, section 3.5
        raise LoginFailedError("nobody answered in time. Please try again.", error="expired_token")

    def refresh(self, refresh_token: str, tenant: str = "") -> Granted:
        """Newer tokens, in another tenant if one is named. Errors: LoginFailedError, ServerUnreachableError."""
        named = {"tenant": tenant} if tenant else {}
        return self._token(grant_type="refresh_token", refresh_token=refresh_token, **named)

    def revoke(self, token: str) -> None:
        """End the login that a token belongs to. Errors: LoginFailedError, ServerUnreachableError."""
        asked = {"client_id": CLIENT_ID, "token": token}
        status, body = _request(self._tls, "POST", self._endpoint("revocation_endpoint"), asked)
        if status != _OK:
            raise _failed(body)

    def _token(self, **fields: str) -> Granted:
        asked_at = time.time()
        asked = {"client_id": CLIENT_ID, **fields}
        status, body = _request(self._tls, "POST", self._endpoint("token_endpoint"), asked)
        if status != _OK or "access_token" not in body:
            raise _failed(body)
        tokens = KeptTokens(
            access_token=str(body["access_token"]),
            expires_at=asked_at + float(body.get("expires_in", 0)),
            refresh_token=str(body.get("refresh_token", "")),
        )
        return Granted(tokens=tokens, tenant=str(body.get("tenant", "")))

    def _endpoint(self, name: str) -> str:
        address = self._metadata.get(name)
        if not isinstance(address, str):
            raise LoginFailedError(f"{self.issuer} has no {name}. Is it newer or older than this client?")
        return address


def _failed(body: Mapping[str, Any]) -> LoginFailedError:  # Any: values of JSON
    error, text = str(body.get("error", "")), str(body.get("error_description", ""))
    return LoginFailedError(f"not logged in: {text or error or 'the server gave no reason'}.", error=error)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        tls = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"{ca_file} holds no certificate that can be read: {error}.") from error
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    return tls


def _request(
    tls: ssl.SSLContext, method: str, address: str, form: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, Any]]:  # Any: values of JSON
    """Status and JSON object of one answer. Errors: ServerUnreachableError, SettingsError."""
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname:
        raise SettingsError(f"{address!r} is no https address.")
    try:
        status, content = _exchange(tls, method, address, form)
    except (OSError, http.client.HTTPException) as error:
        raise ServerUnreachableError(f"{parts.netloc} does not answer: {error}.") from error
    if status >= _SERVER_FAULTS:
        raise ServerUnreachableError(f"{parts.netloc} answers {status}. Try again in a moment.")
    try:
        body = json.loads(content or b"{}")
    except ValueError:
        body = {}
    return status, body if isinstance(body, dict) else {}


def _exchange(tls: ssl.SSLContext, method: str, address: str, form: Mapping[str, str] | None) -> tuple[int, bytes]:
    parts = urlsplit(address)
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S, context=tls)
    try:
        headers = {"Accept": "application/json", "User-Agent": "borealis-client"}
        body = None
        if form is not None:
            body, headers["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        connection.request(method, parts._replace(scheme="", netloc="").geturl() or "/", body, headers)
        response = connection.getresponse()
        return response.status, response.read(_MAX_BYTES)
    finally:
        connection.close()
