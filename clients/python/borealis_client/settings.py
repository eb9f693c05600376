"""Where to connect and as whom: from arguments, the environment, or the file that a server leaves on its own machine.

The only reader of the environment in this package.
"""

from __future__ import annotations

import json
import os
import ssl
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from borealis_client.errors import NotLoggedInError, SettingsError
from borealis_client.login.contexts import config_folder, read_contexts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_client.login.contexts import LoginContext

DEFAULT_PORT: Final = 7443
DEFAULT_WEB_PORT: Final = 8443
_LOOSE_MODE: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """Host and port of a server's gRPC door."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address in `host`, `host:port`, `[v6]:port` or `https://host:port`.

        Errors: SettingsError when it is none of these; http:// too, since everything here is TLS.
        """
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit("https:"), None, None
        is_bare = parts.scheme == "https" and parts.path in ("", "/") and not (parts.query or parts.fragment)
        if not host or not is_bare or parts.username is not None:
            raise SettingsError(
                f"{text!r} is no server address: write host:port, for example localhost:{DEFAULT_PORT}."
            )
        return cls(host=host, port=DEFAULT_PORT if port is None else port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """Everything needed to call a server. Either a token, a client id with its secret, or a person's login."""

    server: ServerAddress
    ca_file: Path | None = None
    """Certificate authority to trust; None trusts the system's."""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    tenant: str = ""
    """Tenant of the credential when the context file says it; empty when not known."""
    login: LoginContext | None = None
    """The person's login to use; None with a token or a client id."""
    config_folder: Path | None = None
    """Where its tokens are."""
    act_in: str = ""
    """Id or name of the tenant to act in instead, for credentials that reach further; empty for their own."""
    warnings: tuple[str, ...] = ()
    """What a person should know about where these came from."""

    def ssl_context(self) -> ssl.SSLContext:
        """Trusts `ca_file`, or the system; TLS 1.2 or newer; HTTP/2 only."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except FileNotFoundError:
            raise SettingsError(
                f"there is no file {self.ca_file}. Name the certificate authority's file (--ca-file, BOREALIS_CA_FILE)."
            ) from None
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(f"{self.ca_file} holds no certificate that can be read: {error}.") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        return context


def resolve(  # every one is an independent choice of the caller
    server: str | None = None,
    *,
    ca_file: Path | str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    token: str | None = None,
    tenant: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> ConnectionSettings:
    """Settings from the arguments, else from BOREALIS_* variables, else from a login, else from the context file.

    The login is that of BOREALIS_CONTEXT, else the current one; BOREALIS_CONTEXT_FILE and CI=true leave it out. A
    credential is only ever sent to the server that it belongs to.

    Errors: NotLoggedInError when server or credential is missing, SettingsError when something contradicts itself.
    """
    env = os.environ if environment is None else environment
    given = server or env.get("BOREALIS_SERVER", "")
    own = _Who.of(token or "", client_id or "", client_secret or "")
    who = own or _Who.of(
        env.get("BOREALIS_TOKEN", ""), env.get("BOREALIS_CLIENT_ID", ""), env.get("BOREALIS_CLIENT_SECRET", "")
    )
    ca = ca_file or env.get("BOREALIS_CA_FILE", "")
    login = None if who else _login(env, given)
    if login is not None:
        ca = ca or login.ca_file
        return ConnectionSettings(
            server=ServerAddress.parse(login.server),
            ca_file=Path(ca).expanduser() if ca else None,
            tenant=login.tenant,
            act_in=tenant or env.get("BOREALIS_TENANT", ""),
            login=login,
            config_folder=config_folder(env),
        )
    context = _Context() if given and who and ca else _read_context(_context_path(env))
    address = ServerAddress.parse(given or context.server or _no_server(_context_path(env)))
    if not context.server or ServerAddress.parse(context.server) != address:
        context = _Context()
    who = who or context.who or _no_credential(address, is_ci=_is_ci(env))
    ca = ca or context.ca_file
    act_in = tenant or env.get("BOREALIS_TENANT", "")
    return ConnectionSettings(
        server=address,
        ca_file=Path(ca).expanduser() if ca else None,
        client_id=who.client_id,
        client_secret=who.client_secret,
        token=who.token,
        tenant=context.tenant if who is context.who and not act_in else "",
        act_in=act_in,
        warnings=context.warnings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginTarget:
    """Where to log in."""

    server: ServerAddress
    web: str
    """Address of the web door."""
    ca_file: Path | None


def login_target(
    server: str = "",
    *,
    web: str = "",
    ca_file: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
) -> LoginTarget:
    """Where a person logs in: from the arguments, BOREALIS_* variables, the login of before, or the context file.

    Errors: NotLoggedInError when no server is configured, SettingsError.
    """
    env = os.environ if environment is None else environment
    contexts = read_contexts(config_folder(env))
    local = _read_context(_context_path(env))
    current = contexts.get(contexts.current)
    named = server or env.get("BOREALIS_SERVER", "") or (current.server if current else "") or local.server
    address = ServerAddress.parse(named or _no_server(_context_path(env)))
    known = [one for one in (current, *contexts.contexts) if one and ServerAddress.parse(one.server) == address]
    is_local = bool(local.server) and ServerAddress.parse(local.server) == address
    ca = ca_file or env.get("BOREALIS_CA_FILE", "")
    if known:
        web, ca = web or known[0].issuer, ca or known[0].ca_file
    elif is_local:
        web, ca = web or local.web, ca or local.ca_file
    host = f"[{address.host}]" if ":" in address.host else address.host
    return LoginTarget(
        server=address,
        web=web or f"https://{host}:{DEFAULT_WEB_PORT}",
        ca_file=Path(ca).expanduser() if ca else None,
    )


def own_config_folder() -> Path:
    """Where logins of this process's user are."""
    return config_folder(os.environ)


def _login(env: Mapping[str, str], server: str) -> LoginContext | None:
    """The login to use for `server`, or for whatever is meant when it is empty."""
    wanted = env.get("BOREALIS_CONTEXT", "")
    if not wanted and (_is_ci(env) or env.get("BOREALIS_CONTEXT_FILE", "")):
        return None
    contexts = read_contexts(config_folder(env))
    if wanted:
        found = contexts.get(wanted)
        if found is None:
            known = ", ".join(one.name for one in contexts.contexts) or "none"
            raise NotLoggedInError(f"there is no context {wanted!r} (BOREALIS_CONTEXT); there is: {known}.")
        if server and ServerAddress.parse(found.server) != ServerAddress.parse(server):
            raise SettingsError(f"the context {wanted!r} is for {found.server}, not for {server}.")
        return found
    current = contexts.get(contexts.current)
    if not server:
        return current
    address = ServerAddress.parse(server)
    fitting = [one for one in (current, *contexts.contexts) if one and ServerAddress.parse(one.server) == address]
    return fitting[0] if fitting else None


def _is_ci(env: Mapping[str, str]) -> bool:
    """Whether a CI system runs this, where nobody is logged in and nothing is to be left behind."""
    return env.get("CI", "").lower() in ("1", "true", "yes")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Who:
    token: str = ""
    client_id: str = ""
    client_secret: str = ""

    @classmethod
    def of(cls, token: str, client_id: str, client_secret: str) -> _Who | None:
        """A whole credential, or None when nothing of one is there."""
        if token:
            return cls(token=token)
        if bool(client_id) != bool(client_secret):
            missing = "secret (BOREALIS_CLIENT_SECRET)" if client_id else "id (BOREALIS_CLIENT_ID)"
            raise SettingsError(f"half a credential: the client {missing} is missing.")
        return cls(client_id=client_id, client_secret=client_secret) if client_id else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    server: str = ""
    web: str = ""
    ca_file: str = ""
    tenant: str = ""
    who: _Who | None = None
    warnings: tuple[str, ...] = ()


def _context_path(env: Mapping[str, str]) -> Path:
    named = env.get("BOREALIS_CONTEXT_FILE", "")
    if named:
        return Path(named).expanduser()
    data_home = env.get("XDG_DATA_HOME", "")
    folder = Path(data_home) if data_home else Path(env.get("HOME", "") or Path.home()) / ".local" / "share"
    return folder / "borealis" / "server" / "client.json"


def _read_context(path: Path) -> _Context:
    try:
        content = json.loads(path.read_bytes())
        mode = path.stat().st_mode
    except FileNotFoundError:
        return _Context()
    except OSError as error:
        raise SettingsError(f"cannot read the context file {path}: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(
            f"the context file {path} is not JSON: {error}. Remove it and restart the server."
        ) from error
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise SettingsError(f"the context file {path} is not an object of texts. Remove it and restart the server.")
    is_loose = bool(mode & _LOOSE_MODE)
    return _Context(
        server=content.get("server", ""),
        web=content.get("web", ""),
        ca_file=content.get("ca_file", ""),
        tenant=content.get("tenant", ""),
        who=_Who.of(content.get("token", ""), content.get("client_id", ""), content.get("client_secret", "")),
        warnings=(f"others may read {path}, which holds a secret: chmod 600 {path}",) if is_loose else (),
    )


def _no_server(context_path: Path) -> str:
    raise NotLoggedInError(
        "no server is configured. Start one on this machine with `borealis server`, or name one with --server or "
        f"BOREALIS_SERVER (no context file at {context_path})."
    )


def _no_credential(address: ServerAddress, *, is_ci: bool) -> _Who:
    ways = "Set BOREALIS_CLIENT_ID and BOREALIS_CLIENT_SECRET, or BOREALIS_TOKEN"
    person = "" if is_ci else f", or log in: borealis login {address}"
    raise NotLoggedInError(f"no credential for {address}. {ways}{person}.")
