"""Access and ID tokens as JSON Web Tokens, signed with ES256 and keys of our own.

Owns the form of tokens. Which key signs is `signing_keys.py`; whether a token is good now is `services/identity.py`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from borealis_server.adapters.signing_keys import ALGORITHM, FixedKeys, open_signing_key
from borealis_server.domain.errors import Unauthenticated
from borealis_server.ports.identity import TokenClaims

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_server.adapters.signing_keys import SigningKeys

__all__ = ["AUDIENCE", "JwtSigner", "open_signing_key"]

AUDIENCE = "borealis"
"""Whom access tokens are for: the API of this platform."""

_REQUIRED = ["iss", "aud", "sub", "exp", "nbf", "iat", "jti"]
_SUBJECT = re.compile(r"(?:clients|users)/[a-z0-9]{1,63}|external/[a-z0-9-]{1,32}/[!-~]{1,255}")
_RESERVED = frozenset({*_REQUIRED, "tenant", "client_id", "sid"})


class JwtSigner:
    """Signs tokens and recognises what it signed."""

    def __init__(self, keys: ec.EllipticCurvePrivateKey | SigningKeys, *, issuer: str) -> None:
        self._keys: SigningKeys = FixedKeys(keys) if isinstance(keys, ec.EllipticCurvePrivateKey) else keys
        self._issuer = issuer

    def sign(self, claims: TokenClaims, about: Mapping[str, object] | None = None) -> str:
        """An access token that says `claims`, and what is `about` its holder for those who look inside."""
        issued_at = int(claims.issued_at.timestamp())
        payload = {name: value for name, value in (about or {}).items() if name not in _RESERVED} | {
            "aud": AUDIENCE,
            "sub": claims.subject,
            "client_id": claims.client_id or claims.subject.partition("/")[2],
            "tenant": claims.tenant,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": int(claims.expires_at.timestamp()),
            "jti": claims.token_id,
        }
        if claims.session_id:
            payload["sid"] = claims.session_id
        return self._signed(payload, "at+jwt")

    def sign_identity(self, claims: Mapping[str, object], *, audience: str) -> str:
        """An ID token for the program `audience`: it says who logged in, and opens no door."""
        return self._signed({**claims, "aud": audience}, "JWT")

    def read(self, token: str) -> TokenClaims:
        """What the token says, after its signature, issuer and audience were checked.

        Errors: Unauthenticated when it is not an access token of ours.
        """
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = self._keys.shown().get(key_id) if isinstance(key_id, str) else None
            if key is None:
                raise Unauthenticated("the token was signed with a key that is not ours")
            payload = jwt.decode(
                token,
                key.public_key(),
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=AUDIENCE,
                # Times are judged with our own clock port, on every use and not only on the first.
                options={"require": _REQUIRED, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
            return _claims(payload)
        except jwt.InvalidTokenError as error:
            raise Unauthenticated(_why(error)) from error

    def public_keys(self) -> Mapping[str, object]:
        """The keys that tokens can be checked with, as a JSON Web Key Set."""
        return self._keys.as_key_set()

    def _signed(self, payload: Mapping[str, Any], kind: str) -> str:  # Any: values of JSON
        key_id, key = self._keys.signing()
        return jwt.encode(
            {"iss": self._issuer, **payload}, key, algorithm=ALGORITHM, headers={"kid": key_id, "typ": kind}
        )


def _claims(payload: Mapping[str, Any]) -> TokenClaims:  # Any: values of JSON
    subject, tenant, session = payload["sub"], payload.get("tenant"), payload.get("sid", "")
    client_id, times = payload.get("client_id", ""), (payload["iat"], payload["exp"])
    is_form_ours = (
        all(isinstance(text, str) for text in (tenant, session, client_id))
        and all(type(time) is int for time in times)
        and _SUBJECT.fullmatch(subject) is not None
    )
    if not is_form_ours:
        raise Unauthenticated("the token lacks claims that ours have")
    issued_at, expires_at = (datetime.fromtimestamp(seconds, UTC) for seconds in times)
    return TokenClaims(
        tenant=str(tenant),
        subject=subject,
        issued_at=issued_at,
        expires_at=expires_at,
        token_id=payload["jti"],
        client_id=client_id if session else "",
        session_id=session,
    )


def _why(error: jwt.InvalidTokenError) -> str:
    match error:
        case jwt.InvalidSignatureError():
            return "the token's signature is wrong"
        case jwt.InvalidAlgorithmError():
            return f"the token is not signed with {ALGORITHM}"
        case jwt.InvalidAudienceError():
            return "the token is for somebody else (wrong audience)"
        case jwt.InvalidIssuerError():
            return "the token was issued by somebody else"
        case jwt.MissingRequiredClaimError():
            return "the token lacks claims that ours have"
        case _:
            return "the token is malformed"
