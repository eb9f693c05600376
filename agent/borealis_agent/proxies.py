"""HTTP proxies between the agent and what it connects to: which one, if any, for a host. Pure functions."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_DEFAULT_PORT = 80


class ProxyFault(ValueError):  # noqa: N818 - it names what is wrong with the proxy
    """A proxy that cannot be used. The text says why; it has no secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy that opens tunnels with CONNECT."""

    host: str
    port: int
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"

    @property
    def authorization(self) -> str:
        """Value of Proxy-Authorization; empty without a user."""
        if not self.username:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def parse_proxy(text: str) -> Proxy | None:
    """The proxy that a setting names: a URL, or host:port; None if it is empty.

    Errors: ProxyFault.
    """
    if not text.strip():
        return None
    parts = urlsplit(text.strip() if "://" in text else f"http://{text.strip()}")
    if parts.scheme != "http":
        raise ProxyFault(f"a proxy is reached with http://, not {parts.scheme}://")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ProxyFault("the port of the proxy is not a number up to 65535") from error
    if not host:
        raise ProxyFault("the proxy has no host: give http://host:port")
    return Proxy(
        host=host,
        port=port or _DEFAULT_PORT,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def is_direct(host: str, port: int, exceptions: str) -> bool:
    """Whether NO_PROXY says that a host is reached without a proxy.

    Shape: `exceptions` is separated by commas: `*`, an address, a network (10.0.0.0/8), a domain with all below it
    (`example.com`), one with what is below it only (`.example.com`), each with an optional `:port`.
    """
    host = host.lower().rstrip(".")
    return any(_covers(entry.strip().lower(), host, port) for entry in exceptions.split(",") if entry.strip())


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, _, wanted_port = entry.rpartition(":")
    if name and wanted_port.isdecimal() and (":" not in name or name.endswith("]")):
        if int(wanted_port) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    address = _address(host)
    if address is not None:
        network = _network(entry)
        return network is not None and address in network
    name = entry.removeprefix("*").rstrip(".")
    if name.startswith("."):
        return host.endswith(name)
    return host == name or host.endswith("." + name)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
