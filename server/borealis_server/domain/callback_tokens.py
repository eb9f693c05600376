"""Addresses and tokens of callbacks: made from a key that only the server has, so that none has to be kept.

A token is good for one run of one step. It stays the same for every try of the call, since whoever recognises a
repeated call by its key still holds the token of the first. Pure.
"""

import hmac
import re
from base64 import b32encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from borealis_server.domain.deployment import Deployment, DeploymentKey

PATH: Final = "/webhooks/"
TOKEN_PREFIX: Final = "bcb_"  # noqa: S105 - what tokens start with
_ADDRESS: Final = re.compile(
    r"/webhooks/([a-z0-9-]{1,63})/([a-z0-9]{1,63})/([1-9][0-9]{0,3})\.([a-z]+-[1-9][0-9]{0,3})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPlace:
    """Which step a callback is for."""

    deployment: DeploymentKey
    target: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackAddress:
    """A callback's address, taken apart. Targets are numbered, since their names may hold anything."""

    deployment: DeploymentKey
    target_number: int
    """From 1, in the order of the deploy file."""
    step: str

    def __str__(self) -> str:
        key = self.deployment
        return f"{PATH}{key.tenant}/{key.id}/{self.target_number}.{self.step}"

    @classmethod
    def parse(cls, path: str) -> "CallbackAddress | None":
        """The parts of a path, without `/callback` behind it; None when it is none."""
        found = _ADDRESS.fullmatch(path)
        if found is None:
            return None
        key = DeploymentKey(tenant=found[1], id=found[2])
        return cls(deployment=key, target_number=int(found[3]), step=found[4])

    def place(self, deployment: Deployment) -> CallbackPlace | None:
        """The step that it means; None when the deployment has no such target."""
        if self.target_number > len(deployment.targets):
            return None
        target = deployment.targets[self.target_number - 1].name
        return CallbackPlace(deployment=self.deployment, target=target, step=self.step)


def address_of(deployment: Deployment, place: CallbackPlace) -> CallbackAddress:
    """Where callbacks for a step are sent."""
    names = [run.name for run in deployment.targets]
    return CallbackAddress(deployment=place.deployment, target_number=names.index(place.target) + 1, step=place.step)


class CallbackTokens:
    """Makes tokens and recognises them. `key` has at least 32 random bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < sha256().digest_size:
            raise ValueError("the key of callbacks has fewer than 32 bytes")
        self._key = key

    def token(self, place: CallbackPlace) -> str:
        """The token of a step's run."""
        return TOKEN_PREFIX + b32encode(self._mac("token", place)).decode().rstrip("=").lower()

    def is_of(self, place: CallbackPlace, token: str) -> bool:
        """Whether the token is the step's, found out in the same time for every wrong one."""
        return hmac.compare_digest(self.token(place).encode(), token.encode())

    def call_key(self, place: CallbackPlace) -> str:
        """The Idempotency-Key of the step's call: the same for every try."""
        return self._mac("call", place).hex()[:32]

    def _mac(self, purpose: str, place: CallbackPlace) -> bytes:
        key = place.deployment
        # Lengths go with the parts: no two places give the same text.
        parts = [part.encode() for part in (purpose, key.tenant, key.id, place.target, place.step)]
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, text, "sha256")
