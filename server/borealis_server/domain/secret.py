"""Secrets of tenants: the record that is kept, which holds no value that anybody could read, and how one may look.

Owns names and limits. How values are encrypted is the business of the port `ports/secrets.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from borealis_server.domain.errors import InvalidArgument, Violation
from borealis_server.domain.names import ResourceName

if TYPE_CHECKING:
    from datetime import datetime

MAX_VALUE_BYTES: Final = 65_536
"""Largest value, in bytes of UTF-8: room for any key or certificate, while nobody keeps files here."""


class SecretName(ResourceName):
    """Name of a secret: `tenants/{tenant}/secrets/{secret}`. The identifier is the `x` of `{{secrets.x}}`."""

    __slots__ = ()
    collection = "secrets"
    id_pattern = r"[A-Za-z0-9_.-]{1,128}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A value that only the holder of a key can read: encrypted with a data key, which is encrypted with that key."""

    key_id: str
    """Identifies the key-encryption key."""
    wrapped_key: bytes
    """The data key, encrypted."""
    ciphertext: bytes
    """The value, encrypted with the data key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRecord:
    """A secret as it is kept."""

    name: SecretName
    sealed: Sealed
    created_at: datetime
    """When the name was set for the first time."""
    updated_at: datetime
    """When the value was set."""
    updated_by: str
    """Display name of who set the value."""


def checked_secret(tenant: str, name: str, value: str) -> SecretName:
    """The name of a secret that may be set. Errors: InvalidArgument with every fault; none of them shows the value."""
    size_bytes = len(value.encode("utf-8", "surrogatepass"))
    rules = (
        (SecretName.is_id(name), "secret_id", "must have 1 to 128 characters of `A-Z`, `a-z`, `0-9`, `-`, `_`, `.`"),
        (size_bytes > 0, "value", "must not be empty: to take a secret away, delete it"),
        (size_bytes <= MAX_VALUE_BYTES, "value", f"must have at most {MAX_VALUE_BYTES} bytes, has {size_bytes}"),
    )
    violations = tuple(Violation(field=field, description=text) for holds, field, text in rules if not holds)
    if violations:
        raise InvalidArgument(violations)
    return SecretName(tenant, name)
