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

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT: Final = 7443
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
    """Everything needed to call a server. Either a token or a client id with its secret."""

    server: ServerAddress
    ca_file: Path | None = None
    """Certificate authority to trust; None trusts the system's."""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    tenant: str = ""
    """Tenant of the credential when the context file says it; empty when not known."""
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
    """Settings from the arguments, else from BOREALIS_* variables, else from the context file.

    A credential in a context file is only ever sent to the server that the same file names.

    Errors: NotLoggedInError when server or credential is missing, SettingsError when something contradicts itself.
    """
    env = os.environ if environment is None else environment
    given = server or env.get("BOREALIS_SERVER", "")
    own = _Who.of(token or "", client_id or "", client_secret or "")
    who = own or _Who.of(
        env.get("BOREALIS_TOKEN", ""), env.get("BOREALIS_CLIENT_ID", ""), env.get("BOREALIS_CLIENT_SECRET", "")
    )
    ca = ca_file or env.get("BOREALIS_CA_FILE", "")
    context = _Context() if given and who and ca else _read_context(_context_path(env))
    address = ServerAddress.parse(given or context.server or _no_server(_context_path(env)))
    if not context.server or ServerAddress.parse(context.server) != address:
        context = _Context()
    who = who or context.who or _no_credential(address)
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


def _no_credential(address: ServerAddress) -> _Who:
    raise NotLoggedInError(
        f"no credential for {address}. Set BOREALIS_CLIENT_ID and BOREALIS_CLIENT_SECRET, or BOREALIS_TOKEN."
    )
