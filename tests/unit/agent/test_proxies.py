"""Which proxy, if any, for a host: what HTTPS_PROXY and NO_PROXY say."""

from __future__ import annotations

import pytest

from borealis_agent.proxies import Proxy, ProxyFault, is_direct, parse_proxy


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("", None),
        ("  ", None),
        ("http://proxy:3128", Proxy(host="proxy", port=3128)),
        ("http://proxy", Proxy(host="proxy", port=80)),
        ("proxy:3128", Proxy(host="proxy", port=3128)),
        ("http://me:p%40ss@proxy:3128/", Proxy(host="proxy", port=3128, username="me", password="p@ss")),
        ("http://[::1]:3128", Proxy(host="::1", port=3128)),
    ],
)
def test_a_proxy_is_a_url_or_host_and_port(text, proxy):
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("socks5://proxy", "not socks5"),
        ("https://proxy", "not https"),
        ("http://:80", "no host"),
        ("http://p:x", "port"),
    ],
)
def test_other_proxies_are_refused_with_what_to_write(text, says):
    with pytest.raises(ProxyFault, match=says):
        parse_proxy(text)


def test_the_password_of_a_proxy_does_not_show():
    proxy = parse_proxy("http://me:hush@proxy:1")

    assert "hush" not in repr(proxy)
    assert proxy.authorization == "Basic bWU6aHVzaA=="
    assert parse_proxy("http://proxy:1").authorization == ""


@pytest.mark.parametrize(
    ("exceptions", "host", "port", "direct"),
    [
        ("", "example.com", 443, False),
        ("*", "example.com", 443, True),
        ("example.com", "example.com", 443, True),
        ("example.com", "EXAMPLE.com.", 443, True),
        ("example.com", "cd.example.com", 443, True),
        ("example.com", "myexample.com", 443, False),
        (".example.com", "cd.example.com", 443, True),
        (".example.com", "example.com", 443, False),
        ("*.example.com", "cd.example.com", 443, True),
        ("other, example.com ,x", "example.com", 443, True),
        ("example.com:7443", "example.com", 7443, True),
        ("example.com:7443", "example.com", 443, False),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("10.1.2.3:80", "10.1.2.3", 443, False),
        ("::1", "::1", 443, True),
        ("[::1]:443", "::1", 443, True),
        ("[::1]:80", "::1", 443, False),
        ("fd00::/8", "fd00::1", 443, True),
        ("10.0.0.0/8", "example.com", 443, False),
        ("1", "10.0.0.1", 443, False),
    ],
)
def test_no_proxy(exceptions, host, port, direct):
    assert is_direct(host, port, exceptions) is direct
