"""An issuer on stores that forget, with a clock that stands still and cheap hashes; and people who log in with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pyotp
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import ec

from borealis_server.adapters.clock import ManualClock
from borealis_server.adapters.login.factors import TotpFactors
from borealis_server.adapters.login.passwords import Argon2Passwords
from borealis_server.adapters.login.sealing import AesSealer
from borealis_server.adapters.randomness import CountingRandomness
from borealis_server.adapters.store.memory import MemoryCredentialStore
from borealis_server.adapters.store.memory_directory import MemoryDirectoryStore
from borealis_server.adapters.store.memory_logins import MemoryLoginStore
from borealis_server.adapters.tokens import JwtSigner
from borealis_server.domain.login.clients import CLI, known_clients
from borealis_server.domain.login.flows import challenge_of
from borealis_server.domain.login.records import Session
from borealis_server.services.authorization import Authorization
from borealis_server.services.browser_logins import BrowserLogins, Origin
from borealis_server.services.directories import Directories
from borealis_server.services.federation import Federation
from borealis_server.services.identity import IdentityService
from borealis_server.services.organizations import Organizations
from borealis_server.services.people import People, SignUp
from borealis_server.services.session_gate import SessionGate
from borealis_server.services.sessions import Sessions, SessionTerms
from borealis_server.services.token_exchange import TokenExchange
from borealis_server.services.users import UserService

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from borealis_server.domain.login.records import BrowserLogin
    from borealis_server.ports.issuers import IdentityProvider, Trip, TrustRule
    from borealis_server.services.sessions import Tokens

ISSUER = "https://borealis.example"
PASSWORD = "correct horse battery staple"
REDIRECT = "http://127.0.0.1:4000/callback"
VERIFIER = "v" * 43
SCOPE = ("openid", "profile", "email", "offline_access")
HERE = Origin(address="192.0.2.1")

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes that protect nothing and cost nothing."""


@dataclass
class ScriptedIssuers:
    """Implements `ports.issuers.Issuers` without a network: says what a test lets it say."""

    said: dict[str, Mapping[str, object] | Exception] = field(default_factory=dict)
    """What is said of a code or of an external token, by its text."""

    async def address(self, provider: IdentityProvider, trip: Trip) -> str:
        return f"{provider.issuer}/authorize?state={trip.state}"

    async def claims(self, provider: IdentityProvider, trip: Trip, code: str, issuer: str) -> Mapping[str, object]:
        del provider, trip, issuer
        return self._say(code)

    async def external_claims(self, issuer: str, audience: str, token: str) -> Mapping[str, object]:
        del issuer, audience
        return self._say(token)

    def issuer_of(self, token: str) -> str:
        said = self.said.get(token)
        return str(said["iss"]) if isinstance(said, dict) and "iss" in said else "https://ci.example"

    def _say(self, text: str) -> Mapping[str, object]:
        said = self.said[text]
        if isinstance(said, Exception):
            raise said
        return said


class Bench:
    """The whole of it."""

    def __init__(self, *, providers: Sequence[IdentityProvider] = (), rules: Sequence[TrustRule] = ()) -> None:
        clock, randomness = ManualClock(), CountingRandomness()
        self.clock = clock
        self.store = MemoryLoginStore()
        self.credentials = MemoryCredentialStore()
        self.directories = Directories(MemoryDirectoryStore(self.credentials), clock)
        self.signer = JwtSigner(ec.generate_private_key(ec.SECP256R1()), issuer=ISSUER)
        self.gate = SessionGate(self.store, clock)
        self.issuers = ScriptedIssuers()
        self.users = UserService(self.directories, clock, randomness)
        self.organizations = Organizations(self.directories, clock, randomness)
        self.people = People(self.directories, self.organizations, self.users, clock, randomness)
        self.sealer = AesSealer(b"k" * 32, randomness)
        self.identity = IdentityService(
            credentials=self.credentials,
            directories=self.directories,
            signer=self.signer,
            clock=clock,
            randomness=randomness,
            token_lifetime_s=86400,
            gate=self.gate,
            rules=rules,
        )
        terms = SessionTerms(access_s=3600, refresh=timedelta(days=30), federated=timedelta(hours=12))
        self.sessions = Sessions(
            store=self.store, people=self.people, signer=self.signer, terms=terms, clock=clock, randomness=randomness
        )
        self.authorization = Authorization(
            store=self.store,
            people=self.people,
            sessions=self.sessions,
            clients=known_clients(ISSUER),
            clock=clock,
            randomness=randomness,
        )
        self.logins = BrowserLogins(
            store=self.store,
            people=self.people,
            passwords=Argon2Passwords(CHEAP),
            factors=TotpFactors("Borealis"),
            sealer=self.sealer,
            clock=clock,
            randomness=randomness,
        )
        self.exchange = TokenExchange(
            rules, issuers=self.issuers, signer=self.signer, clock=clock, randomness=randomness
        )
        self.federation = Federation(
            providers,
            issuers=self.issuers,
            store=self.store,
            people=self.people,
            logins=self.logins,
            callback=f"{ISSUER}/login/callback",
            clock=clock,
            randomness=randomness,
        )

    def code(self, secret: str) -> str:
        """What an authenticator app shows now."""
        return pyotp.TOTP(secret).at(self.clock.now())

    async def found(self, email: str = "ana@example.com", organization: str = "Shop") -> tuple[BrowserLogin, str]:
        """Somebody who has signed up and is logged in; and the secret of their authenticator app."""
        wish = SignUp(organization_name=organization, email=email, display_name="Ana Lopez")
        begun = await self.logins.sign_up(wish, PASSWORD)
        _, factor = await self.logins.new_factor(begun.login)
        complete = await self.logins.with_code(begun.secret, self.code(factor), HERE)
        self.clock.advance(30)  # the next code is another one
        return complete.login, factor

    async def session_of(self, login: BrowserLogin, *, scope: tuple[str, ...] = SCOPE, tenant: str = "") -> Tokens:
        """Tokens of the CLI, which this person agreed to."""
        chosen = tenant or (await self.authorization.choices(login))[0].id
        approval = await self.authorization.approval(login, chosen)
        code = await self.authorization.grant_code(
            self.authorization.client(CLI),
            approval,
            redirect_uri=REDIRECT,
            challenge=challenge_of(VERIFIER),
            scope=scope,
            nonce="n-1",
        )
        return await self.authorization.redeem_code(CLI, code, redirect_uri=REDIRECT, verifier=VERIFIER)

    async def only_session(self, user_id: str) -> Session:
        """The one session of a person, over or not."""
        (session,) = await self.store.of_user(Session, user_id)
        return session
