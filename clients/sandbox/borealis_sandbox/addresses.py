"""Hands out the addresses of Services and pods; nothing listens on them."""

from __future__ import annotations

import ipaddress
import itertools


class AddressPool:
    """Addresses of one network, each given once."""

    def __init__(self, network: str) -> None:
        self._free = itertools.islice(ipaddress.ip_network(network).hosts(), 9, None)

    def take(self) -> str:
        """The next free address."""
        return str(next(self._free))
