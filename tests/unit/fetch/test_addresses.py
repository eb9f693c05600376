"""Which addresses are fetched from: their form, and the machines that they may lead to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from borealis_fetch.addresses import Address, refusal, resolve_against, shown
from borealis_fetch.errors import FetchError


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("https://a.example/x.yaml", "https://a.example/x.yaml"),
        ("HTTP://A.Example:8080/x?v=1#part", "http://a.example:8080/x?v=1"),
        ("https://a.example:443", "https://a.example/"),
        ("http://[2001:db8::1]:81/x", "http://[2001:db8::1]:81/x"),
        ("https://bücher.example/größe.yaml", "https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe.yaml"),
        ("https://a.example/a%20b", "https://a.example/a%20b"),
    ],
)
def test_an_address_is_taken_apart_and_encoded(text, whole):
    assert str(Address.parse(text)) == whole


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://a.example/x", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("https:///x", "not an address"),
        ("https://a.example:port/x", "not an address"),
        ("https://a.example:0/x", "not an address"),
        ("https://a.example:70000/x", "not an address"),
        ("https://[::1/x", "not an address"),
        ("https://a..example/x", "not an address"),
        ("https://a.example/a b", "not an address"),
        ("https://a.example/a\r\nHost: b", "not an address"),
        ("https://a.example\\@b.example/", "not an address"),
        ("https://ana:hunter2@a.example/x", "may not hold a user or a password"),
        ("https://ana@a.example/x", "may not hold a user or a password"),
    ],
)
def test_what_is_no_address_or_holds_a_password_is_refused(text, reason):
    with pytest.raises(FetchError, match=reason) as refused:
        Address.parse(text)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd00::1", "private"),
        ("fec0::1", "private"),
        ("192.0.2.1", "private"),
        ("255.255.255.255", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "no machine's"),  # noqa: S104 - refused, not listened on
        ("::", "no machine's"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:7f00:1::", "loopback"),
    ],
)
def test_machines_that_are_not_public_are_refused_in_every_disguise(address, word):
    assert word in (refusal(ip_address(address)) or "")


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_machines_are_fine(address):
    assert refusal(ip_address(address)) is None


def test_paths_are_relative_to_the_file_that_names_them():
    assert (
        resolve_against("https://a.example/team/deploy.yaml?v=1", "k8s/web.yaml")
        == "https://a.example/team/k8s/web.yaml"
    )
    assert resolve_against("https://a.example/team/deploy.yaml", "../web.yaml") == "https://a.example/web.yaml"
    assert resolve_against("https://a.example/team/deploy.yaml", "https://b.example/w") == "https://b.example/w"


def test_a_key_in_the_query_is_never_shown():
    assert shown("https://ana:hunter2@a.example/x") == "https://a.example/x"
    assert shown("https://a.example/x.yaml?key=hunter2#x") == "https://a.example/x.yaml"
    assert len(shown(f"https://a.example/{'x' * 5000}")) < 300
