"""How connections to targets are made and what it means when they are not: addresses, names, TLS, proxies, limits."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.proxies import Proxy
from borealis_agent.targets.dialer import Dialer
from borealis_agent.targets.http1.client import HttpClient
from borealis_agent.targets.names import HostAddresses
from borealis_agent.targets.pipe import Pipe
from borealis_agent.targets.target import TargetFailure
from borealis_agent.targets.tls import TlsFiles, TlsSource
from borealis_sandbox.pki import Authority
from kit.connect_proxy import open_connect_proxy
from kit.raw_server import HOSTS, answering, expired, open_raw_server, server_tls, trust

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def failure_of(dialer):
    with pytest.raises(TargetFailure) as caught:
        (await dialer.dial(Pipe)).close()
    assert caught.value.dispatched is False
    return caught.value


async def fetch(dialer, request, body_of):
    client = HttpClient(dialer)
    try:
        connection = await client.send(request)
        body = await body_of(connection)
        connection.release()
        return body
    finally:
        client.close()


def resolving(*answers):
    """A name service that gives these answers, one after the other; an error is raised. The last one stays."""
    left = list(answers)
    asked = []

    async def look_up(host):
        asked.append(host)
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return look_up, asked


async def nothing(peer):
    await peer.read()


# ---- F8: targets that cannot be reached


async def test_f8_a_target_that_refuses():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failure = await failure_of(Dialer("127.0.0.1", port, allow_local=True))

    assert failure.code == pb.Reset.CODE_DIAL_FAILED
    assert failure.detail == f"cannot reach 127.0.0.1:{port}: Connection refused"


async def test_f8_a_target_that_swallows_our_greeting():
    async def look_up(_):
        await asyncio.sleep(60)  # as long as a SYN into a black hole

    dialer = Dialer("black.hole", 80, addresses=HostAddresses("black.hole", look_up), limit_s=0.2)
    failure = await failure_of(dialer)

    assert (failure.code, failure.detail) == (
        pb.Reset.CODE_DIAL_TIMEOUT,
        "black.hole could not be reached within 0.2 s",
    )


async def test_f8_the_next_address_is_tried_when_one_refuses():
    async with open_raw_server(nothing) as server:
        look_up, _ = resolving(("127.0.0.2", "127.0.0.1"))
        dialer = Dialer("x", server.port, allow_local=True, addresses=HostAddresses("x", look_up))
        (await dialer.dial(Pipe)).close()

    assert server.connections == 1


async def test_an_ipv6_target_is_reached_and_named_in_brackets(get, body_of):
    received: list[bytes] = []
    async with open_raw_server(answering(HELLO, received=received), host="::1") as server:
        body = await fetch(Dialer("::1", server.port, allow_local=True), get(), body_of)

    assert body == b"hello"
    assert b"\r\nHost: [::1]:%d\r\n" % server.port in received[0]


# ---- 21: addresses


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", "::ffff:127.0.0.1", "fd00:ec2::254", "100.100.100.200"],
)
async def test_21_a_name_that_leads_to_this_machine_or_to_metadata_is_denied(address):
    look_up, _ = resolving((address,))
    failure = await failure_of(Dialer("innocent.example", 80, addresses=HostAddresses("innocent.example", look_up)))

    assert failure.code == pb.Reset.CODE_DENIED
    assert failure.detail.startswith("innocent.example may not be reached: ")
    assert address in failure.detail


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "0.0.0.0", "2852039166", "0x7f.1", "localhost"])  # noqa: S104 - refused
async def test_21_an_address_in_any_spelling_is_denied(host):
    failure = await failure_of(Dialer(host, 80))

    assert failure.code == pb.Reset.CODE_DENIED


async def test_21_a_name_that_rebinds_reaches_the_address_that_was_judged():
    """The name service says a good address when asked, and this machine's when asked again: only the first counts."""
    async with open_raw_server(nothing) as server:
        look_up, asked = resolving(("192.0.2.1",), ("127.0.0.1",))
        dialer = Dialer("rebinds", server.port, addresses=HostAddresses("rebinds", look_up), limit_s=0.3)
        first = await failure_of(dialer)
        second = await failure_of(dialer)

    assert first.code in {pb.Reset.CODE_DIAL_TIMEOUT, pb.Reset.CODE_DIAL_FAILED}
    assert (second.code, server.connections) == (pb.Reset.CODE_DENIED, 0)
    assert asked == ["rebinds", "rebinds"], "one question for each connection, none in between"


async def test_21_among_several_addresses_only_the_good_ones_are_tried():
    look_up, _ = resolving(("127.0.0.1", "192.0.2.1"))
    async with open_raw_server(nothing) as server:
        dialer = Dialer("x", server.port, addresses=HostAddresses("x", look_up), limit_s=0.3)
        failure = await failure_of(dialer)

    assert failure.code in {pb.Reset.CODE_DIAL_TIMEOUT, pb.Reset.CODE_DIAL_FAILED}
    assert server.connections == 0


# ---- F24: the name service


async def test_f24_a_name_service_that_flaps_costs_nothing():
    look_up, asked = resolving(("127.0.0.1",), OSError("SERVFAIL"))
    async with open_raw_server(nothing) as server:
        addresses = HostAddresses("x", look_up)
        dialer = Dialer("x", server.port, allow_local=True, addresses=addresses)
        for _ in range(3):
            (await dialer.dial(Pipe)).close()
            addresses.doubt()

    assert len(asked) == 3


async def test_f24_a_target_that_moved_is_found_at_the_next_attempt():
    look_up, asked = resolving(("127.0.0.2",), ("127.0.0.1",))
    async with open_raw_server(nothing) as server:
        dialer = Dialer("x", server.port, allow_local=True, addresses=HostAddresses("x", look_up))
        await failure_of(dialer)
        (await dialer.dial(Pipe)).close()

    assert len(asked) == 2


async def test_f24_a_name_that_nobody_knows_says_so():
    look_up, _ = resolving(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    failure = await failure_of(Dialer("gone", 80, addresses=HostAddresses("gone", look_up)))

    assert (failure.code, failure.detail) == (pb.Reset.CODE_DIAL_FAILED, "cannot reach gone: its name has no address")


async def test_a_thousand_requests_ask_the_name_service_once():
    look_up, asked = resolving(("192.0.2.1",))
    addresses = HostAddresses("x", look_up)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(1000):
            tasks.create_task(addresses.current())

    assert asked == ["x"]


# ---- F13: TLS


def secure(server, ca_file, host="127.0.0.1", **more):
    return Dialer(host, server.port, tls=TlsSource(TlsFiles(ca_file=ca_file, **more)), allow_local=True)


async def test_f13_an_expired_certificate_is_not_trusted(tmp_path, authority):
    tls = server_tls(tmp_path, expired(authority))
    async with open_raw_server(nothing, tls=tls) as server:
        failure = await failure_of(secure(server, trust(tmp_path, authority)))

    assert failure.code == pb.Reset.CODE_DIAL_FAILED
    assert failure.detail.endswith("its certificate is not trusted: certificate has expired")


async def test_f13_a_certificate_for_another_name_is_not_trusted(tmp_path, authority):
    tls = server_tls(tmp_path, authority.issue(["elsewhere.example"]))
    async with open_raw_server(nothing, tls=tls) as server:
        failure = await failure_of(secure(server, trust(tmp_path, authority)))

    assert failure.code == pb.Reset.CODE_DIAL_FAILED
    assert "its certificate is not trusted: IP address mismatch" in failure.detail


async def test_f13_the_expected_name_can_be_written_down(tmp_path, authority):
    tls = server_tls(tmp_path, authority.issue(["elsewhere.example"]))
    async with open_raw_server(nothing, tls=tls) as server:
        dialer = secure(server, trust(tmp_path, authority), server_name="elsewhere.example")
        (await dialer.dial(Pipe)).close()


async def test_f13_an_authority_that_rotates_is_read_again_without_a_restart(tmp_path, authority, get, body_of):
    newer = Authority("newer")
    ca_file = trust(tmp_path, authority)
    tls = server_tls(tmp_path, newer.issue(HOSTS))
    async with open_raw_server(answering(HELLO), tls=tls) as server:
        dialer = secure(server, ca_file)
        before = await failure_of(dialer)
        trust(tmp_path, authority, newer)
        body = await fetch(dialer, get(), body_of)

    assert before.detail.endswith("self-signed certificate in certificate chain") or "unable to get" in before.detail
    assert body == b"hello"


async def test_f13_tls_1_1_is_refused(tmp_path, authority):
    tls = server_tls(tmp_path, authority.issue(HOSTS), highest=ssl.TLSVersion.TLSv1_1)
    async with open_raw_server(nothing, tls=tls) as server:
        failure = await failure_of(secure(server, trust(tmp_path, authority)))

    assert failure.code == pb.Reset.CODE_DIAL_FAILED
    assert "TLS failed" in failure.detail or "refuses the other's version" in failure.detail


async def test_f13_a_target_that_does_not_speak_tls(tmp_path, authority):
    async def serve(peer):
        await peer.send(b"220 mail.example ESMTP\r\n")
        await peer.read()

    async with open_raw_server(serve) as server:
        failure = await failure_of(secure(server, trust(tmp_path, authority)))

    assert failure.code == pb.Reset.CODE_DIAL_FAILED
    assert "TLS failed" in failure.detail


async def test_a_client_certificate_is_shown_to_a_target_that_wants_one(tmp_path, authority, get, body_of):
    ours = authority.issue(["agent.example"])
    (tmp_path / "our.crt").write_bytes(ours.certificate_pem)
    (tmp_path / "our.key").write_bytes(ours.key_pem)
    ca_file = trust(tmp_path, authority)
    tls = server_tls(tmp_path / "server", authority.issue(HOSTS))
    async with open_raw_server(answering(HELLO), tls=tls) as server:
        dialer = secure(server, ca_file, certificate_file=tmp_path / "our.crt", key_file=tmp_path / "our.key")
        assert await fetch(dialer, get(), body_of) == b"hello"


async def test_a_missing_authority_file_costs_the_call_only(tmp_path, authority):
    tls = server_tls(tmp_path, authority.issue(HOSTS))
    async with open_raw_server(nothing, tls=tls) as server:
        failure = await failure_of(secure(server, tmp_path / "nowhere"))

    assert failure.code == pb.Reset.CODE_DIAL_FAILED
    assert "No such file" in failure.detail


# ---- F12: proxies


def through(proxy, port, credentials="", **more):
    name, _, password = credentials.partition(":")
    way = Proxy(host="127.0.0.1", port=proxy.port, username=name, password=password)
    return Dialer("127.0.0.1", port, proxy=way, allow_local=True, **more)


@pytest.mark.parametrize("credentials", ["", "me:p@ss word"])
async def test_f12_through_a_proxy(get, body_of, credentials):
    async with open_connect_proxy() as proxy, open_raw_server(answering(HELLO)) as server:
        proxy.credentials = credentials
        body = await fetch(through(proxy, server.port, credentials), get(), body_of)

    assert (body, proxy.asked) == (b"hello", [f"127.0.0.1:{server.port}"])


async def test_f12_through_a_proxy_with_tls_to_the_target(get, body_of, tmp_path, authority):
    tls = TlsSource(TlsFiles(ca_file=trust(tmp_path, authority)))
    serving = server_tls(tmp_path / "server", authority.issue(HOSTS))
    async with open_connect_proxy() as proxy, open_raw_server(answering(HELLO, HELLO), tls=serving) as server:
        body = await fetch(through(proxy, server.port, tls=tls), get(), body_of)

    assert body == b"hello"


async def test_f12_bytes_behind_the_proxys_answer_are_not_lost():
    async def serve(peer):
        await peer.send(b"220 ready\r\n")
        await peer.read()

    async with open_connect_proxy() as proxy, open_raw_server(serve) as server:
        pipe = await through(proxy, server.port).dial(Pipe)
        data = await pipe.read()
        pipe.close()

    assert data == b"220 ready\r\n"


async def test_f12_a_proxy_that_wants_other_credentials():
    async with open_connect_proxy() as proxy:
        proxy.credentials = "me:right"
        failure = await failure_of(through(proxy, 80, "me:wrong"))

    assert failure.code == pb.Reset.CODE_DIAL_FAILED
    assert failure.detail.endswith(f"proxy 127.0.0.1:{proxy.port} wants other credentials (407)")
    assert "wrong" not in failure.detail


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "answered 502", id="502"),
        pytest.param(b"SSH-2.0\r\n\r\n", "something else than HTTP", id="not-http"),
        pytest.param(b"HTTP/1.1 200 OK\r\n", "did not answer CONNECT", id="half-an-answer"),
        pytest.param(b"x" * 40_000, "did not answer CONNECT", id="endless"),
    ],
)
async def test_f12_a_proxy_that_answers_otherwise(answer, says):
    async with open_connect_proxy() as proxy:
        proxy.answer = answer
        failure = await failure_of(through(proxy, 80))

    assert failure.code == pb.Reset.CODE_DIAL_FAILED
    assert says in failure.detail


async def test_f12_a_proxy_that_hangs_is_given_up():
    async with open_connect_proxy() as proxy:
        proxy.hangs = True
        failure = await failure_of(through(proxy, 80, limit_s=0.2))

    assert failure.code == pb.Reset.CODE_DIAL_TIMEOUT


async def test_f12_a_proxy_that_dies_breaks_the_call(get):
    async def serve(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\nhello")
        await peer.read()

    async with open_connect_proxy() as proxy, open_raw_server(serve) as server:
        client = HttpClient(through(proxy, server.port))
        connection = await client.send(get())
        await connection.read()
        proxy.cut()
        with pytest.raises(TargetFailure) as caught:
            await connection.read()
        connection.release()
        client.close()

    assert (caught.value.code, caught.value.dispatched) == (pb.Reset.CODE_TARGET_RESET, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "x.localhost", "169.254.169.254", "[::1]"])
async def test_21_a_proxy_is_not_asked_for_this_machine(host):
    async with open_connect_proxy() as proxy:
        dialer = Dialer(host.strip("[]"), 80, proxy=Proxy(host="127.0.0.1", port=proxy.port))
        failure = await failure_of(dialer)

    assert (failure.code, proxy.asked) == (pb.Reset.CODE_DENIED, [])
