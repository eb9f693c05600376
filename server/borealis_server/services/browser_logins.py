"""People who log in with a browser: password, second factor, sign-up, invitations, and the browser's session.

Owns the order of the steps and the limits on tries. Knows nothing of pages and cookies, but that there are secrets of
browsers. Nothing here says whether an address is known: every refusal reads the same and takes about as long.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from borealis_server.domain.login.passwords import fault_of
from borealis_server.domain.login.records import Account, BrowserLogin, Standing, hashed
from borealis_server.domain.login.refusals import LoginDelayed, LoginExpired, LoginRefused
from borealis_server.domain.login.throttle import FailureDelays, RateLimit, address_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import TypeAlias

    from borealis_server.ports.clock import Clock
    from borealis_server.ports.login import Passwords, Sealer, SecondFactors
    from borealis_server.ports.login_store import LoginStore
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.people import Invited, People, Person, SignUp

    _MakesLogin: TypeAlias = Callable[[str], BrowserLogin]

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

STEP_LIFETIME: Final = timedelta(minutes=15)
"""How long a person may take between the steps of a login."""
BROWSER_LIFETIME: Final = timedelta(hours=12)
"""How long a browser stays logged in."""

_WRONG: Final = "The address and the password do not belong together."
_WRONG_CODE: Final = "That code is not right. Wait for the next one and try again."
_SECRET_BYTES: Final = 32
_FACTOR_BYTES: Final = 20
_MAX_CODES: Final = 5
_FORGET_AT_ONCE: Final = 100
_MAX_EMAIL: Final = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a try comes from."""

    address: str
    """The machine's."""
    device: str = ""
    """What a browser shows that somebody logged in with before; empty when it shows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A login that has come one step further."""

    secret: str
    """What the browser shows from now on; the one before counts no more."""
    login: BrowserLogin
    device: str = ""
    """What this browser may show later to be known as this person's; empty unless the login is complete."""


class BrowserLogins:
    """Logs people in."""

    def __init__(
        self,
        *,
        store: LoginStore,
        people: People,
        passwords: Passwords,
        factors: SecondFactors,
        sealer: Sealer,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._store = store
        self._people = people
        self._passwords = passwords
        self._factors = factors
        self._sealer = sealer
        self._clock = clock
        self._randomness = randomness
        # A pair of account and place waits after wrong passwords; strange places together have a budget for an account.
        # Whoever has logged in from a browser before is counted by that browser alone: nobody can lock them out.
        self._delays = FailureDelays(free=5, first_s=2, limit_s=900)
        self._strangers = RateLimit(burst=60, per_minute=2)

    async def with_password(self, email: str, password: str, origin: Origin, *, next_path: str = "/") -> Begun:
        """The first step. Errors: LoginRefused, LoginDelayed."""
        now, email = self._clock.now(), email.strip().lower()[:_MAX_EMAIL]
        is_known = self._is_known(origin.device, email)
        place = f"{email}|{hashed(origin.device) if is_known else address_key(origin.address)}"
        wait_s = self._delays.wait_s(place, now)
        if not wait_s and not is_known:
            wait_s = self._strangers.take(email, now)
        if wait_s:
            log.warning("login.delayed", address=origin.address)
            raise LoginDelayed(wait_s)
        person = await self._people.person_of(email)
        account = await self._store.get(Account, person.id) if person else None
        is_right = await self._passwords.is_right(account.password_hash if account else "", password)
        if person is None or account is None or not is_right or not person.is_active:
            self._delays.failed(place, now)
            log.info("login.failed", address=origin.address)
            raise LoginRefused(_WRONG)
        self._delays.succeeded(place)
        if self._passwords.is_outdated(account.password_hash):
            newer = await self._passwords.hash(password)
            await self._store.change(Account, person.id, lambda kept: (replace(kept, password_hash=newer), None))
        return await self._second_step(person.id, account, next_path)

    async def with_code(self, secret: str, code: str, origin: Origin) -> Begun:
        """The second step: the code of the authenticator app, also the first one after it was set up.

        Errors: LoginRefused, LoginDelayed; LoginExpired when the first step is to be taken again.
        """
        login = await self._live(secret)
        if login is None or login.standing is not Standing.PASSWORD_GIVEN or login.tries >= _MAX_CODES:
            raise LoginExpired
        now = self._clock.now()
        person = await self._people.person(login.user_id)
        email = person.email if person else ""
        device = hashed(origin.device) if self._is_known(origin.device, email) else address_key(origin.address)
        place = f"code|{login.user_id}|{device}"
        if wait_s := self._delays.wait_s(place, now):
            raise LoginDelayed(wait_s)
        account = await self._store.get(Account, login.user_id)
        if person is None or account is None or not person.is_active:
            raise LoginExpired
        if not await self._use_code(login, account, code.replace(" ", ""), now):
            self._delays.failed(place, now)
            await self._store.change(BrowserLogin, login.key, lambda kept: (replace(kept, tries=kept.tries + 1), None))
            log.info("login.code_failed", user=login.user_id, address=origin.address)
            raise LoginRefused(_WRONG_CODE)
        self._delays.succeeded(place)
        await self._store.remove(BrowserLogin, login.key)
        return await self.complete(person, next_path=login.next_path, address=origin.address)

    async def complete(
        self,
        person: Person,
        *,
        next_path: str,
        address: str,
        group_roles: tuple[str, ...] = (),
        provider: str = "",
    ) -> Begun:
        """A browser in which this person is logged in."""
        now = self._clock.now()
        log.info("login.succeeded", user=person.id, address=address, provider=provider)
        begun = await self._keep(
            lambda key: BrowserLogin(
                key=key,
                user_id=person.id,
                expires_at=now + BROWSER_LIFETIME,
                standing=Standing.LOGGED_IN,
                authenticated_at=now,
                group_roles=group_roles,
                provider=provider,
                next_path=next_path,
            )
        )
        device = self._sealer.seal(f"{person.email}\n{self._random_text(16)}", "device") if not provider else ""
        return replace(begun, device=device)

    async def sign_up(self, wish: SignUp, password: str, *, next_path: str = "/") -> Begun:
        """A new organization and its founder, who sets up a second factor next.

        Errors: LoginRefused for a weak password; UserExists, InvalidArgument.
        """
        _check(password, wish.email, wish.display_name)
        kept = await self._passwords.hash(password)
        person = await self._people.sign_up(wish)
        log.info("login.signed_up", user=person.id)
        return await self._new_account(person, kept, next_path)

    async def invitation(self, token: str) -> Invited | None:
        """Who an invitation is for, while it can be accepted."""
        return await self._people.invitation(token)

    async def accept(self, token: str, password: str) -> Begun:
        """The person who was invited, who sets up a second factor next.

        Errors: LoginRefused; InvitationNotFound, InvitationExpired, UserExists.
        """
        invited = await self._people.invitation(token)
        if invited is None:
            raise LoginRefused("This invitation is not good any more. Please ask for a new one.")
        _check(password, invited.email, invited.display_name)
        kept = await self._passwords.hash(password)
        person = await self._people.accept(token)
        log.info("login.invitation_accepted", user=person.id)
        return await self._new_account(person, kept, "/")

    async def browser(self, secret: str) -> BrowserLogin | None:
        """The login of a browser, however far it has come; None when there is none, or its person may not log in."""
        login = await self._live(secret)
        if login is None:
            return None
        person = await self._people.person(login.user_id)
        return login if person is not None and person.is_active else None

    async def new_factor(self, login: BrowserLogin) -> tuple[str, str]:
        """The second factor that is being set up: the address for a QR code, and the secret to type instead.

        Errors: LoginExpired when none is.
        """
        secret = self._sealer.unseal(login.new_factor_sealed, f"factor/{login.user_id}")
        person = await self._people.person(login.user_id)
        if secret is None or person is None:
            raise LoginExpired
        return self._factors.address(secret, account=person.email), secret

    async def change_password(self, login: BrowserLogin, before: str, after: str) -> None:
        """Another password; every other browser and program of the person is logged out by whoever calls this.

        Errors: LoginRefused, LoginDelayed.
        """
        now, place = self._clock.now(), f"change|{login.user_id}"
        if wait_s := self._delays.wait_s(place, now):
            raise LoginDelayed(wait_s)
        person = await self._people.person(login.user_id)
        account = await self._store.get(Account, login.user_id)
        is_right = await self._passwords.is_right(account.password_hash if account else "", before)
        if person is None or account is None or not is_right:
            self._delays.failed(place, now)
            raise LoginRefused("That is not the present password.")
        _check(after, person.email, person.display_name)
        kept = await self._passwords.hash(after)
        await self._store.change(Account, login.user_id, lambda one: (replace(one, password_hash=kept), None))
        for other in await self._store.of_user(BrowserLogin, login.user_id):
            if other.key != login.key:
                await self._store.remove(BrowserLogin, other.key)
        log.info("login.password_changed", user=login.user_id)

    async def log_out(self, secret: str) -> None:
        """Forget a browser."""
        await self._store.remove(BrowserLogin, hashed(secret))

    async def log_out_record(self, login: BrowserLogin) -> None:
        """Forget a browser whose login is at hand."""
        await self._store.remove(BrowserLogin, login.key)

    async def _new_account(self, person: Person, password_hash: str, next_path: str) -> Begun:
        account = Account(key=person.id, user_id=person.id, password_hash=password_hash)
        await self._store.remove(Account, person.id)
        await self._store.add(account)
        return await self._second_step(person.id, account, next_path)

    async def _second_step(self, user_id: str, account: Account, next_path: str) -> Begun:
        now = self._clock.now()
        new_factor = ""
        if not account.factor_sealed:
            new_secret = base64.b32encode(self._randomness.token_bytes(_FACTOR_BYTES)).decode()
            new_factor = self._sealer.seal(new_secret, f"factor/{user_id}")
        return await self._keep(
            lambda key: BrowserLogin(
                key=key,
                user_id=user_id,
                expires_at=now + STEP_LIFETIME,
                standing=Standing.PASSWORD_GIVEN,
                authenticated_at=now,
                new_factor_sealed=new_factor,
                next_path=next_path,
            )
        )

    async def _use_code(self, login: BrowserLogin, account: Account, code: str, now: datetime) -> bool:
        """Whether the code is right and was not used before; a new factor is kept with its first right code."""
        sealed = account.factor_sealed or login.new_factor_sealed
        secret = self._sealer.unseal(sealed, f"factor/{login.user_id}")
        step = self._factors.step_of(secret, code, now) if secret is not None else None
        if step is None:
            return False

        def use(kept: Account) -> tuple[Account, bool]:
            if kept.last_step >= step or kept.factor_sealed not in ("", sealed):
                return kept, False
            return replace(kept, factor_sealed=sealed, last_step=step), True

        return bool(await self._store.change(Account, login.user_id, use))

    async def _live(self, secret: str) -> BrowserLogin | None:
        login = await self._store.get(BrowserLogin, hashed(secret)) if secret else None
        return None if login is None or login.is_over(self._clock.now()) else login

    async def _keep(self, record: _MakesLogin) -> Begun:
        await self._store.forget(self._clock.now() - timedelta(days=1), limit=_FORGET_AT_ONCE)
        secret = self._random_text(_SECRET_BYTES)
        login = record(hashed(secret))
        await self._store.add(login)
        return Begun(secret=secret, login=login)

    def _is_known(self, device: str, email: str) -> bool:
        opened = self._sealer.unseal(device, "device") if device else None
        return opened is not None and opened.partition("\n")[0] == email

    def _random_text(self, count: int) -> str:
        return base64.urlsafe_b64encode(self._randomness.token_bytes(count)).decode().rstrip("=")


def _check(password: str, email: str, display_name: str) -> None:
    if fault := fault_of(password, email=email, display_name=display_name):
        raise LoginRefused(fault)
