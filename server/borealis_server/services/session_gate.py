"""Whether a token of a person is good at this moment: whether its session goes on.

Owns the look into sessions, and for how long that is believed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from borealis_server.domain.errors import CredentialRevoked
from borealis_server.domain.login.flows import is_live
from borealis_server.domain.login.records import Session

if TYPE_CHECKING:
    from datetime import datetime

    from borealis_server.ports.clock import Clock
    from borealis_server.ports.identity import TokenClaims
    from borealis_server.ports.login_store import LoginStore

SESSION_LAG_S: Final = 1.0
"""How old our knowledge of a session may be: the tokens of one that ended are refused after at most so long."""

_CACHE_ENTRIES: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    session: Session | None
    at: datetime


class SessionGate:
    """Lets tokens of living sessions through."""

    def __init__(self, store: LoginStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def session(self, claims: TokenClaims) -> Session:
        """The living session of a person's token. Errors: CredentialRevoked."""
        now = self._clock.now()
        known = self._known.get(claims.session_id)
        if known is None or not timedelta(0) <= now - known.at < timedelta(seconds=SESSION_LAG_S):
            known = _Known(await self._store.get(Session, claims.session_id), now)
            self._known.pop(claims.session_id, None)
            self._known[claims.session_id] = known
            if len(self._known) > _CACHE_ENTRIES:
                self._known.popitem(last=False)
        session = known.session
        is_good = (
            session is not None
            and is_live(session, now)
            and session.user_id == claims.user_id
            and session.client_id == claims.client_id
        )
        if session is None or not is_good:
            raise CredentialRevoked("the session behind the token has ended; log in again")
        return session

    def forget(self, session_id: str) -> None:
        """Told that a session changed: the next token of it is looked up."""
        self._known.pop(session_id, None)
