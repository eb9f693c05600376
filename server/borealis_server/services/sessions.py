"""Sessions: programs that act for people, for as long as that is agreed. Their tokens, and how they end.

Owns refresh tokens and the whole family of them. How a session begins is `authorization.py`. Source: RFC 6749, 7009,
9700; OpenID Connect Core 1.0.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from borealis_server.domain.errors import Unauthenticated
from borealis_server.domain.login import flows
from borealis_server.domain.login.flows import RefreshPresented, Verdict
from borealis_server.domain.login.records import Session, hashed
from borealis_server.domain.login.refusals import GrantFault, GrantRefused
from borealis_server.ports.identity import TokenClaims

if TYPE_CHECKING:
    from borealis_server.domain.login.records import Approval
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.identity import TokenSigner
    from borealis_server.ports.login_store import LoginStore
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.people import People, Person

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

PRINCIPAL_CLAIM: Final = "urn:borealis:principal"
"""Claim of access tokens with what a person may want to know about them."""
PRINCIPAL_ALIAS: Final = "https://cloud.armory.io/principal"
"""The same under the name that tools of the reference platform look for."""

ENDED_ARE_KEPT: Final = timedelta(days=1)
"""How long what is over stays in the store, so that a second use is seen as one."""

_REFRESH: Final = "brt"
_SECRET_BYTES: Final = 32
_FAMILY_BYTES: Final = 16
_TOKEN_ID_BYTES: Final = 12
_MAX_TOKEN: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTerms:
    """How long programs may act for people."""

    access_s: int
    """Life of an access token, in seconds."""
    refresh: timedelta
    """How long a session goes on unused."""
    federated: timedelta
    """How long a session lasts at most whose person an identity provider vouched for: only that one sees them leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a program gets."""

    access_token: str = field(repr=False)
    expires_in_s: int
    scope: tuple[str, ...]
    tenant: str
    refresh_token: str = field(default="", repr=False)
    """Empty unless `offline_access` was agreed to."""
    id_token: str = field(default="", repr=False)
    """Empty unless `openid` was."""


class Sessions:
    """Begins, continues and ends sessions."""

    def __init__(
        self,
        *,
        store: LoginStore,
        people: People,
        signer: TokenSigner,
        terms: SessionTerms,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._store = store
        self._people = people
        self._signer = signer
        self._terms = terms
        self._clock = clock
        self._randomness = randomness

    async def begin(
        self, session_id: str, client_id: str, scope: tuple[str, ...], approval: Approval, *, nonce: str = ""
    ) -> Tokens:
        """The tokens of a session that begins now. Errors: GrantRefused."""
        now = self._clock.now()
        family, rotating = self._random_text(_FAMILY_BYTES), self._random_text(_SECRET_BYTES)
        latest_end = now + self._terms.federated if approval.provider else None
        is_long = "offline_access" in scope
        lasts = self._terms.refresh if is_long else timedelta(seconds=self._terms.access_s)
        session = Session(
            key=session_id,
            user_id=approval.user_id,
            expires_at=min(now + lasts, latest_end or now + lasts),
            client_id=client_id,
            tenant=approval.tenant,
            scope=scope,
            family_hash=hashed(family),
            current_hash=hashed(rotating) if is_long else "",
            began_at=now,
            used_at=now,
            authenticated_at=approval.authenticated_at,
            latest_end=latest_end,
            group_roles=approval.group_roles,
            provider=approval.provider,
        )
        person = await self._active(session)
        # A replay may have ended the session before it began: then its place is taken.
        if person is None or not await self._store.add(session):
            raise GrantRefused(GrantFault.INVALID_GRANT, "the person may not log in any more")
        log.info("session.began", session=session_id, user=approval.user_id, client=client_id)
        return await self._tokens(
            session, person, scope, f"{_REFRESH}.{session_id}.{family}.{rotating}" if is_long else "", nonce
        )

    async def refresh(self, client_id: str, refresh_token: str, *, scope: tuple[str, ...], tenant: str) -> Tokens:
        """New tokens, in another tenant if one is named. A token that comes twice ends its family.

        Errors: GrantRefused.
        """
        session_id, family, rotating = _parts(refresh_token)
        kept = await self._store.get(Session, session_id)
        person = await self._active(kept) if kept is not None else None
        if kept is None or person is None:
            raise _bad_refresh()
        if not hmac.compare_digest(kept.family_hash, hashed(family)):
            raise _bad_refresh()
        chosen = await self._tenant(kept, tenant) if tenant else ""
        if not set(scope) <= set(kept.scope):
            raise GrantRefused(GrantFault.INVALID_SCOPE, "more is asked for than was agreed to")
        next_rotating = self._random_text(_SECRET_BYTES)
        presented = RefreshPresented(
            client_id=client_id,
            family=family,
            rotating=rotating,
            next_hash=hashed(next_rotating),
            tenant=chosen,
            lifetime=self._terms.refresh,
            at=self._clock.now(),
        )

        def rotate(session: Session) -> tuple[Session, tuple[Session, Verdict]]:
            after, verdict = flows.refresh(session, presented)
            return after, (after, verdict)

        found = await self._store.change(Session, session_id, rotate)
        session, verdict = found or (kept, Verdict.INVALID)
        if verdict is not Verdict.GRANTED:
            if verdict is Verdict.REPLAYED:
                log.warning("session.token_reused", session=session.key, user=session.user_id)
            raise _bad_refresh()
        given = scope or session.scope
        return await self._tokens(session, person, given, f"{_REFRESH}.{session.key}.{family}.{next_rotating}")

    async def revoke(self, client_id: str, token: str) -> None:
        """End the session of a refresh or access token (RFC 7009); a token of somebody else's ends nothing."""
        session_id, family, _ = _parts(token)
        if family:
            await self._store.change(Session, session_id, lambda kept: flows.revoke(kept, family, client_id))
            return
        try:
            claims = self._signer.read(token)
        except Unauthenticated:
            return
        if claims.session_id and claims.client_id == client_id:
            await self.end(claims.session_id, "its program logged out")

    async def end(self, session_id: str, why: str) -> None:
        """End a session for good."""
        await self._store.change(Session, session_id, lambda kept: (flows.ended(kept, why), None))

    async def end_all(self, user_id: str, why: str) -> None:
        """End every session of a person."""
        for session in await self._store.of_user(Session, user_id):
            await self.end(session.key, why)

    async def end_before_it_begins(self, session_id: str, why: str) -> None:
        """End a session, also one that is only about to begin: then its place is taken, so that it cannot."""
        now = self._clock.now()
        log.warning("session.grant_reused", session=session_id)
        tombstone = Session(
            key=session_id,
            expires_at=now + ENDED_ARE_KEPT,
            client_id="",
            tenant="",
            scope=(),
            family_hash="",
            current_hash="",
            began_at=now,
            used_at=now,
            authenticated_at=now,
            ended_why=why,
        )
        if not await self._store.add(tombstone):
            await self.end(session_id, why)

    async def of_user(self, user_id: str) -> tuple[Session, ...]:
        """The sessions of a person that go on, newest first."""
        now = self._clock.now()
        found = [one for one in await self._store.of_user(Session, user_id) if flows.is_live(one, now)]
        return tuple(sorted(found, key=lambda one: one.used_at, reverse=True))

    async def _tokens(
        self, session: Session, person: Person, scope: tuple[str, ...], refresh_token: str, nonce: str = ""
    ) -> Tokens:
        issued_at = self._clock.now().replace(microsecond=0)
        claims = TokenClaims(
            tenant=session.tenant,
            subject=f"users/{session.user_id}",
            issued_at=issued_at,
            expires_at=issued_at + timedelta(seconds=self._terms.access_s),
            token_id=self._random_text(_TOKEN_ID_BYTES),
            client_id=session.client_id,
            session_id=session.key,
        )
        roles = await self._people.role_names(session.user_id, session.group_roles)
        choices = await self._people.tenants(session.user_id, session.group_roles)
        names = {choice.id: choice.name for choice in choices}
        about = {
            "type": "user",
            "orgId": person.organization,
            "orgName": person.organization_name,
            "envId": session.tenant,
            "envName": names.get(session.tenant, session.tenant),
            "name": person.display_name,
            "roles": list(roles),
        }
        return Tokens(
            access_token=self._signer.sign(
                claims, {PRINCIPAL_CLAIM: about, PRINCIPAL_ALIAS: about, "scope": " ".join(scope)}
            ),
            expires_in_s=self._terms.access_s,
            scope=scope,
            tenant=session.tenant,
            refresh_token=refresh_token,
            id_token=self._id_token(claims, session, person, scope, nonce) if "openid" in scope else "",
        )

    def _id_token(
        self, claims: TokenClaims, session: Session, person: Person, scope: tuple[str, ...], nonce: str
    ) -> str:
        said: dict[str, object] = {
            "sub": claims.subject,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
            "auth_time": int(session.authenticated_at.timestamp()),
            "sid": session.key,
            **about_person(person, scope),
        }
        if nonce:
            said["nonce"] = nonce
        return self._signer.sign_identity(said, audience=session.client_id)

    async def _active(self, session: Session) -> Person | None:
        person = await self._people.person(session.user_id)
        return person if person is not None and person.is_active else None

    async def _tenant(self, session: Session, wanted: str) -> str:
        """Id of the tenant of that id or name, in whatever capitals.

        Errors: GrantRefused, which names those that there are.
        """
        choices = await self._people.tenants(session.user_id, session.group_roles)
        for choice in choices:
            if wanted == choice.id or wanted.casefold() == choice.name.casefold():
                return choice.id
        known = ", ".join(choice.name for choice in choices) or "none"
        raise GrantRefused(GrantFault.INVALID_TARGET, _ascii(f"there is no tenant {wanted[:64]} for you, but {known}"))

    def _random_text(self, count: int) -> str:
        return base64.urlsafe_b64encode(self._randomness.token_bytes(count)).decode().rstrip("=")


def about_person(person: Person, scope: tuple[str, ...]) -> dict[str, object]:
    """The claims of OpenID Connect that `scope` allows."""
    claims: dict[str, object] = {}
    if "profile" in scope:
        claims |= {"name": person.display_name, "preferred_username": person.email}
    if "email" in scope:
        claims |= {"email": person.email, "email_verified": False}
    return claims


def _parts(token: str) -> tuple[str, str, str]:
    """Session, family and rotating part of a refresh token; empty parts when it is none."""
    kind, *parts = token.split(".") if len(token) <= _MAX_TOKEN else [""]
    session, family, rotating = parts if kind == _REFRESH and len(parts) == 3 else ("", "", "")  # noqa: PLR2004 - its parts
    return session, family, rotating


def _ascii(text: str) -> str:
    """What RFC 6749 allows in a description."""
    return re.sub(r"[^ !#-\[\]-~]", "?", text)


def _bad_refresh() -> GrantRefused:
    return GrantRefused(
        GrantFault.INVALID_GRANT, "the refresh token is unknown, used, expired or revoked; log in again"
    )
