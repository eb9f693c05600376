"""What `login` does: finds the server, brings its person there and back, keeps what came of it, and greets them."""

from __future__ import annotations

import asyncio
import os
import sys
import webbrowser
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

from borealis_cli.options import Format
from borealis_cli.output import note, say, say_json
from borealis_cli.render.text import one_line
from borealis_client.access_token import AccessToken
from borealis_client.errors import LoginFailedError, NotLoggedInError, SettingsError
from borealis_client.login.contexts import NAME, LoginContext, read_contexts
from borealis_client.login.issuer import Issuer, Pkce
from borealis_client.login.keeping import keep_login, switch_tenant
from borealis_client.login.loopback import open_loopback
from borealis_client.login.vault import best_vault
from borealis_client.settings import login_target, own_config_folder

if TYPE_CHECKING:
    from pathlib import Path

    from borealis_client.login.issuer import Granted

_BROWSER_LIMIT_S: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What the command line says."""

    server: str
    web: str
    tenant: str
    """Tenant wanted; empty for whichever the person chooses."""
    context: str
    is_device: bool
    opens_browser: bool
    ca_file: Path | None


async def sign_in(wish: SignIn, output: Format) -> int:
    """Log in, or change the tenant of a login that there is. Errors: LoginFailedError, SettingsError."""
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        raise SettingsError(
            "nobody logs in with a browser in CI: set BOREALIS_CLIENT_ID and BOREALIS_CLIENT_SECRET, or BOREALIS_TOKEN"
        )
    folder = own_config_folder()
    target = login_target(wish.server, web=wish.web, ca_file=wish.ca_file)
    name = wish.context or target.server.host
    if not NAME.fullmatch(name):
        raise SettingsError(f"{name!r} cannot be the name of a context: take letters, digits, `.`, `_`, `@`, `-`.")
    kept = read_contexts(folder).get(name)
    if wish.tenant and kept is not None and kept.server == str(target.server):
        try:
            switched = await asyncio.to_thread(switch_tenant, folder, kept, wish.tenant)
        except NotLoggedInError:
            note("the login has ended; beginning a new one")
        else:
            return _greet(folder, switched, output)
    ca_file = str(target.ca_file.resolve()) if target.ca_file else ""
    issuer = await asyncio.to_thread(Issuer.find, target.web, target.ca_file)
    uses_device = wish.is_device or _is_far_from_a_browser()
    granted = await (_by_device(issuer, wish) if uses_device else _by_browser(issuer, wish))
    token = AccessToken.parse(granted.tokens.access_token)
    context = LoginContext(
        name=name,
        server=str(target.server),
        issuer=issuer.issuer,
        ca_file=ca_file,
        user=token.person,
        kept_in=await asyncio.to_thread(best_vault, os.environ),
    )
    context = await asyncio.to_thread(keep_login, folder, context, granted)
    if wish.tenant and wish.tenant.casefold() not in (context.tenant.casefold(), token.tenant_name.casefold()):
        context = await asyncio.to_thread(switch_tenant, folder, context, wish.tenant)
    return _greet(folder, context, output)


async def _by_browser(issuer: Issuer, wish: SignIn) -> Granted:
    pkce = Pkce.new()
    async with open_loopback() as loopback:
        address = issuer.login_address(pkce, loopback.redirect_uri, wish.tenant)
        note("Log in with your browser at", f"  {address}")
        if wish.opens_browser and not await asyncio.to_thread(webbrowser.open, address):
            note("No browser opened by itself. With one on another machine: borealis login --device")
        answer = await loopback.answer(_BROWSER_LIMIT_S)
    return await asyncio.to_thread(issuer.redeem, pkce, loopback.redirect_uri, answer)


async def _by_device(issuer: Issuer, wish: SignIn) -> Granted:
    begun = await asyncio.to_thread(issuer.begin_device)
    note(
        "With a browser on any machine, go to",
        f"  {begun.address}",
        "and type the code",
        f"  {begun.user_code}",
        f"or open {begun.complete_address}",
        f"Waiting; the code is good for {begun.expires_in_s / 60:.0f} minutes.",
    )
    del wish
    return await issuer.wait_for_device(begun)


def _is_far_from_a_browser() -> bool:
    """Whether a browser that opens here would open where nobody sees it."""
    if any(os.environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY")):
        return True
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    return sys.platform.startswith("linux") and not has_screen


def _greet(folder: Path, context: LoginContext, output: Format) -> int:
    from borealis_client.login.vault import vault_of  # noqa: PLC0415  # only to show what was kept

    kept = vault_of(context.kept_in, folder).read(context.name)
    if kept is None:
        raise LoginFailedError("what was kept is gone again. Another program may have logged you out.")
    token = AccessToken.parse(kept.access_token)
    place = "the keyring" if context.kept_in == "keyring" else f"a file in {folder}"
    if output is Format.TEXT:
        say(
            [
                one_line(f"Welcome {token.person} of {token.organization_name}, in the tenant {token.tenant_name}."),
                f"  login  {context.name}, kept in {place}",
                f"  token  until {format_datetime(token.expires_at, usegmt=True)}, renewed by itself",
            ]
        )
    else:
        document = {
            "context": context.name,
            "server": context.server,
            "organization": token.organization_name,
            "user": token.person,
            "tenant": token.tenant,
            "expiresAt": token.expires_at.isoformat(),
        }
        say_json(document, output)
    return 0
