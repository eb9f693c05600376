"""Resource names: parse, format, and the identifiers inside them.

Owns the grammar `tenants/{tenant}/<collection>/{id}`. Knows nothing of what the names stand for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from borealis_server.domain.errors import InvalidArgument

MAIN_TENANT = "main"
"""The tenant that every installation has."""

HOME_ORGANIZATION = "home"
"""Id of the organization that every installation has, whose owner is the installation's; its tenants' ids are names."""

RANDOM_ID_BYTES = 8
"""Random bytes that `random_id` wants."""

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without l, o, 0 and 1, which people mistake for each other; 32 letters, so a letter is 5 bits."""
_ID_LETTERS = 12
_BITS_PER_LETTER = 5
_ID_BITS = 4 + _BITS_PER_LETTER * (_ID_LETTERS - 1)

_TENANT = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SIMPLE = r"[A-Za-z0-9_-]{1,63}"


def random_id(entropy: bytes) -> str:
    """An identifier of 12 lower-case letters and digits made of 8 random bytes; it starts with a letter."""
    if len(entropy) != RANDOM_ID_BYTES:
        raise ValueError(f"{RANDOM_ID_BYTES} random bytes are needed, got {len(entropy)}")
    number = int.from_bytes(entropy, "big")
    first = _ALPHABET[number & 15]  # the first 16 are letters
    rest = (_ALPHABET[(number >> shift) & 31] for shift in range(4, _ID_BITS, _BITS_PER_LETTER))
    return first + "".join(rest)


@dataclass(frozen=True, slots=True, order=True)
class ResourceName:
    """A resource of a tenant: `tenants/{tenant}/<collection>/{id}`."""

    tenant: str
    """Tenant that owns the resource."""
    id: str
    """Identifier in the collection."""

    collection: ClassVar[str]
    """Word between tenant and identifier, in the plural."""
    id_pattern: ClassVar[str] = _SIMPLE
    """What an identifier may look like."""

    def __str__(self) -> str:
        return f"tenants/{self.tenant}/{self.collection}/{self.id}"

    @classmethod
    def parse(cls, text: str, *, field: str = "name") -> Self:
        """The name in `text`.

        Errors: InvalidArgument for `field` when the text is no such name.
        """
        match = re.fullmatch(rf"tenants/({_TENANT})/{cls.collection}/({cls.id_pattern})", text)
        if match is None:
            form = f"tenants/{{tenant}}/{cls.collection}/{{id}}"
            raise InvalidArgument.of(field, f"must have the form `{form}`, got {_shortened(text)!r}")
        return cls(match[1], match[2])

    @classmethod
    def is_id(cls, text: str) -> bool:
        """Whether `text` can be an identifier in this collection."""
        return re.fullmatch(cls.id_pattern, text) is not None


class DeploymentName(ResourceName):
    """Name of a deployment: `tenants/{tenant}/deployments/{deployment}`."""

    __slots__ = ()
    collection = "deployments"
    id_pattern = r"[a-z0-9]{1,63}"


class AgentName(ResourceName):
    """Name of an agent: `tenants/{tenant}/agents/{agent}`. The identifier is the `account` of deploy files."""

    __slots__ = ()
    collection = "agents"


class CredentialName(ResourceName):
    """Name of a client credential: `tenants/{tenant}/clientCredentials/{client_id}`."""

    __slots__ = ()
    collection = "clientCredentials"


def _shortened(text: str) -> str:
    limit = 120
    return text if len(text) <= limit else f"{text[:limit]}…"
