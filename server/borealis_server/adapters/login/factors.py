"""Codes of authenticator apps."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

import pyotp

if TYPE_CHECKING:
    from datetime import datetime

_STEP_S: Final = 30
_NEIGHBOURS: Final = (0, -1, 1)


class TotpFactors:
    """Implements `ports.login.SecondFactors`."""

    def __init__(self, issuer_name: str) -> None:
        self._issuer_name = issuer_name

    def address(self, secret: str, *, account: str) -> str:
        """What an authenticator app reads from a QR code."""
        return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=self._issuer_name)

    def step_of(self, secret: str, code: str, now: datetime) -> int | None:
        """The time step whose code this is; None when it is of none near."""
        present = int(now.timestamp()) // _STEP_S
        codes = pyotp.TOTP(secret)
        found = None
        for step in (present + offset for offset in _NEIGHBOURS):  # all of them, so that the time tells nothing
            if hmac.compare_digest(codes.generate_otp(step).encode(), code.encode("utf-8", "replace")):
                found = step
        return found
