"""The issuer's part of the composition root: keys, other issuers, logins and sessions, and what the web door serves."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from borealis_server.adapters.login.factors import TotpFactors
from borealis_server.adapters.login.issuers import open_issuers
from borealis_server.adapters.login.issuers_file import read_issuers_file
from borealis_server.adapters.login.passwords import Argon2Passwords
from borealis_server.adapters.login.sealing import AesSealer, open_sealing_key
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.signing_keys import KeyFolder
from borealis_server.adapters.store.logins import SqliteLoginStore
from borealis_server.adapters.tokens import JwtSigner
from borealis_server.domain.login.clients import known_clients
from borealis_server.domain.signing_keys import KeySchedule
from borealis_server.services.authorization import Authorization
from borealis_server.services.browser_logins import BrowserLogins
from borealis_server.services.federation import Federation
from borealis_server.services.organizations import Organizations
from borealis_server.services.people import People
from borealis_server.services.session_gate import SessionGate
from borealis_server.services.sessions import Sessions, SessionTerms
from borealis_server.services.token_exchange import TokenExchange
from borealis_server.services.users import UserService
from borealis_server.transport.oauth.endpoints import OAuthParts
from borealis_server.transport.pages.parts import PageParts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from borealis_server.adapters.login.issuers import HttpIssuers
    from borealis_server.adapters.login.issuers_file import IssuersFile
    from borealis_server.adapters.store.sqlite import SqliteDatabase
    from borealis_server.ports.clock import Clock
    from borealis_server.services.directories import Directories
    from borealis_server.services.identity import IdentityService
    from borealis_server.settings import ServerSettings

_TEND_S: Final = 600.0
_SHOWN_BEFORE: Final = timedelta(days=1)
_SHOWN_AFTER: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRoots:
    """What there must be before anybody can be identified."""

    address: str
    """Address of the issuer, as tokens name it."""
    keys: KeyFolder
    signer: JwtSigner
    gate: SessionGate
    logins: SqliteLoginStore
    others: IssuersFile
    """Issuers that others run, as they were configured."""
    data_dir: Path


def issuer_roots(
    settings: ServerSettings, data_dir: Path, address: str, database: SqliteDatabase, clock: Clock
) -> IssuerRoots:
    """Keys, and what is kept about logins. Errors: StartRefusedError."""
    schedule = KeySchedule(
        signs_for=timedelta(days=settings.signing_key_days), shown_before=_SHOWN_BEFORE, shown_after=_SHOWN_AFTER
    )
    keys, logins = KeyFolder(data_dir / "keys", clock, schedule), SqliteLoginStore(database)
    return IssuerRoots(
        address=address,
        keys=keys,
        signer=JwtSigner(keys, issuer=address),
        gate=SessionGate(logins, clock),
        logins=logins,
        others=read_issuers_file(settings.issuers_file),
        data_dir=data_dir,
    )


@asynccontextmanager
async def open_issuer(
    settings: ServerSettings, roots: IssuerRoots, identity: IdentityService, directories: Directories, clock: Clock
) -> AsyncIterator[tuple[OAuthParts, PageParts]]:
    """What the web door serves to programs and to people. Errors: StartRefusedError."""
    async with open_issuers(settings.issuers_ca_file, time.monotonic) as issuers, asyncio.TaskGroup() as group:
        keeper = group.create_task(_tend(roots.keys), name="signing_keys.keeper")
        try:
            yield _parts(settings, roots, identity, directories, issuers, clock)
        finally:
            keeper.cancel()


def _parts(
    settings: ServerSettings,
    roots: IssuerRoots,
    identity: IdentityService,
    directories: Directories,
    issuers: HttpIssuers,
    clock: Clock,
) -> tuple[OAuthParts, PageParts]:
    randomness, store = SystemRandomness(), roots.logins
    people = _people(directories, clock)
    sessions = Sessions(
        store=store, people=people, signer=roots.signer, terms=_terms(settings), clock=clock, randomness=randomness
    )
    authorization = Authorization(
        store=store,
        people=people,
        sessions=sessions,
        clients=known_clients(roots.address),
        clock=clock,
        randomness=randomness,
    )
    logins = _browser_logins(roots, people, clock)
    federation = Federation(
        roots.others.providers,
        issuers=issuers,
        store=store,
        people=people,
        logins=logins,
        callback=f"{roots.address}/login/callback",
        clock=clock,
        randomness=randomness,
    )
    oauth = OAuthParts(
        issuer=roots.address,
        identity=identity,
        authorization=authorization,
        sessions=sessions,
        exchange=TokenExchange(
            roots.others.rules, issuers=issuers, signer=roots.signer, clock=clock, randomness=randomness
        ),
        gate=roots.gate,
        people=people,
        clock=clock,
        proxies=settings.trusted_proxies,
    )
    pages = PageParts(
        issuer=roots.address,
        logins=logins,
        authorization=authorization,
        sessions=sessions,
        federation=federation,
        people=people,
        clock=clock,
        proxies=settings.trusted_proxies,
        may_sign_up=settings.may_sign_up,
    )
    return oauth, pages


def _people(directories: Directories, clock: Clock) -> People:
    randomness = SystemRandomness()
    organizations = Organizations(directories, clock, randomness)
    return People(directories, organizations, UserService(directories, clock, randomness), clock, randomness)


def _terms(settings: ServerSettings) -> SessionTerms:
    return SessionTerms(
        access_s=settings.user_token_lifetime_s,
        refresh=timedelta(days=settings.login_days),
        federated=timedelta(hours=settings.federated_login_hours),
    )


def _browser_logins(roots: IssuerRoots, people: People, clock: Clock) -> BrowserLogins:
    randomness = SystemRandomness()
    key = open_sealing_key(roots.data_dir / "keys" / "login.key", randomness)
    return BrowserLogins(
        store=roots.logins,
        people=people,
        passwords=Argon2Passwords(),
        factors=TotpFactors("Borealis"),
        sealer=AesSealer(key, randomness),
        clock=clock,
        randomness=randomness,
    )


async def _tend(keys: KeyFolder) -> None:
    """Have a next key made in time. Keys are few and small, but files are files."""
    while True:
        await asyncio.to_thread(keys.tend)
        await asyncio.sleep(_TEND_S)
