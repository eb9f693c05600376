"""How people let programs act for them: codes that go through a browser, and codes that a person types.

Owns the two ways to agree. What follows is `sessions.py`; who the people are, `browser_logins.py`; how requests look is
the web door's. Source: RFC 6749, 7636, 8628, 9700.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from borealis_server.domain.login import flows
from borealis_server.domain.login.flows import CodePresented, Verdict
from borealis_server.domain.login.records import (
    Approval,
    AuthorizationCode,
    DeviceGrant,
    UserCode,
    hashed,
)
from borealis_server.domain.login.refusals import GrantFault, GrantRefused
from borealis_server.services.sessions import ENDED_ARE_KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_server.domain.login.clients import OAuthClient
    from borealis_server.domain.login.records import BrowserLogin
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.login_store import LoginStore
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.people import People, TenantChoice
    from borealis_server.services.sessions import Sessions, Tokens

CODE_LIFETIME: Final = timedelta(seconds=60)
DEVICE_LIFETIME: Final = timedelta(minutes=15)
POLL_S: Final = 5

_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""Of user codes (RFC 8628, section 6.1): no vowels, so no words; nothing that looks like a digit."""
_USER_CODE: Final = 8
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 16
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_MAX_NONCE: Final = 512
_FORGET_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceBegun:
    """What a program without a browser shows its person."""

    device_code: str = field(repr=False)
    user_code: str
    expires_in_s: int
    interval_s: int


class Authorization:
    """Gives programs what people agreed to."""

    def __init__(
        self,
        *,
        store: LoginStore,
        people: People,
        sessions: Sessions,
        clients: Mapping[str, OAuthClient],
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._store = store
        self._people = people
        self._sessions = sessions
        self._clients = clients
        self._clock = clock
        self._randomness = randomness

    def client(self, client_id: str) -> OAuthClient:
        """The program of that id. Errors: GrantRefused."""
        client = self._clients.get(client_id)
        if client is None:
            raise GrantRefused(GrantFault.INVALID_CLIENT, "there is no public client of that client_id")
        return client

    async def choices(self, login: BrowserLogin) -> tuple[TenantChoice, ...]:
        """The tenants in which a program may act for this person."""
        return await self._people.tenants(login.user_id, login.group_roles)

    async def approval(self, login: BrowserLogin, tenant: str) -> Approval:
        """What this person agrees to. Errors: GrantRefused when the tenant is none of theirs."""
        if tenant not in [choice.id for choice in await self.choices(login)]:
            raise GrantRefused(GrantFault.ACCESS_DENIED, "that tenant is none of yours")
        return Approval(
            user_id=login.user_id,
            tenant=tenant,
            authenticated_at=login.authenticated_at,
            group_roles=login.group_roles,
            provider=login.provider,
        )

    async def grant_code(
        self,
        client: OAuthClient,
        approval: Approval,
        *,
        redirect_uri: str,
        challenge: str,
        scope: tuple[str, ...],
        nonce: str,
    ) -> str:
        """A code that the program redeems within a minute."""
        code = self._random_text(_SECRET_BYTES)
        record = AuthorizationCode(
            key=hashed(code),
            user_id=approval.user_id,
            expires_at=self._clock.now() + CODE_LIFETIME,
            client_id=client.client_id,
            redirect_uri=redirect_uri,
            challenge=challenge,
            scope=scope,
            nonce=nonce[:_MAX_NONCE],
            approval=approval,
            session_id=self._random_text(_ID_BYTES),
        )
        await self._tidy()
        await self._store.add(record)
        return code

    async def redeem_code(self, client_id: str, code: str, *, redirect_uri: str, verifier: str) -> Tokens:
        """What the code is good for. A code that comes twice ends what it began. Errors: GrantRefused."""
        self.client(client_id)
        if not _VERIFIER.fullmatch(verifier):
            raise GrantRefused(GrantFault.INVALID_GRANT, "code_verifier is missing or malformed (RFC 7636)")
        presented = CodePresented(
            client_id=client_id, redirect_uri=redirect_uri, verifier=verifier, at=self._clock.now()
        )

        def redeem(record: AuthorizationCode) -> tuple[AuthorizationCode, tuple[AuthorizationCode, Verdict]]:
            after, verdict = flows.redeem_code(record, presented)
            return after, (after, verdict)

        found = await self._store.change(AuthorizationCode, hashed(code), redeem)
        record, verdict = found or (None, Verdict.INVALID)
        if record is not None and verdict is Verdict.REPLAYED:
            await self._sessions.end_before_it_begins(record.session_id, "its authorization code was used twice")
        if record is None or verdict is not Verdict.GRANTED:
            raise GrantRefused(
                GrantFault.INVALID_GRANT, "the code is unknown, used, expired, or was made for another request"
            )
        return await self._sessions.begin(
            record.session_id, client_id, record.scope, record.approval, nonce=record.nonce
        )

    async def begin_device(self, client_id: str, scope: tuple[str, ...], address: str) -> DeviceBegun:
        """Codes for a program and its person. Errors: GrantRefused."""
        if not self.client(client_id).may_use_devices:
            raise GrantRefused(GrantFault.UNAUTHORIZED_CLIENT, "this client cannot log in by device code")
        await self._tidy()
        device_code, now = self._random_text(_SECRET_BYTES), self._clock.now()
        grant = DeviceGrant(
            key=hashed(device_code),
            expires_at=now + DEVICE_LIFETIME,
            client_id=client_id,
            scope=scope,
            asked_at=now,
            address=address,
            interval_s=POLL_S,
            session_id=self._random_text(_ID_BYTES),
        )
        user_code = await self._new_user_code(grant)
        await self._store.add(grant)
        return DeviceBegun(
            device_code=device_code,
            user_code=f"{user_code[:4]}-{user_code[4:]}",
            expires_in_s=int(DEVICE_LIFETIME.total_seconds()),
            interval_s=POLL_S,
        )

    async def device_of(self, user_code: str) -> DeviceGrant | None:
        """The request behind a code that a person typed, while it waits for them."""
        known = await self._store.get(UserCode, _typed(user_code))
        grant = await self._store.get(DeviceGrant, known.device_key) if known else None
        is_waiting = grant is not None and not grant.is_over(self._clock.now()) and grant.approval is None
        return grant if is_waiting else None

    async def answer_device(self, user_code: str, approval: Approval | None) -> Verdict:
        """A person agrees, or refuses with None."""
        known = await self._store.get(UserCode, _typed(user_code))
        if known is None:
            return Verdict.INVALID
        now = self._clock.now()
        verdict = await self._store.change(
            DeviceGrant, known.device_key, lambda grant: flows.answer_device(grant, approval, now)
        )
        await self._store.remove(UserCode, known.key)
        return verdict or Verdict.INVALID

    async def redeem_device(self, client_id: str, device_code: str) -> Tokens:
        """What a person agreed to, once they have. Errors: GrantRefused, also while they have not."""
        self.client(client_id)
        now = self._clock.now()

        def poll(grant: DeviceGrant) -> tuple[DeviceGrant, tuple[DeviceGrant, Verdict]]:
            after, verdict = flows.poll_device(grant, client_id, now)
            return after, (after, verdict)

        found = await self._store.change(DeviceGrant, hashed(device_code), poll)
        grant, verdict = found or (None, Verdict.INVALID)
        if grant is None or verdict is not Verdict.GRANTED or grant.approval is None:
            if grant is not None and verdict is Verdict.REPLAYED:
                await self._sessions.end_before_it_begins(grant.session_id, "its device code was used twice")
            raise _refused_poll(verdict)
        return await self._sessions.begin(grant.session_id, client_id, grant.scope, grant.approval)

    async def _new_user_code(self, grant: DeviceGrant) -> str:
        while True:
            drawn = self._randomness.token_bytes(_USER_CODE * 4)
            numbers = (int.from_bytes(drawn[at : at + 4], "big") for at in range(0, len(drawn), 4))
            code = "".join(_LETTERS[number % len(_LETTERS)] for number in numbers)
            if await self._store.add(UserCode(key=code, expires_at=grant.expires_at, device_key=grant.key)):
                return code

    async def _tidy(self) -> None:
        await self._store.forget(self._clock.now() - ENDED_ARE_KEPT, limit=_FORGET_AT_ONCE)

    def _random_text(self, count: int) -> str:
        return base64.urlsafe_b64encode(self._randomness.token_bytes(count)).decode().rstrip("=")


def _typed(user_code: str) -> str:
    return "".join(letter for letter in user_code.upper() if letter in _LETTERS)[: _USER_CODE + 1]


def _refused_poll(verdict: Verdict) -> GrantRefused:
    faults = {
        Verdict.PENDING: (GrantFault.AUTHORIZATION_PENDING, "nobody has answered yet"),
        Verdict.TOO_FAST: (GrantFault.SLOW_DOWN, f"ask {flows.SLOWER_S} seconds less often from now on"),
        Verdict.DENIED: (GrantFault.ACCESS_DENIED, "the person refused"),
        Verdict.EXPIRED: (GrantFault.EXPIRED_TOKEN, "nobody answered in time; begin again"),
    }
    fault, text = faults.get(
        verdict, (GrantFault.INVALID_GRANT, "the device code is unknown, used, or another client's")
    )
    return GrantRefused(fault, text)
