"""Which addresses a target may have, in every spelling of them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_agent.targets.addresses import fault_of_address

LOCAL = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "fe80::1",
    "fe80::1%eth0",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
]
NOBODY = [
    "0.0.0.0",  # noqa: S104 - refused
    "::",
    "::ffff:0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "ff02::1",
]


@pytest.mark.parametrize("address", LOCAL)
def test_this_machine_its_link_and_metadata_are_refused_unless_a_flag_permits_them(address):
    assert fault_of_address(address, allow_local=False) is not None
    assert fault_of_address(address, allow_local=True) is None


@pytest.mark.parametrize("address", NOBODY)
def test_what_is_no_single_machine_is_always_refused(address):
    assert fault_of_address(address, allow_local=True) is not None


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "172.16.0.1", "8.8.8.8", "fd00::1", "2001:db8::1"])
def test_other_addresses_are_fine(address):
    assert fault_of_address(address, allow_local=False) is None


@given(st.ip_addresses(v=4))
def test_an_address_inside_an_ipv6_one_is_judged_alike(address):
    plain = fault_of_address(str(address), allow_local=False) is None
    for wrapped in (
        f"::ffff:{address}",
        str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) + int(address))),
    ):
        assert (fault_of_address(wrapped, allow_local=False) is None) is plain
