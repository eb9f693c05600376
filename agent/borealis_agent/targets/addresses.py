"""Which addresses a target may have. Pure functions; asked for the address that is connected to, never for a name."""

from __future__ import annotations

import ipaddress
from typing import Final, TypeAlias

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure's own service
        "192.0.0.192",  # Oracle Cloud
        "fd00:ec2::254",  # AWS, over IPv6
        "fd20:ce::254",  # Google Cloud, over IPv6
    )
)
"""Where clouds hand out credentials, beside link-local addresses."""
_BROADCAST: Final = ipaddress.IPv4Address("255.255.255.255")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def fault_of_address(text: str, *, allow_local: bool) -> str | None:
    """Why an address may not be connected to; None if it may.

    Shape: `allow_local` permits this machine, its link and the metadata of clouds, not what is no single machine.
    """
    address = _plain(ipaddress.ip_address(text.partition("%")[0]))
    if address.is_unspecified or address.is_multicast or address == _BROADCAST:
        return f"{text} is not the address of one machine"
    if allow_local:
        return None
    if address.is_loopback:
        return f"{text} is the agent's own machine"
    if address.is_link_local:
        return f"{text} is link-local, where clouds keep their metadata"
    if address in _METADATA:
        return f"{text} is a metadata service of a cloud"
    return None


def _plain(address: _Address) -> _Address:
    """The IPv4 address inside an IPv6 one, where there is one: both reach the same machine."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or _compatible(address) or address


def _compatible(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address of the form `::a.b.c.d`; `::` and `::1` are no such."""
    number = int(address)
    return ipaddress.IPv4Address(number) if 1 < number <= 0xFFFFFFFF else None  # noqa: PLR2004 - 32 bits
