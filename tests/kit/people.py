"""People in a running server's store, and tokens for them, as a login would make them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from borealis_server.adapters.clock import SystemClock
from borealis_server.adapters.randomness import SystemRandomness
from borealis_server.adapters.store.directory import SqliteDirectoryStore
from borealis_server.adapters.store.logins import SqliteLoginStore
from borealis_server.adapters.store.sqlite import open_database
from borealis_server.adapters.tokens import JwtSigner, open_signing_key
from borealis_server.domain.login.clients import CLI
from borealis_server.domain.login.records import Session
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id
from borealis_server.domain.roles import VIEWER
from borealis_server.ports.identity import TokenClaims
from borealis_server.services.directories import Directories
from borealis_server.services.users import UserService
from kit.callers import EVERYTHING, a_caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from borealis_server.ports.login_store import LoginStore
    from borealis_server.services.users import UserView


class People:
    """Invites people and lets them accept, beside the server, as another process of it would."""

    def __init__(self, directories: Directories, signer: JwtSigner, logins: LoginStore) -> None:
        self.directories = directories
        self.users = UserService(directories, SystemClock(), SystemRandomness())
        self.founder = replace(a_caller(name="setup"), grants=EVERYTHING)
        self._signer = signer
        self._logins = logins

    async def invited(self, email: str, *roles: str) -> UserView:
        """Somebody with these roles; without any, they had one that was taken again."""
        sent = await self.users.invite(self.founder, email, email, roles or [VIEWER.id])
        user = await self.users.accept(sent.secret)
        if not roles:
            await self.users.update_roles(self.founder, user.id, add=[], remove=[VIEWER.id])
        return await self.users.get(self.founder, user.id)

    async def token(self, email: str, *roles: str, is_deactivated: bool = False, tenant: str = "main") -> str:
        """A token of somebody with these roles; who is deactivated got it before."""
        user = (await self.invited(email, *roles)).user
        if is_deactivated:
            await self.users.set_active(self.founder, user.id, is_active=False)
        return await self.token_of(user.id, tenant)

    async def token_of(self, user_id: str, tenant: str = "main") -> str:
        """A token of somebody who is there already, in a session of its own."""
        return self.signed(f"users/{user_id}", tenant, session=await self.session(user_id, tenant))

    async def useless(self, email: str) -> dict[str, str]:
        """Tokens that were made for an administrator and open nothing, by what is wrong with them."""
        user = (await self.invited(email, "admin")).user
        over, subject = await self.session(user.id, ended_why="logged out"), f"users/{user.id}"
        live, now = await self.session(user.id), int(SystemClock().now().timestamp())
        said = {"sub": subject, "tenant": "main", "sid": live, "iat": now, "nbf": now, "exp": now + 900, "jti": "j"}
        return {
            "person whose session was revoked": self.signed(subject, session=over),
            "person without a session": self.signed(subject),
            "person with the session of another one": self.signed("users/somebody", session=live),
            "ID token of a person": self._signer.sign_identity(said, audience=CLI),
        }

    async def session(self, user_id: str, tenant: str = "main", *, ended_why: str = "") -> str:
        """Id of a session in which a program acts for that person."""
        session_id, now = random_id(SystemRandomness().token_bytes(RANDOM_ID_BYTES)), SystemClock().now()
        session = Session(
            key=session_id,
            user_id=user_id,
            expires_at=now + timedelta(hours=1),
            client_id=CLI,
            tenant=tenant,
            scope=(),
            family_hash="",
            current_hash="",
            began_at=now,
            used_at=now,
            authenticated_at=now,
            ended_why=ended_why,
        )
        await self._logins.add(session)
        return session_id

    def signed(self, subject: str, tenant: str = "main", *, session: str = "") -> str:
        """A token for the subject, good for an hour."""
        now = SystemClock().now().replace(microsecond=0)
        claims = TokenClaims(
            tenant=tenant,
            subject=subject,
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            token_id=random_id(SystemRandomness().token_bytes(RANDOM_ID_BYTES)),
            client_id=CLI if session else "",
            session_id=session,
        )
        return self._signer.sign(claims)


@asynccontextmanager
async def people_of(server: Any) -> AsyncIterator[People]:
    """The people of a running server."""
    data_dir: Path = server.running.data_dir
    signer = JwtSigner(open_signing_key(data_dir / "keys" / "token-signing.pem"), issuer=server.running.client.web)
    async with open_database(data_dir / "borealis.db") as database:
        directories = Directories(SqliteDirectoryStore(database), SystemClock())
        yield People(directories, signer, SqliteLoginStore(database))
