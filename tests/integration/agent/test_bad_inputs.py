"""Bad inputs of a caller, by their number in the list of the tunnel's design: only the offender is hurt, and told why.

Each bad request goes out beside a good one on the same tunnel, which must succeed.
"""

from __future__ import annotations

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.catalog import Catalog
from borealis_agent.targets.policy import KubeDeny, KubeRule, Policy, ServiceRange, TcpAddress, WebTarget
from borealis_agent.targets.target import TargetFailure
from borealis_wire.aio.stream import StreamWasReset
from kit.agent_streams import exchange, refusal, serving
from kit.raw_server import answering, open_raw_server

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def header(name, value=b"1"):
    return pb.HttpHeader(name=name, value=value)


def web(path="/ok", *, target="web", method="GET", headers=(), **more):
    return pb.Open(target=target, http=pb.HttpRequest(method=method, path=path, headers=headers), **more)


@pytest.fixture
async def bed():
    """A tunnel to an agent with one web target, and what that target has received."""
    received = []

    async def serve(peer):
        while True:
            received.append(await peer.request())
            await peer.send(HELLO)

    async with open_raw_server(serve) as server:
        url = f"http://127.0.0.1:{server.port}"
        targets = {"web": WebTarget(url=url, allow_local=True, methods=("GET", "HEAD", "POST"), paths=("/ok",))}
        metadata = TcpAddress(host="169.254.169.254", port=80)
        local = TcpAddress(host="localhost", port=server.port)
        policy = Policy(
            http=targets,
            tcp={"metadata": metadata, "local": local},
            services={"preview": ServiceRange(namespaces=("shop",), ports=(80,))},
        )
        catalog = Catalog(policy)
        async with serving(catalog) as hub:
            yield hub, received
        catalog.close()


async def refused(bed, request, body=b""):
    """How a bad request ends; the target has not heard of it, and a good one beside it succeeds."""
    hub, received = bed
    failure = await refusal(hub, request, body)
    assert received == []
    assert failure.dispatched is False
    _, data = await exchange(hub, web())
    assert data == b"hello"
    return failure


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param([header("X", b"a\r\nHost: evil")], pb.Reset.CODE_PROTOCOL, id="crlf-in-value"),
        pytest.param([header("X", b"a\nb")], pb.Reset.CODE_PROTOCOL, id="lf-in-value"),
        pytest.param([header("X", b"a\0b")], pb.Reset.CODE_PROTOCOL, id="nul-in-value"),
        pytest.param([header("X\r\nHost")], pb.Reset.CODE_PROTOCOL, id="crlf-in-name"),
        pytest.param([header("X Y")], pb.Reset.CODE_PROTOCOL, id="space-in-name"),
        pytest.param([header("")], pb.Reset.CODE_PROTOCOL, id="no-name"),
        pytest.param([header("Host"), header("host")], pb.Reset.CODE_PROTOCOL, id="two-hosts"),
        pytest.param(
            [header("Transfer-Encoding", b"chunked"), header("Content-Length", b"5")],
            pb.Reset.CODE_PROTOCOL,
            id="te-cl",
        ),
        pytest.param([header("Content-Length"), header("Content-Length")], pb.Reset.CODE_PROTOCOL, id="two-lengths"),
        pytest.param([header("Content-Length", b"+1")], pb.Reset.CODE_PROTOCOL, id="length-with-sign"),
        pytest.param([header("Content-Length", b"\xb2")], pb.Reset.CODE_PROTOCOL, id="length-of-another-script"),
        pytest.param([header(f"X-{n}") for n in range(300)], pb.Reset.CODE_TOO_LARGE, id="300-fields"),
        pytest.param([header("X", b"x" * 65 * 1024)], pb.Reset.CODE_TOO_LARGE, id="65-KiB"),
    ],
)
async def test_18_header_fields_that_could_be_read_in_two_ways(bed, headers, code):
    assert (await refused(bed, web(headers=headers))).code == code


@pytest.mark.parametrize(
    "path",
    [
        "/ok/../admin",
        "/ok/%2e%2e/admin",
        "/ok/%2E./admin",
        "/ok/..%2fadmin",
        "/ok/..;x=1/admin",
        "/ok//admin",
        "//ok",
        "/ok/%00",
        "/ok/%5c..%5cadmin",
        "/ok\\admin",
        "http://evil.example/ok",
        "/ok HTTP/1.1\r\nHost: evil",
        "/ok#part",
        "ok",
        "",
        "/\u2024\u2024/admin",
        "/okay",
        "/admin",
    ],
)
async def test_19_paths_that_lead_elsewhere(bed, path):
    assert (await refused(bed, web(path))).code == pb.Reset.CODE_DENIED


async def test_19_a_path_of_9_kib(bed):
    assert (await refused(bed, web("/ok/" + "x" * 9 * 1024))).code == pb.Reset.CODE_TOO_LARGE


@pytest.mark.parametrize(
    ("target", "says"),
    [
        pytest.param("", "names no target", id="empty"),
        pytest.param("w\u0435b", r"'w\u0435b'", id="cyrillic"),
        pytest.param("web ", "'web '", id="space"),
        pytest.param("WEB", "'WEB'", id="case"),
        pytest.param("web\0", r"'web\x00'", id="nul"),
        pytest.param("kube", "'kube'", id="not-offered"),
        pytest.param("metadata", "HTTP", id="tcp"),
        pytest.param("preview", "preview:namespace/name:port", id="range"),
        pytest.param("preview:shop/web", "preview:namespace/name:port", id="no-port"),
        pytest.param("preview:shop/web.kube-system:80", "preview:namespace/name:port", id="dot"),
        pytest.param("preview:kube-system/web:80", "not of kube-system", id="other-namespace"),
        pytest.param("preview:shop/web:22", "not 22", id="other-port"),
    ],
)
async def test_20_targets_that_are_not_offered(bed, target, says):
    failure = await refused(bed, web(target=target))

    assert failure.code == pb.Reset.CODE_DENIED
    assert says in failure.detail


@pytest.mark.parametrize("target", ["metadata", "local"])
async def test_21_addresses_of_metadata_and_of_this_machine(bed, target):
    failure = await refused(bed, pb.Open(target=target, tcp=pb.TcpRequest()))

    assert failure.code == pb.Reset.CODE_DENIED
    assert "may not be reached" in failure.detail


@pytest.mark.parametrize("name", ["Impersonate-User", "impersonate-group", "Impersonate-Extra-x", "X-Remote-User"])
async def test_22_an_identity_of_the_callers_own(bed, name):
    assert (await refused(bed, web(headers=[header(name, b"admin")]))).code == pb.Reset.CODE_DENIED


async def test_22_credentials_of_the_caller_do_not_reach_the_target(bed):
    hub, received = bed
    names = ["Authorization", "Cookie", "Proxy-Authorization", "Connection", "Keep-Alive", "TE", "Expect", "Host"]
    headers = [header(name, b"evil") for name in names] + [header("X-Kept", b"kept")]

    await exchange(hub, web(headers=headers))

    assert b"evil" not in received[0]
    assert b"X-Kept: kept\r\n" in received[0]


async def test_22_what_connection_names_belongs_to_the_connection(bed):
    hub, received = bed

    await exchange(hub, web(headers=[header("Connection", b"X-Secret, close"), header("X-Secret"), header("X-Kept")]))

    assert b"X-Secret" not in received[0]
    assert b"X-Kept" in received[0]


@pytest.mark.parametrize("length", [b"4", b"6"])
async def test_23_a_length_that_is_not_that_of_the_body(bed, length):
    request = web(method="POST", headers=[header("Content-Length", length)])
    failure = await refused(bed, request, b"hello")

    assert failure.code == pb.Reset.CODE_PROTOCOL


@pytest.mark.parametrize(("length", "word"), [(b"400000", "shorter"), (b"200000", "longer")])
async def test_23_a_length_that_is_not_that_of_a_body_in_pieces(bed, length, word):
    hub, _ = bed
    request = web(method="POST", headers=[header("Content-Length", length)])
    with pytest.raises(StreamWasReset) as caught:
        await exchange(hub, request, b"x" * 300_000)
    _, data = await exchange(hub, web())

    assert (caught.value.code, caught.value.dispatched) == (pb.Reset.CODE_PROTOCOL, True)
    assert word in caught.value.detail
    assert data == b"hello"


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        pytest.param("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", id="head"),
        pytest.param("GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil", id="204"),
        pytest.param("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil", id="304"),
    ],
)
async def test_24_a_body_where_none_may_be_is_nobodys(method, answer):
    async with open_raw_server(answering(answer, HELLO)) as server:
        catalog = Catalog(Policy(http={"web": WebTarget(url=f"http://127.0.0.1:{server.port}", allow_local=True)}))
        async with serving(catalog) as hub:
            opened, data = await exchange(hub, web("/", method=method))
        catalog.close()

    assert (opened.http.status, data) == (int(answer[9:12]), b"")
    assert server.connections == 1


async def test_24_interim_answers_are_dropped_and_trailers_come_back():
    answer = (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\nX-Sum: 5\r\nSet-Cookie: a=b\r\n\r\n"
    )
    async with open_raw_server(answering(answer)) as server:
        catalog = Catalog(Policy(http={"web": WebTarget(url=f"http://127.0.0.1:{server.port}", allow_local=True)}))
        async with serving(catalog) as hub, hub.open(web("/")) as stream:
            opened = await stream.answered()
            data = await stream.read()
            await stream.read()
            trailers = [(one.name, one.value) for one in stream.trailers]
        catalog.close()

    assert (opened.http.status, data, trailers) == (200, b"hello", [("x-sum", b"5")])
    assert not opened.http.headers


async def test_redirects_come_back_and_are_not_followed():
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"
    async with open_raw_server(answering(answer)) as server:
        catalog = Catalog(Policy(http={"web": WebTarget(url=f"http://127.0.0.1:{server.port}", allow_local=True)}))
        async with serving(catalog) as hub:
            opened, _ = await exchange(hub, web("/"))
        catalog.close()

    assert opened.http.status == 302
    assert server.connections == 1


class Somebody:
    """A target that must not be asked."""

    private_fields: frozenset[bytes] = frozenset()

    async def send(self, request):
        raise AssertionError(request)

    open = send


def test_the_kube_allow_list_is_asked_before_the_target():
    deny = KubeDeny(resources=("secrets",))
    catalog = Catalog(Policy(kube=KubeRule(namespaces=("shop",), deny=(deny,))), kube=Somebody())

    for path in ("/api/v1/namespaces/shop/secrets", "/api/v1/pods", "/api/v1/namespaces/shop%2f..%2fx/pods"):
        with pytest.raises(TargetFailure) as caught:
            catalog.http("kube", "GET", path)
        assert caught.value.code == pb.Reset.CODE_DENIED
    assert catalog.http("kube", "GET", "/api/v1/namespaces/shop/pods")
