"""Which addresses may be fetched from: what they look like, and which machines they may lead to. No I/O."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from borealis_fetch.errors import FetchError

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_KEPT_IN_PATHS: Final = "/%:@!$&'()*+,;=~?"
_LONGEST_SHOWN: Final = 200
_TRANSLATED: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 behind a NAT64 gateway (RFC 6052)."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An http address, taken apart."""

    scheme: str
    """`http` or `https`."""
    host: str
    """In the form that DNS takes: lower case, ASCII; an IPv6 address without brackets."""
    port: int
    path: str
    """Path and query, percent-encoded; what is asked for."""

    @classmethod
    def parse(cls, text: str) -> Address:
        """The parts of `text`. Errors: FetchError when it is no http address, or holds a user or a password."""
        try:
            parts = urlsplit(text)
            port = parts.port
            host = (
                (parts.hostname or "").encode("idna").decode() if not _is_ip(parts.hostname) else parts.hostname or ""
            )
        except ValueError:  # a port that is no number, a bracket too many, a name that DNS could not take
            raise FetchError("it is not an address") from None
        if parts.scheme not in _DEFAULT_PORTS:
            raise FetchError("only http and https addresses are fetched")
        if not host or port == 0 or _UNPRINTABLE.search(text):
            raise FetchError("it is not an address")
        if parts.username is not None or parts.password is not None:
            raise FetchError("an address may not hold a user or a password: they would be kept with the deployment")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(
            scheme=parts.scheme,
            host=host,
            port=port or _DEFAULT_PORTS[parts.scheme],
            path=quote(path, safe=_KEPT_IN_PATHS),
        )

    @property
    def host_header(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.path}"


def resolve_against(base: str, path: str) -> str:
    """The address that `path` means in a file that was fetched from `base`."""
    return urljoin(base, path)


def shown(address: str) -> str:
    """The address for messages: without a password, and without its query, which may hold a key."""
    cut = re.sub(r"(?<=://)[^/]*@", "", re.split(r"[?#]", address, maxsplit=1)[0])
    return cut if len(cut) <= _LONGEST_SHOWN else f"{cut[:_LONGEST_SHOWN]}..."


def refusal(address: IpAddress) -> str | None:
    """Why nothing may be fetched from the machine, in words; None when it is a public one."""
    inner = _embedded(address)
    if inner is not None:
        return refusal(inner)
    kinds = (
        (address.is_unspecified, "no machine's"),
        (address.is_loopback, "a loopback"),
        (address.is_link_local, "a link-local"),
        (address.is_multicast, "a multicast"),
        (not address.is_global or getattr(address, "is_site_local", False), "a private"),
    )
    word = next((word for is_so, word in kinds if is_so), None)
    return f"{address} is {word} address" if word else None


def _embedded(address: IpAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _is_ip(host: str | None) -> bool:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True
