"""Access tokens as JSON Web Tokens, signed with ES256 and a key of our own.

Owns the form of tokens and the key file. Whether a token is good now is `services/identity.py`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from borealis_server.adapters import private_files
from borealis_server.domain.errors import Unauthenticated
from borealis_server.domain.startup import StartRefusedError
from borealis_server.ports.identity import TokenClaims

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AUDIENCE = "borealis"
"""Whom tokens are for: the API of this platform."""

_ALGORITHM = "ES256"
_REQUIRED = ["iss", "aud", "sub", "exp", "nbf", "iat", "jti"]
_SUBJECT = re.compile(r"(?:clients|users)/[a-z0-9]{1,63}")


class JwtSigner:
    """Signs tokens with one key and recognises what it signed."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, issuer: str) -> None:
        self._key = key
        self._public_key = key.public_key()
        self._issuer = issuer
        self._key_id = _thumbprint(_jwk(self._public_key))

    def sign(self, claims: TokenClaims) -> str:
        """A token that says `claims`."""
        payload = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": claims.subject,
            "tenant": claims.tenant,
            "iat": int(claims.issued_at.timestamp()),
            "nbf": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "jti": claims.token_id,
        }
        return jwt.encode(payload, self._key, algorithm=_ALGORITHM, headers={"kid": self._key_id})

    def read(self, token: str) -> TokenClaims:
        """What the token says, after its signature, issuer and audience were checked.

        Errors: Unauthenticated when it is not a token of ours.
        """
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            if key_id != self._key_id:
                raise Unauthenticated("the token was signed with a key that is not ours")
            payload = jwt.decode(
                token,
                self._public_key,
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=AUDIENCE,
                # Times are judged with our own clock port, on every use and not only on the first.
                options={"require": _REQUIRED, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
            return _claims(payload)
        except jwt.InvalidTokenError as error:
            raise Unauthenticated(_why(error)) from error

    def public_keys(self) -> Mapping[str, object]:
        """The key that tokens can be checked with, as a JSON Web Key Set."""
        key = _jwk(self._public_key) | {"kid": self._key_id, "use": "sig", "alg": _ALGORITHM}
        return {"keys": [key]}


def open_signing_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """The signing key in `file`; a new one is made and kept there when there is none.

    Errors: StartRefusedError when the file holds something else.
    """
    if not file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        private_files.write(file, _pem(key))
        return key
    try:
        loaded = serialization.load_pem_private_key(private_files.read(file), password=None)
    except ValueError as error:
        raise StartRefusedError(_not_a_key(file)) from error
    if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
        raise StartRefusedError(_not_a_key(file))
    return loaded


def _not_a_key(file: Path) -> str:
    return f"{file} holds no ECDSA P-256 key: restore it, or remove it and every client gets new tokens by itself"


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _jwk(key: ec.EllipticCurvePublicKey) -> dict[str, Any]:  # Any: values of JSON
    return {name: value for name, value in ECAlgorithm.to_jwk(key, as_dict=True).items() if name != "key_ops"}


def _thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638: the same key has the same id after every start."""
    text = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def _claims(payload: Mapping[str, Any]) -> TokenClaims:  # Any: values of JSON
    subject, tenant = payload["sub"], payload.get("tenant")
    times = (payload["iat"], payload["exp"])
    if not (isinstance(tenant, str) and _SUBJECT.fullmatch(subject) and all(type(t) is int for t in times)):
        raise Unauthenticated("the token lacks claims that ours have")
    issued_at, expires_at = (datetime.fromtimestamp(seconds, UTC) for seconds in times)
    return TokenClaims(
        tenant=tenant,
        subject=subject,
        issued_at=issued_at,
        expires_at=expires_at,
        token_id=payload["jti"],
    )


def _why(error: jwt.InvalidTokenError) -> str:
    match error:
        case jwt.InvalidSignatureError():
            return "the token's signature is wrong"
        case jwt.InvalidAlgorithmError():
            return f"the token is not signed with {_ALGORITHM}"
        case jwt.InvalidAudienceError():
            return "the token is for somebody else (wrong audience)"
        case jwt.InvalidIssuerError():
            return "the token was issued by somebody else"
        case jwt.MissingRequiredClaimError():
            return "the token lacks claims that ours have"
        case _:
            return "the token is malformed"
