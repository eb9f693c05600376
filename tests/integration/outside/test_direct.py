"""HTTP to machines outside, against real servers: what arrives, what is refused, and what every failure is called."""

from __future__ import annotations

import socket
import ssl

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from borealis_sandbox.pki import Authority
from borealis_server.adapters.outside.direct import open_direct
from borealis_server.ports.outside import OutsideAnswer, OutsideFailure, OutsideRequest
from kit import hooks as kit
from kit.hooks import open_hooks
from kit.raw_server import HOSTS, answering, open_raw_server, server_tls, trust


@pytest.fixture
async def hooks():
    async with open_hooks() as running:
        yield running


def request(url, **fields):
    return OutsideRequest(method=fields.pop("method", "POST"), url=url, **fields)


async def send(url, *, allows_private=True, tls=None, **fields):
    async with open_direct(allows_private=allows_private, tls=tls) as outside:
        return await outside.send(request(url, **fields))


async def test_the_request_arrives_as_it_was_written(hooks):
    hooks.says(kit.status(202, "soon", X_Job="7"))

    answer = await send(
        f"{hooks.root}/jobs/a%2Fb?x=1&y={{}}",
        method="PUT",
        headers=(("Authorization", "Bearer t"), ("X-Empty", ""), ("x-twice", "1"), ("x-twice", "2"), ("Host", "evil")),
        body=b'{"a": 1}',
    )

    (came,) = hooks.came
    assert (came.method, came.target, came.body) == ("PUT", "/jobs/a%2Fb?x=1&y=%7B%7D", b'{"a": 1}')
    assert came.headers["authorization"] == "Bearer t"
    assert came.headers["host"] == f"127.0.0.1:{hooks.port}"
    assert came.headers["user-agent"] == "borealis"
    assert not came.headers.keys() & {"accept-encoding", "cookie", "connection"} - {"connection"}
    assert isinstance(answer, OutsideAnswer)
    assert (answer.status, answer.reason, answer.body, answer.is_cut) == (202, "Accepted", b"soon", False)
    assert answer.header("x-job") == "7"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_every_method_of_the_language_can_be_sent(hooks, method):
    answer = await send(hooks.root, method=method)

    assert answer.status == 200
    assert [came.method for came in hooks.came] == [method]


async def test_an_answer_has_no_more_than_was_wanted_and_an_endless_one_is_cut(hooks):
    hooks.says(kit.endless(hooks, b"x" * 1000))

    answer = await send(hooks.root, size_limit_bytes=2500)

    assert (answer.body, answer.is_cut) == (b"x" * 2500, True)


async def test_no_redirect_is_followed(hooks):
    hooks.says(kit.status(302, Location=f"{hooks.root}/elsewhere"))

    answer = await send(f"{hooks.root}/here")

    assert answer.status == 302
    assert [came.target for came in hooks.came] == ["/here"]


async def test_no_cookie_is_kept_between_requests(hooks):
    hooks.says(kit.status(200, Set_Cookie="session=1"))

    async with open_direct(allows_private=True) as outside:
        await outside.send(request(hooks.root))
        await outside.send(request(hooks.root))

    assert "cookie" not in hooks.came[1].headers


class TestFailures:
    @pytest.mark.parametrize("answer", ["silent", "stalls"])
    async def test_the_limit_of_time_holds_for_everything_together(self, hooks, answer):
        async def stalls(incoming):
            response = web.StreamResponse()
            await response.prepare(incoming)
            await response.write(b"x")
            await hooks.over.wait()
            return response

        hooks.says(kit.silent(hooks) if answer == "silent" else stalls)

        failure = await send(hooks.root, time_limit_s=0.3)

        assert failure == OutsideFailure(detail="it did not answer wholly within 0.3 s", may_have_arrived=True)

    async def test_a_connection_that_is_refused_says_so_and_nothing_has_arrived(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]

        failure = await send(f"http://127.0.0.1:{port}/")

        assert "the connection failed: " in failure.detail
        assert (failure.is_refused, failure.may_have_arrived) == (False, False)

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
    async def test_a_connection_that_is_closed_may_have_brought_the_request_which_is_sent_once(self, hooks, method):
        hooks.says(kit.hang_up())

        failure = await send(hooks.root, method=method)

        assert len(hooks.came) == 1
        assert failure.may_have_arrived
        assert not failure.is_refused

    async def test_what_is_no_http_is_told(self):
        async with open_raw_server(answering(b"SSH-2.0-OpenSSH\r\n\r\n")) as server:
            failure = await send(f"http://127.0.0.1:{server.port}/")

        assert failure.detail == "it does not speak HTTP as it should"

    async def test_a_name_that_nobody_has_is_told(self):
        failure = await send("http://no-such-machine.invalid/")

        assert failure == OutsideFailure(detail="there is no machine of the name no-such-machine.invalid")

    @pytest.mark.parametrize(
        ("url", "headers"),
        [
            pytest.param("ftp://a.example/", (), id="scheme"),
            pytest.param("https://ana:pw@a.example/", (), id="password"),
            pytest.param("https://a.example/a b", (), id="blank"),
            pytest.param("https://a.example/\r\nX: 1", (), id="line-break"),
            pytest.param("https://a.example:99999/", (), id="port"),
            pytest.param("https://a.example/", (("X-A", "1\r\nX-B: 2"),), id="header-split"),
            pytest.param("https://a.example/", (("X A", "1"),), id="header-name"),
            pytest.param("https://a.example/", (("X-A", "\u20ac"),), id="header-not-latin"),
        ],
    )
    async def test_what_cannot_be_sent_is_refused_without_showing_it(self, url, headers):
        failure = await send(url, headers=headers)

        assert failure.is_refused
        assert not failure.may_have_arrived
        assert "pw" not in failure.detail


class TestTls:
    async def test_a_trusted_certificate_is_fine(self, tmp_path):
        authority = Authority("of the test")
        async with open_hooks(server_tls(tmp_path / "server", authority.issue(HOSTS))) as hooks:
            answer = await send(hooks.root, tls=_trusting(tmp_path, authority))

        assert answer.status == 200

    async def test_another_authority_is_told(self, tmp_path):
        authority = Authority("of the test")
        async with open_hooks(server_tls(tmp_path / "server", authority.issue(HOSTS))) as hooks:
            failure = await send(hooks.root)

        assert failure.detail.startswith("its certificate is not trusted: ")
        assert hooks.came == []

    async def test_a_certificate_for_another_name_is_told(self, tmp_path):
        authority = Authority("of the test")
        async with open_hooks(server_tls(tmp_path / "server", authority.issue(["other.example"]))) as hooks:
            failure = await send(hooks.root, tls=_trusting(tmp_path, authority))

        assert failure.detail.startswith("its certificate is not trusted: ")


class TestGuard:
    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"],  # noqa: S104
    )
    async def test_machines_that_are_not_public_are_refused_whatever_they_are_called(self, hooks, host):
        failure = await send(f"http://{host}:{hooks.port}/", allows_private=False)

        assert failure.is_refused
        assert "a machine that is not public" in failure.detail
        assert "allow_private_addresses" in failure.detail
        assert hooks.came == []

    @pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.1", "0177.0.0.1"])
    async def test_another_spelling_of_an_address_does_not_lead_there_either(self, hooks, host):
        failure = await send(f"http://{host}:{hooks.port}/", allows_private=False)

        assert isinstance(failure, OutsideFailure)
        assert hooks.came == []

    async def test_a_name_that_changes_its_mind_is_judged_by_where_the_connection_goes(self, hooks):
        async with open_direct(resolver=Rebound()) as outside:
            failure = await outside.send(request(f"http://public.example:{hooks.port}/"))

        assert "leads to a machine that is not public (127.0.0.1 is a loopback address)" in failure.detail
        assert hooks.came == []

    async def test_of_several_addresses_one_that_is_not_public_is_enough(self, hooks):
        async with open_direct(resolver=Rebound("127.0.0.1", "::1")) as outside:
            failure = await outside.send(request(f"http://public.example:{hooks.port}/"))

        assert failure.is_refused
        assert hooks.came == []


class Rebound(AbstractResolver):
    """A name service that leads to this machine."""

    def __init__(self, *addresses):
        self._addresses = addresses or ("127.0.0.1",)

    async def resolve(self, host, port=0, family=socket.AF_INET):  # noqa: ARG002 - as the library's own
        return [_result(host, port, one) for one in self._addresses]

    async def close(self):
        """Nothing to close."""


def _result(host, port, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}


def _trusting(folder, authority):
    return ssl.create_default_context(cafile=str(trust(folder, authority)))
