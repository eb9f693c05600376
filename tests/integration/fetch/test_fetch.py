"""Fetching from real servers that redirect, stall, send too much, or send something else."""

from __future__ import annotations

import ssl
from itertools import pairwise

import pytest

from borealis_fetch.errors import FetchError
from borealis_fetch.fetch import Limits, fetch
from borealis_sandbox.pki import Authority
from kit import web as kit
from kit.web import Web, serving

HERE = Limits(allows_private=True, time_s=5)
HURRIED = Limits(allows_private=True, time_s=0.3)


@pytest.fixture
def web():
    with serving() as running:
        yield running


def refused(web: Web, path: str = "/x.yaml", limits: Limits = HERE) -> str:
    with pytest.raises(FetchError) as error:
        fetch(web.root + path, limits)
    return str(error.value)


def test_a_text_comes_as_it_is(web):
    web.answers["/x.yaml?v=1"] = kit.text("a: 1\n")

    assert fetch(f"{web.root}/x.yaml?v=1", HERE) == b"a: 1\n"
    assert web.asked == [(web.root.removeprefix("http://"), "/x.yaml?v=1")]


@pytest.mark.parametrize("kind", ["", "text/plain; charset=utf-8", "application/octet-stream", "application/json"])
def test_any_type_that_may_be_text_will_do(web, kind):
    web.answers["/x.yaml"] = kit.text("a: 1\n", kind=kind)

    assert fetch(web.root + "/x.yaml", HERE) == b"a: 1\n"


def test_redirects_are_followed_five_times(web):
    hops = [f"/{number}" for number in range(7)]
    for here, there in pairwise(hops):
        web.answers[here] = kit.redirect(there if here != "/2" else web.root + there, code=307)
    web.answers["/6"] = kit.text("a: 1\n")

    assert fetch(web.root + "/1", HERE) == b"a: 1\n"
    assert "redirects more than 5 times" in refused(web, "/0")


def test_a_machine_that_is_not_public_is_never_connected_to(web):
    web.answers["/x.yaml"] = kit.text("secret: 1\n")

    assert "not public (127.0.0.1 is a loopback address)" in refused(web, limits=Limits())
    assert web.asked == []


def test_a_redirect_is_judged_like_the_first_address(web):
    """The first hop looks public to the judge; the second names a machine that is not."""
    web.answers["/x.yaml"] = kit.redirect("http://ana:pw@127.0.0.1/")
    web.answers["/y.yaml"] = kit.redirect("file:///etc/passwd")

    assert "user or a password" in refused(web)
    assert "only http and https" in refused(web, "/y.yaml")


def test_a_name_is_looked_up_once_and_the_connection_goes_where_it_was_judged(web):
    """A name that leads elsewhere the second time wins nothing."""
    port = int(web.root.rpartition(":")[2])
    web.answers["/x.yaml"] = kit.text("a: 1\n")
    looked_up = []

    def changing(host, _port):
        looked_up.append(host)
        return ("127.0.0.1",) if len(looked_up) == 1 else ("192.0.2.1",)

    assert fetch(f"http://manifests.example:{port}/x.yaml", HERE, resolve=changing) == b"a: 1\n"
    assert looked_up == ["manifests.example"]
    assert web.asked == [(f"manifests.example:{port}", "/x.yaml")]


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(FetchError, match="not public"):
        fetch("http://two.example/x", Limits(), resolve=lambda *_: ("1.1.1.1", "10.0.0.1"))


def test_the_next_address_of_a_name_is_tried_when_one_refuses(web):
    port = int(web.root.rpartition(":")[2])
    web.answers["/x.yaml"] = kit.text("a: 1\n")

    assert fetch(f"http://two.example:{port}/x.yaml", HERE, resolve=lambda *_: ("127.0.0.9", "127.0.0.1")) == b"a: 1\n"


def test_a_name_that_nobody_has_is_said_so():
    with pytest.raises(FetchError, match="no machine of the name nobody"):
        fetch("https://nobody.invalid/x", HERE)


def test_too_much_is_refused_with_and_without_a_length(web):
    web.answers["/x.yaml"] = kit.text(b"x" * (11 * 2**20))
    web.answers["/y.yaml"] = kit.endless(web, b"x" * 2**20)
    web.answers["/z.yaml"] = kit.text(b"x" * (10 * 2**20))

    assert refused(web) == "it has more than 10 MiB"
    assert refused(web, "/y.yaml") == "it has more than 10 MiB"
    assert len(fetch(web.root + "/z.yaml", HERE)) == 10 * 2**20


def test_the_time_counts_for_everything_however_it_is_wasted(web):
    web.answers["/silent"] = kit.silent(web)
    web.answers["/drips"] = kit.endless(web, b"x", wait_s=0.05)
    web.answers["/loops"] = kit.redirect("/silent")

    for path in ("/silent", "/drips", "/loops"):
        assert refused(web, path, HURRIED) == "it did not answer wholly within 0.3 s"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (kit.status(404), "it answers 404 Not Found"),
        (kit.status(401), "it answers 401 Unauthorized: it must be readable without logging in"),
        (kit.status(500), "it answers 500 Internal Server Error"),
        (kit.status(302), "it answers 302 Found"),
        (kit.status(204), "it answers 204 No Content"),
        (
            kit.text("<html>", kind="text/html; charset=utf-8"),
            "text/html, which is a web page; name the address of the raw",
        ),
        (kit.text(b"\x89PNG", kind="image/png"), "image/png, which is no text"),
        (kit.text(b"\x1f\x8b", Content_Encoding="gzip"), "in the encoding gzip"),
        (kit.raw(b"SSH-2.0-OpenSSH\r\n"), "it does not speak HTTP"),
        (kit.raw(b""), "the connection failed"),
        (kit.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na: 1\n"), "it broke off 4 bytes before its end"),
        (kit.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\na: 1\n"), "stopped in the middle"),
    ],
)
def test_everything_else_is_refused_in_its_own_words(web, answer, reason):
    web.answers["/x.yaml"] = answer

    assert reason in refused(web)


def test_nobody_listens():
    with serving() as gone:
        pass

    assert "the connection failed: connection refused" in refused(gone)


@pytest.fixture
def authority(tmp_path):
    authority = Authority("web")
    pair = authority.issue(("127.0.0.1", "manifests.example"))
    (tmp_path / "pair.pem").write_bytes(pair.key_pem + pair.certificate_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    return authority, context


def test_certificates_are_for_the_name_that_was_asked(authority):
    """Not for the machine that the name led to."""
    issuer, context = authority
    trusting = ssl.create_default_context(cadata=issuer.certificate_pem.decode())
    with serving(context) as web:
        web.answers["/x.yaml"] = kit.text("a: 1\n")
        port = web.root.rpartition(":")[2]

        def get(host, tls=trusting):
            return fetch(f"https://{host}:{port}/x.yaml", HERE, resolve=lambda *_: ("127.0.0.1",), tls=tls)

        assert get("manifests.example") == b"a: 1\n"
        with pytest.raises(FetchError, match="certificate is not trusted"):
            get("other.example")
        with pytest.raises(FetchError, match="certificate is not trusted"):
            get("manifests.example", tls=None)


def test_what_began_encrypted_stays_encrypted(authority):
    issuer, context = authority
    trusting = ssl.create_default_context(cadata=issuer.certificate_pem.decode())
    with serving(context) as web, serving() as plain:
        plain.answers["/x.yaml"] = kit.text("a: 1\n")
        web.answers["/x.yaml"] = kit.redirect(f"{plain.root}/x.yaml")

        with pytest.raises(FetchError, match="redirects from https to http:"):
            fetch(f"{web.root}/x.yaml", HERE, tls=trusting)

        assert plain.asked == []
