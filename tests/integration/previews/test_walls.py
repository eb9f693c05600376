"""What may not pass a preview, each attempt by its number in docs/previews.md."""

from __future__ import annotations

import asyncio
import ssl

import h2.connection
import h2.events
import pytest
from yarl import URL

from kit.previews import make_service, origin_of

VICTIM = b"GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n"


def paths(app):
    return [path for _, path, _ in app.received]


async def attempt(door, head: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and all bytes that come back for a request as it stands here; `HOST` in it is a preview's."""
    host = origin_of(await door.expose())
    answer = await door.raw(head.replace("HOST", host).replace("\n", "\r\n").encode("latin-1") + body)
    return (int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0), answer


class TestHosts:
    """1 to 4."""

    async def test_1_two_hosts_are_none(self, door, app):
        status, _ = await attempt(door, "GET / HTTP/1.1\nHost: HOST\nHost: localhost\nConnection: close\n\n")

        assert (status, app.received) == (400, [])

    async def test_1_two_hosts_of_http2_are_none(self, door, app):
        host = origin_of(await door.expose())

        assert await h2_status(door, host, [("host", "localhost")]) in {0, 400}
        assert await h2_status(door, "localhost", [("host", host)]) in {0, 400}
        assert app.received == []
        assert await h2_status(door, host, []) == 200

    async def test_2_nothing_of_ours_is_served_on_a_previews_host(self, door, visitor, app):
        url = await door.expose()
        for path in ("metrics", "healthz", "kube/prod/api", ".well-known/openid-configuration", "oauth/token"):
            async with visitor.get(f"{url}/{path}") as answer:
                assert answer.status == 404
        assert len(app.received) == 5

    async def test_3_nothing_of_a_preview_is_served_on_our_host(self, door, visitor, app):
        host = origin_of(await door.expose())
        for fields in ({"X-Forwarded-Host": host}, {"Forwarded": f"host={host}"}, {"X-Host": host}):
            async with visitor.get(f"https://localhost:{door.port}/healthz", headers=fields) as answer:
                assert await answer.text() == "ok\n"
        assert app.received == []

    async def test_4_another_address_in_the_request_line_leads_nowhere(self, door, app):
        for target in ("http://other.example/latest", "https://localhost/metrics", "HOST:80"):
            status, _ = await attempt(door, f"GET {target} HTTP/1.1\nHost: HOST\nConnection: close\n\n")
            assert status == 400
        assert app.received == []


class TestSmuggling:
    """5 to 8."""

    async def test_5_a_length_that_can_be_read_in_two_ways_is_refused(self, door, app):
        for fields in (
            "Content-Length: 5\nContent-Length: 6",
            "Content-Length: +5",
            "Content-Length: 0x5",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding : chunked",
            "Bad Name: 1",
            "X: 1\0",
        ):
            head = f"POST /echo HTTP/1.1\nHost: HOST\n{fields}\nConnection: close\n\n"
            status, _ = await attempt(door, head, b"0\r\n\r\n" + VICTIM)
            assert status in {400, 501}, fields
        assert app.received == []

    async def test_6_a_length_beside_chunks_means_nothing(self, door, app):
        head = "POST /echo HTTP/1.1\nHost: HOST\nContent-Length: 6\nTransfer-Encoding: chunked\n\n"
        await attempt(door, head, b"0\r\n\r\n" + VICTIM)

        assert "/smuggled" not in paths(app)
        assert all("content-length" not in fields or fields["content-length"] == ["0"] for *_, fields in app.received)

    async def test_6_a_request_in_a_body_stays_in_the_body(self, door, visitor, app):
        async with visitor.post(f"{await door.expose()}/echo", data=VICTIM * 3) as answer:
            assert await answer.read() == VICTIM * 3
        assert paths(app) == ["/echo"]

    async def test_7_a_body_that_is_shorter_than_it_says_makes_no_request(self, door, visitor, app):
        host = origin_of(await door.expose())
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=_blind())
        writer.write(f"POST /echo HTTP/1.1\r\nHost: {host}\r\nContent-Length: 90000\r\n\r\nshort".encode())
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.close()
        async with visitor.get(f"https://{host}/") as answer:
            assert answer.status == 200
        assert paths(app)[-1] == "/"
        assert "/echo" not in paths(app)[:-1] or len(app.received) <= 2
        del reader

    async def test_8_fields_of_the_connection_end_here(self, door, visitor, app):
        fields = {"Connection": "keep-alive, X-Secret", "X-Secret": "1", "TE": "trailers", "Proxy-Authorization": "x"}
        async with visitor.get(f"{await door.expose()}/", headers=fields) as answer:
            assert answer.status == 200
        assert not {"x-secret", "te", "proxy-authorization", "keep-alive", "upgrade"} & app.last.keys()


class TestWhoSaysWhat:
    """9 to 12."""

    async def test_9_a_visitor_says_nothing_in_the_name_of_a_proxy(self, door, visitor, app):
        url = await door.expose()
        lies = {
            "X-Forwarded-For": "10.0.0.1",
            "X-Forwarded-Host": "admin.internal",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Prefix": "/x",
            "Forwarded": "for=10.0.0.1",
            "X-Real-IP": "10.0.0.1",
            "X-Forwarded-Client-Cert": "Subject=admin",
            "Impersonate-User": "admin",
            "X-Remote-User": "admin",
        }
        async with visitor.get(f"{url}/", headers=lies) as answer:
            assert answer.status == 200

        assert app.last["x-forwarded-host"] == [origin_of(url)]
        assert app.last["x-forwarded-proto"] == ["https"]
        assert app.last["x-forwarded-for"] == ["127.0.0.1"]
        assert app.last["host"] == [f"shop.{door.namespace}.svc"]
        assert not {name.lower() for name in lies} & app.last.keys() - {
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
        }

    async def test_10_our_cookies_do_not_reach_the_application_and_its_own_do(self, door, visitor, app):
        given = "a=1; __Host-borealis-preview=x; borealis_session=y; __Secure-borealis=z; b=2; =borealis=q"
        async with visitor.get(f"{await door.expose()}/", headers={"Cookie": given}) as answer:
            assert answer.status == 200
        assert app.last["cookie"] == ["a=1; b=2"]

    async def test_10_cookies_of_the_application_stay_on_its_host_and_are_never_ours(self, door, visitor):
        async with visitor.get(f"{await door.expose()}/set-cookies") as answer:
            assert answer.headers.getall("Set-Cookie") == ["session=1; Path=/; HttpOnly", "wide=1; Path=/"]

    async def test_11_our_tokens_do_not_reach_the_application_and_its_own_do(self, door, visitor, app):
        url = await door.expose()
        async with visitor.get(f"{url}/private", headers={"Authorization": f"Bearer {await door.token()}"}) as answer:
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="shop"')
        assert "authorization" not in app.last
        async with visitor.get(f"{url}/private", headers={"Authorization": "Basic c2hvcDpzaG9w"}) as answer:
            assert await answer.text() == "Basic c2hvcDpzaG9w"

    async def test_12_answers_reach_no_further_than_their_host(self, door, visitor):
        url = await door.expose()
        async with visitor.get(f"{url}/set-cookies") as answer:
            names = {name.lower() for name in answer.headers}
            assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
            assert answer.headers["Referrer-Policy"] == "same-origin"
        assert not {"clear-site-data", "alt-svc", "x-request-id", "via"} & names

    async def test_12_a_redirect_to_the_service_leads_back_to_the_preview(self, door, visitor):
        url, name = await door.expose(), f"shop.{door.namespace}.svc"
        for to, expected in {
            f"http://{name}/a?b=1": f"{url}/a?b=1",
            f"http://{name}:80/": f"{url}/",
            "/next": "/next",
            "https://example.com/x": "https://example.com/x",
            "http://shop.other.svc/": "http://shop.other.svc/",
        }.items():
            async with visitor.get(URL(f"{url}/redirect").with_query(to=to), allow_redirects=False) as answer:
                assert answer.headers["Location"] == expected


class TestWhere:
    """13 to 16."""

    async def test_13_a_path_that_leaves_its_place_is_refused(self, door, app):
        for path in ("/../etc", "/a/%2e%2e/b", "//other.example/", "/a/..;/b", "/a%00", "/a\\b"):
            status, _ = await attempt(door, f"GET {path} HTTP/1.1\nHost: HOST\nConnection: close\n\n")
            assert status in {400, 403}, path
        assert app.received == []

    async def test_14_an_endpoint_with_the_metadata_of_a_cloud_is_not_connected_to(self, door, visitor, rest, app):
        app.host = "168.63.129.16"  # of Azure; the API server itself takes no loopback and no link-local address
        await make_service(rest, door.namespace, "metadata", app)
        async with visitor.get(f"{await door.expose('metadata')}/") as answer:
            assert answer.status == 403
            assert "168.63" not in await answer.text()

    @pytest.mark.parametrize("policy_changes", [{"namespaces": ("x",)}, {"ports": (443,)}, {"methods": ("GET",)}])
    async def test_15_the_agents_list_has_the_last_word(self, door, visitor, app, policy_changes):
        async with visitor.post(f"{await door.expose()}/echo", data=b"1") as answer:
            text = await answer.text()

        assert (answer.status, app.received) == (403, [])
        assert not any(str(value) in text for (value,) in policy_changes.values() if value != "x")
        assert door.namespace not in text

    async def test_16_other_methods_do_not_pass(self, door, visitor, app):
        for method in ("TRACE", "PROPFIND", "FOO"):
            async with visitor.request(method, f"{await door.expose()}/") as answer:
                assert answer.status == 405
        assert app.received == []


async def h2_status(door, authority: str, fields: list[tuple[str, str]]) -> int:
    """Status of a request over HTTP/2; 0 where the server ends the stream or the connection."""
    context = _blind()
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=context)
    client = h2.connection.H2Connection()
    client.config.validate_outbound_headers = False
    client.config.normalize_outbound_headers = False
    client.initiate_connection()
    head = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", "/"), *fields]
    client.send_headers(1, head, end_stream=True)
    writer.write(client.data_to_send())
    try:
        async with asyncio.timeout(20):
            while data := await reader.read(65536):
                for event in client.receive_data(data):
                    match event:
                        case h2.events.ResponseReceived():
                            return int(dict(event.headers)[b":status"])
                        case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                            return 0
                writer.write(client.data_to_send())
    finally:
        writer.close()
    return 0


def _blind() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
