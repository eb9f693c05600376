"""The keys that tokens are signed with: files in one folder, replaced in time and without anybody noticing.

Owns the files and the form in which keys are shown. When which key does what is `domain/signing_keys.py`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from borealis_server.adapters import private_files
from borealis_server.domain.signing_keys import KeySchedule, duties
from borealis_server.domain.startup import StartRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from borealis_server.ports.clock import Clock

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

ALGORITHM = "ES256"
"""What everything is signed with, and the only thing that is accepted."""

_FIRST = "token-signing.pem"
_LATER = re.compile(r"token-signing-(\d{1,12})\.pem")


class SigningKeys(Protocol):
    """The keys of an issuer at this moment."""

    def signing(self) -> tuple[str, ec.EllipticCurvePrivateKey]:
        """The key that signs, with its id."""
        ...

    def shown(self) -> Mapping[str, ec.EllipticCurvePrivateKey]:
        """The keys that tokens may be signed with, by id."""
        ...

    def as_key_set(self) -> Mapping[str, object]:
        """The public parts of them, as a JSON Web Key Set."""
        ...


class FixedKeys:
    """One key that never changes."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._keys = {key_id(key): key}

    def signing(self) -> tuple[str, ec.EllipticCurvePrivateKey]:
        """The key."""
        return next(iter(self._keys.items()))

    def shown(self) -> Mapping[str, ec.EllipticCurvePrivateKey]:
        """The key."""
        return self._keys

    def as_key_set(self) -> Mapping[str, object]:
        """Its public part."""
        return _key_set(self._keys)


class KeyFolder:
    """Keys in files that nobody else may read; `tend` makes new ones and removes old ones."""

    def __init__(self, folder: Path, clock: Clock, schedule: KeySchedule) -> None:
        self._folder = folder
        self._clock = clock
        self._schedule = schedule
        self._keys: dict[datetime, tuple[str, ec.EllipticCurvePrivateKey, Path]] = {}
        self._read_all()
        if not self._keys:
            self._make(folder / _FIRST)

    def signing(self) -> tuple[str, ec.EllipticCurvePrivateKey]:
        """The key that signs now, with its id."""
        name, key, _ = self._keys[duties(self._keys, self._clock.now(), self._schedule).signing]
        return name, key

    def shown(self) -> Mapping[str, ec.EllipticCurvePrivateKey]:
        """The keys that tokens may be signed with now, by id."""
        shown = duties(self._keys, self._clock.now(), self._schedule).shown
        return {name: key for name, key, _ in (self._keys[made_at] for made_at in shown)}

    def as_key_set(self) -> Mapping[str, object]:
        """The public parts of the keys that tokens may be signed with now."""
        return _key_set(self.shown())

    def tend(self) -> None:
        """Make the next key when it is due, and remove those that no token can have any more."""
        now = self._clock.now()
        now_due = duties(self._keys, now, self._schedule)
        if now_due.is_new_one_due:
            made = self._make(self._folder / f"token-signing-{int(now.timestamp())}.pem")
            log.info("signing_key.made", key=made)
        for made_at in [key for key in self._keys if key not in now_due.shown and key < now_due.signing]:
            name, _, file = self._keys.pop(made_at)
            file.unlink(missing_ok=True)
            log.info("signing_key.removed", key=name)

    def _read_all(self) -> None:
        for file in sorted(self._folder.glob("token-signing*.pem")):
            later = _LATER.fullmatch(file.name)
            if later is None and file.name != _FIRST:
                continue
            seconds = int(later[1]) if later else int(file.stat().st_mtime)
            self._keep(datetime.fromtimestamp(seconds, UTC), file)

    def _make(self, file: Path) -> str:
        """A new key in `file`; its id."""
        open_signing_key(file)
        return self._keep(self._clock.now().replace(microsecond=0), file)

    def _keep(self, made_at: datetime, file: Path) -> str:
        while made_at in self._keys:
            made_at += timedelta(seconds=1)
        key = open_signing_key(file)
        self._keys[made_at] = (key_id(key), key, file)
        return key_id(key)


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


def key_id(key: ec.EllipticCurvePrivateKey) -> str:
    """The thumbprint of RFC 7638: the same key has the same id after every start."""
    jwk = _jwk(key.public_key())
    text = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def _key_set(keys: Mapping[str, ec.EllipticCurvePrivateKey]) -> Mapping[str, object]:
    shown = [_jwk(key.public_key()) | {"kid": name, "use": "sig", "alg": ALGORITHM} for name, key in keys.items()]
    return {"keys": shown}


def _not_a_key(file: Path) -> str:
    return f"{file} holds no ECDSA P-256 key: restore it, or remove it and every client gets new tokens by itself"


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _jwk(key: ec.EllipticCurvePublicKey) -> dict[str, Any]:  # Any: values of JSON
    return {name: value for name, value in ECAlgorithm.to_jwk(key, as_dict=True).items() if name != "key_ops"}
