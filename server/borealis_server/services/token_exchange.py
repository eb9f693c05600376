"""Machines that bring a token of another issuer, for example of their CI, and get one of ours for it (RFC 8693).

Owns which rule applies. That a token is genuine is the port's; what a rule asks for is `domain/login/trust.py`.
"""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from borealis_server.domain.login.refusals import GrantFault, GrantRefused
from borealis_server.domain.login.trust import is_met
from borealis_server.ports.identity import TokenClaims
from borealis_server.ports.issuers import IssuerRefused, IssuerUnavailable
from borealis_server.services.sessions import Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from borealis_server.ports.clock import Clock
    from borealis_server.ports.identity import TokenSigner
    from borealis_server.ports.issuers import Issuers, TrustRule
    from borealis_server.ports.randomness import Randomness

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

SUBJECT_TYPES: Final = frozenset(
    {
        "urn:ietf:params:oauth:token-type:jwt",
        "urn:ietf:params:oauth:token-type:id_token",
        "urn:ietf:params:oauth:token-type:access_token",
    }
)
"""Kinds of tokens that may be brought; all of them are read as JSON Web Tokens."""
ISSUED_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"

LIFETIME_S: Final = 3600
_TOKEN_ID_BYTES: Final = 12
_MAX_TOKEN: Final = 8192
_MAX_SUBJECT: Final = 255


class TokenExchange:
    """Exchanges tokens of issuers that are trusted."""

    def __init__(
        self,
        rules: Sequence[TrustRule],
        *,
        issuers: Issuers,
        signer: TokenSigner,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._rules = rules
        self._issuers = issuers
        self._signer = signer
        self._clock = clock
        self._randomness = randomness

    def rule(self, rule_id: str) -> TrustRule | None:
        """The rule of that id, while it is configured."""
        return next((rule for rule in self._rules if rule.id == rule_id), None)

    async def exchange(self, subject_token: str, subject_type: str, *, tenant: str = "") -> Tokens:
        """A token for whoever brings `subject_token`, by the first rule that it meets; in `tenant`, where one is named.

        Errors: GrantRefused, in the same words whichever rule it missed.
        """
        if subject_type not in SUBJECT_TYPES:
            raise GrantRefused(GrantFault.INVALID_REQUEST, "subject_token_type must be that of a JSON Web Token")
        if len(subject_token) > _MAX_TOKEN:
            raise _refused()
        issuer = self._issuers.issuer_of(subject_token)
        wanted = [rule for rule in self._rules if rule.issuer == issuer and tenant in ("", rule.tenant)]
        for audience in dict.fromkeys(rule.audience for rule in wanted):
            claims = await self._claims(issuer, audience, subject_token)
            met = [rule for rule in wanted if rule.audience == audience and is_met(rule.conditions, claims or {})]
            if claims is not None and met:
                return self._issue(met[0], claims)
        log.info("exchange.refused", issuer=issuer)
        raise _refused()

    async def _claims(self, issuer: str, audience: str, token: str) -> Mapping[str, object] | None:
        try:
            return await self._issuers.external_claims(issuer, audience, token)
        except IssuerRefused as error:
            log.info("exchange.token_refused", issuer=issuer, why=str(error))
            return None
        except IssuerUnavailable as error:
            log.warning("exchange.issuer_unavailable", issuer=issuer, why=str(error))
            raise GrantRefused(
                GrantFault.TEMPORARILY_UNAVAILABLE, "the keys of the issuer of subject_token cannot be had just now"
            ) from error

    def _issue(self, rule: TrustRule, claims: Mapping[str, object]) -> Tokens:
        issued_at = self._clock.now().replace(microsecond=0)
        # What goes into names and logs is printable and short; what the rule looked at was the claim as it came.
        external = re.sub(r"[^!-~]", "_", str(claims.get("sub", "")))[:_MAX_SUBJECT] or "_"
        token_id = base64.urlsafe_b64encode(self._randomness.token_bytes(_TOKEN_ID_BYTES)).decode().rstrip("=")
        ours = TokenClaims(
            tenant=rule.tenant,
            subject=f"external/{rule.id}/{external}",
            issued_at=issued_at,
            expires_at=issued_at + timedelta(seconds=LIFETIME_S),
            token_id=token_id,
        )
        log.info("exchange.granted", rule=rule.id, external=external)
        return Tokens(access_token=self._signer.sign(ours), expires_in_s=LIFETIME_S, scope=(), tenant=rule.tenant)


def _refused() -> GrantRefused:
    return GrantRefused(GrantFault.INVALID_GRANT, "subject_token meets no rule of trust in this installation")
