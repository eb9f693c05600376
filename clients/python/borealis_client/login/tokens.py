"""Access tokens of a person's login: the kept one while it lasts, else one got with the refresh token.

A refresh token is good once, and one that comes twice ends the login. So one process at a time refreshes: it takes the
lock of the login, and looks whether another one has been faster.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from borealis_client.errors import LoginFailedError, NotLoggedInError
from borealis_client.login.contexts import locked
from borealis_client.login.issuer import Issuer
from borealis_client.login.vault import vault_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_client.login.contexts import LoginContext
    from borealis_client.login.vault import KeptTokens

_MARGIN_S: Final = 300.0
"""A token with less left than this is renewed before it is used."""


class LoginTokens:
    """Implements `credentials.TokenSource` for a login."""

    def __init__(self, context: LoginContext, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._context = context
        self._folder = folder
        self._vault = vault_of(context.kept_in, folder)
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._refused = ""

    async def get(self) -> str:
        """A token that is good now. Errors: NotLoggedInError when the login has ended, ServerUnreachableError."""
        kept = await asyncio.to_thread(self._vault.read, self._context.name)
        if kept is not None and self._is_good(kept):
            return kept.access_token
        async with self._one_at_a_time:
            # On a thread, which goes on when whoever waits gives up: tokens that were got are tokens that are kept.
            return (await asyncio.to_thread(self.renew)).access_token

    def refuse(self, token: str) -> bool:
        """Told that the server refused `token`; a refresh may bring another one, once."""
        is_news = token != self._refused
        self._refused = token
        return is_news

    def renew(self, tenant: str = "") -> KeptTokens:
        """Newer tokens, kept; in another tenant if one is named. Blocks.

        Errors: NotLoggedInError, LoginFailedError, ServerUnreachableError.
        """
        with locked(self._folder / "locks" / f"{self._context.name}.lock"):
            kept = self._vault.read(self._context.name)
            if kept is None or not kept.refresh_token:
                raise _over(self._context)
            if not tenant and self._is_good(kept):  # another process was faster
                return kept
            ca_file = Path(self._context.ca_file) if self._context.ca_file else None
            issuer = Issuer.find(self._context.issuer, ca_file)
            try:
                granted = issuer.refresh(kept.refresh_token, tenant)
            except LoginFailedError as error:
                if error.error != "invalid_grant":
                    raise
                self._vault.remove(self._context.name)
                raise _over(self._context) from error
            self._vault.write(self._context.name, granted.tokens)
            return granted.tokens

    def _is_good(self, kept: KeptTokens) -> bool:
        return kept.access_token != self._refused and kept.expires_at - self._clock() >= _MARGIN_S


def _over(context: LoginContext) -> NotLoggedInError:
    return NotLoggedInError(f"the login to {context.server} has ended. Log in again: borealis login {context.server}")
