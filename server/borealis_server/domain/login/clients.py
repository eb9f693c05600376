"""The programs that people may log in with, and where codes may be sent for them.

Source: RFC 8252 (native programs), RFC 9700 section 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

CLI = "borealis-cli"
CONSOLE = "borealis-console"

SCOPES = ("openid", "profile", "email", "offline_access")
"""What may be asked for; `offline_access` brings refresh tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """A program that is not a secret holder (a public client)."""

    client_id: str
    """Its identifier."""
    display_name: str
    """What a person is asked to trust."""
    redirect_uris: tuple[str, ...]
    """Where codes may be sent: to the letter, but for the port of a loopback address."""
    may_use_devices: bool = False
    """Whether it may log in by device code."""


def known_clients(issuer: str) -> dict[str, OAuthClient]:
    """The programs of this installation, by id."""
    clients = (
        OAuthClient(
            client_id=CLI,
            display_name="Borealis command line",
            redirect_uris=("http://127.0.0.1/callback", "http://[::1]/callback"),
            may_use_devices=True,
        ),
        OAuthClient(client_id=CONSOLE, display_name="Borealis console", redirect_uris=(f"{issuer}/console/callback",)),
    )
    return {client.client_id: client for client in clients}


def is_redirect_allowed(client: OAuthClient, uri: str) -> bool:
    """Whether a code may be sent to `uri`: equal to a registered one; on loopback the port is free (RFC 8252, 7.3)."""
    return any(uri == allowed or _is_same_but_port(uri, allowed) for allowed in client.redirect_uris)


def known_scope(wanted: str) -> tuple[str, ...]:
    """The words of `wanted` that mean something here, each once; others are left out (RFC 6749, 3.3)."""
    words = wanted.split()
    return tuple(word for word in SCOPES if word in words)


def _is_same_but_port(uri: str, allowed: str) -> bool:
    try:
        parts, registered = urlsplit(uri), urlsplit(allowed)
        host, port = registered.hostname or "", parts.port
    except ValueError:
        return False
    if registered.scheme != "http" or not _is_loopback(host) or port is None:
        return False
    # Written out again, so that nothing can be smuggled in beside the port.
    shown = f"[{host}]" if ":" in host else host
    return uri == f"http://{shown}:{port}{registered.path}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
