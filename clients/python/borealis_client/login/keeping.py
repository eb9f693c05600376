"""Logins as a whole: a context with its tokens, made, switched to another tenant, and ended. Blocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from borealis_client.access_token import AccessToken
from borealis_client.errors import LoginFailedError, ServerUnreachableError
from borealis_client.login.contexts import locked, read_contexts, write_contexts
from borealis_client.login.issuer import Issuer
from borealis_client.login.tokens import LoginTokens
from borealis_client.login.vault import vault_of

if TYPE_CHECKING:
    from borealis_client.login.contexts import LoginContext
    from borealis_client.login.issuer import Granted


def keep_login(folder: Path, context: LoginContext, granted: Granted) -> LoginContext:
    """Keep a login and mean it from now on. Errors: SettingsError."""
    kept = replace(context, tenant=granted.tenant)
    with locked(folder / "locks" / "contexts.lock"):
        before = read_contexts(folder)
        old = before.get(context.name)
        if old is not None and old.kept_in != kept.kept_in:
            vault_of(old.kept_in, folder).remove(old.name)
        vault_of(kept.kept_in, folder).write(kept.name, granted.tokens)
        write_contexts(folder, before.with_context(kept))
    return kept


def use_context(folder: Path, name: str) -> None:
    """Mean that context from now on; an empty name means none of them. Errors: SettingsError."""
    with locked(folder / "locks" / "contexts.lock"):
        write_contexts(folder, replace(read_contexts(folder), current=name))


def switch_tenant(folder: Path, context: LoginContext, tenant: str) -> LoginContext:
    """The same login in another tenant. Errors: LoginFailedError names those there are; NotLoggedInError."""
    tokens = LoginTokens(context, folder).renew(tenant)
    with locked(folder / "locks" / "contexts.lock"):
        switched = replace(context, tenant=AccessToken.parse(tokens.access_token).tenant)
        write_contexts(folder, read_contexts(folder).with_context(switched))
    return switched


def end_login(folder: Path, context: LoginContext) -> str:
    """Forget a login here, and end it at its server; why that could not be done, or nothing."""
    vault = vault_of(context.kept_in, folder)
    kept = vault.read(context.name)
    trouble = ""
    if kept is not None and kept.refresh_token:
        ca_file = Path(context.ca_file) if context.ca_file else None
        try:
            Issuer.find(context.issuer, ca_file).revoke(kept.refresh_token)
        except (LoginFailedError, ServerUnreachableError) as error:
            trouble = error.message
    with locked(folder / "locks" / "contexts.lock"):
        vault.remove(context.name)
        write_contexts(folder, read_contexts(folder).without(context.name))
    return trouble
