"""People who log in with an identity provider of their organization.

Owns the trip of a browser there and back, and who a stranger becomes. The provider's groups give the roles of the same
name, for as long as the login lasts; they are not kept with the person.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from borealis_server.domain.errors import BorealisError
from borealis_server.domain.login.records import ProviderLink, ProviderTrip, hashed
from borealis_server.domain.login.refusals import LoginExpired, LoginRefused
from borealis_server.ports.issuers import IssuerRefused, IssuerUnavailable, Trip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from borealis_server.ports.clock import Clock
    from borealis_server.ports.issuers import IdentityProvider, Issuers
    from borealis_server.ports.login_store import LoginStore
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.browser_logins import Begun, BrowserLogins
    from borealis_server.services.people import People, Person

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

TRIP_LIFETIME: Final = timedelta(minutes=15)

_SECRET_BYTES: Final = 32
_MAX_GROUPS: Final = 200
_MAX_NAME: Final = 200


class Federation:
    """Logs people in by providers that are configured."""

    def __init__(
        self,
        providers: Sequence[IdentityProvider],
        *,
        issuers: Issuers,
        store: LoginStore,
        people: People,
        logins: BrowserLogins,
        callback: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._providers = {provider.id: provider for provider in providers}
        self._issuers = issuers
        self._store = store
        self._people = people
        self._logins = logins
        self._callback = callback
        self._clock = clock
        self._randomness = randomness

    @property
    def providers(self) -> tuple[IdentityProvider, ...]:
        """Those that one can log in with, as they were configured."""
        return tuple(self._providers.values())

    async def depart(self, provider_id: str, browser: str, next_path: str) -> str:
        """Where to send the browser that shows `browser`. Errors: LoginRefused."""
        provider = self._provider(provider_id)
        trip = self._trip(self._random_text(), self._random_text(), self._random_text())
        record = ProviderTrip(
            key=hashed(trip.state),
            expires_at=self._clock.now() + TRIP_LIFETIME,
            provider=provider.id,
            nonce=trip.nonce,
            verifier=trip.verifier,
            browser_hash=hashed(browser),
            next_path=next_path,
        )
        await self._store.add(record)
        try:
            return await self._issuers.address(provider, trip)
        except IssuerUnavailable as error:
            raise _away(provider, error) from error

    async def arrive(self, browser: str, *, state: str, code: str, issuer: str, address: str) -> Begun:
        """The login of a browser that came back. Errors: LoginRefused."""
        record = await self._store.get(ProviderTrip, hashed(state))
        # Whoever takes it away first has it: a state counts once.
        is_ours = record is not None and await self._store.remove(ProviderTrip, record.key)
        if record is None or not is_ours or record.is_over(self._clock.now()) or record.browser_hash != hashed(browser):
            raise LoginExpired
        provider = self._provider(record.provider)
        if not code:
            raise LoginRefused(f"{provider.name} refused to log you in. Please try again, or ask your administrators.")
        trip = self._trip(state, record.nonce, record.verifier)
        try:
            claims = await self._issuers.claims(provider, trip, code, issuer)
        except IssuerRefused as error:
            log.warning("federation.refused", provider=provider.id, why=str(error))
            raise LoginRefused(f"{provider.name} did not confirm who you are. Please try again.") from error
        except IssuerUnavailable as error:
            raise _away(provider, error) from error
        person = await self._person(provider, claims)
        if not person.is_active:
            raise LoginRefused("Your account was deactivated. Your administrators can tell you more.")
        return await self._logins.complete(
            person,
            next_path=record.next_path,
            address=address,
            group_roles=_groups(claims.get(provider.groups_claim)),
            provider=provider.id,
        )

    async def _person(self, provider: IdentityProvider, claims: Mapping[str, object]) -> Person:
        """Who the provider vouches for: known by its own identifier, which unlike an address never changes hands."""
        subject = str(claims["sub"])
        key = hashed(f"{provider.id}/{subject}")
        link = await self._store.get(ProviderLink, key)
        linked = await self._people.person(link.user_id) if link is not None else None
        if linked is not None:
            return linked
        email, name = claims.get("email"), claims.get("name")
        is_verified = claims.get("email_verified") is True or provider.is_email_trusted
        if not isinstance(email, str) or not email or not is_verified:
            raise LoginRefused(
                f"{provider.name} does not say that your e-mail address is yours. Your administrators can change that "
                "there, or in the settings of the provider here."
            )
        person = await self._people.person_of(email)
        if person is None:
            shown = name if isinstance(name, str) and name else email.partition("@")[0]
            try:
                person = await self._people.join(provider.organization, email=email, display_name=shown[:_MAX_NAME])
            except BorealisError as error:
                raise LoginRefused(f"You cannot join by {provider.name}: {error.message}") from error
        if person.organization != provider.organization:
            log.warning("federation.foreign_person", provider=provider.id, user=person.id)
            raise LoginRefused("An account with your e-mail address belongs to another organization.")
        await self._store.add(ProviderLink(key=key, user_id=person.id, provider=provider.id))
        return person

    def _provider(self, provider_id: str) -> IdentityProvider:
        provider = self._providers.get(provider_id)
        if provider is None:
            raise LoginRefused("There is no such way to log in here.")
        return provider

    def _trip(self, state: str, nonce: str, verifier: str) -> Trip:
        return Trip(state=state, nonce=nonce, verifier=verifier, redirect_uri=self._callback)

    def _random_text(self) -> str:
        return base64.urlsafe_b64encode(self._randomness.token_bytes(_SECRET_BYTES)).decode().rstrip("=")


def _groups(claim: object) -> tuple[str, ...]:
    texts = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return tuple(sorted({one for one in texts[:_MAX_GROUPS] if isinstance(one, str)}))


def _away(provider: IdentityProvider, error: Exception) -> LoginRefused:
    log.warning("federation.unavailable", provider=provider.id, why=str(error))
    return LoginRefused(f"{provider.name} does not answer just now. Please try again in a moment.")
