"""What an access token says about itself. The client reads it and trusts nothing in it: only servers judge tokens."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from borealis_client.errors import SettingsError

_PRINCIPAL_CLAIM: Final = "urn:borealis:principal"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token and what its holder may want to know."""

    text: str = field(repr=False)
    """The token itself."""
    expires_at: datetime
    """When it ends, in UTC."""
    issuer: str
    """Address of who issued it: the server's web door."""
    tenant: str = ""
    """Id of the tenant that it is good for."""
    tenant_name: str = ""
    """Name of that tenant, where the token says it; else its id."""
    person: str = ""
    """Name of the person that it acts for; empty for machines."""
    organization_name: str = ""
    """Name of their organization; empty for machines."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The token in `text`, unchecked. Errors: SettingsError when it is no JSON Web Token."""
        parts = text.split(".")
        try:
            payload = parts[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            about = claims.get(_PRINCIPAL_CLAIM) or {}
            tenant = str(claims.get("tenant", ""))
            return cls(
                text=text,
                expires_at=datetime.fromtimestamp(float(claims["exp"]), UTC),
                issuer=str(claims["iss"]),
                tenant=tenant,
                tenant_name=str(about.get("envName") or tenant),
                person=str(about.get("name", "")),
                organization_name=str(about.get("orgName", "")),
            )
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise SettingsError("the token is no JSON Web Token: get one with a client credential.") from error
