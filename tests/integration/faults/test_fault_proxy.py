"""The fault proxy does what it says: otherwise the tests that use it prove nothing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from kit.fault_proxy import FaultProxy
from kit.tunnel import wait_until

BYTES = bytes(range(256)) * 1024


class Echo:
    """A server that sends back what it gets, and says what it saw."""

    def __init__(self) -> None:
        self.port = 0
        self.reads: list[bytes] = []
        self.ends: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(2**20):
                self.reads.append(data)
                writer.write(data)
                await writer.drain()
            self.ends.append("fin")
        except ConnectionResetError:
            self.ends.append("rst")
        finally:
            writer.transport.abort()

    @property
    def received(self) -> bytes:
        return b"".join(self.reads)


@asynccontextmanager
async def open_echo():
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0, limit=2**20)
    echo.port = server.sockets[0].getsockname()[1]
    try:
        yield echo
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def echo():
    async with open_echo() as echo:
        yield echo


@pytest.fixture
async def proxy(echo):
    async with FaultProxy(echo.port) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy):
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    yield reader, writer
    writer.transport.abort()


async def echoed(client, data=b"hello"):
    reader, writer = client
    writer.write(data)
    async with asyncio.timeout(5):
        return await reader.readexactly(len(data))


async def nothing_comes(client, for_s=0.1):
    try:
        async with asyncio.timeout(for_s):
            await client[0].read(1)
    except TimeoutError:
        return True
    return False


async def test_everything_passes_while_nothing_is_wrong(proxy, client, echo):
    got = await echoed(client, BYTES)
    client[1].write_eof()
    rest = await client[0].read()

    assert (got, rest) == (BYTES, b"")
    assert echo.ends == ["fin"]
    assert proxy.up.passed_bytes == proxy.down.passed_bytes == len(BYTES)
    await wait_until(lambda: proxy.connections == 0)


async def test_a_frozen_connection_is_silent_and_gives_everything_once_healed(proxy, client, echo):
    proxy.freeze()
    client[1].write(b"hello")
    silent = await nothing_comes(client)
    seen = echo.received
    proxy.heal()

    assert (silent, seen) == (True, b"")
    assert await client[0].readexactly(5) == b"hello"


async def test_an_end_does_not_pass_a_frozen_connection(proxy, client, echo):
    await echoed(client)
    proxy.freeze()
    client[1].transport.abort()
    await asyncio.sleep(0.1)
    seen = list(echo.ends)
    proxy.heal()
    await wait_until(lambda: echo.ends)

    assert seen == []
    assert echo.ends == ["fin"]


async def test_one_way_can_be_frozen_alone(proxy, client, echo):
    proxy.freeze(proxy.down)
    client[1].write(b"hello")
    await wait_until(lambda: echo.received == b"hello")

    assert await nothing_comes(client)


async def test_a_connection_to_a_frozen_proxy_is_taken_and_hears_nothing(proxy):
    proxy.freeze()
    client = await asyncio.open_connection("127.0.0.1", proxy.port)
    client[1].write(b"hello")
    silent = await nothing_comes(client)
    proxy.heal()
    got = await client[0].readexactly(5)
    client[1].transport.abort()

    assert silent
    assert got == b"hello"


async def test_dropped_bytes_never_come(proxy, client, echo):
    proxy.drop(proxy.up)
    client[1].write(b"lost")
    await wait_until(lambda: proxy.up.passed_bytes == 4)
    proxy.heal()

    assert await echoed(client) == b"hello"
    assert echo.received == b"hello"


async def test_delayed_bytes_come_later_and_in_order(proxy, client):
    loop = asyncio.get_running_loop()
    proxy.delay(0.1)
    began_at = loop.time()
    got = await echoed(client, BYTES)

    assert got == BYTES
    assert loop.time() - began_at >= 0.2


async def test_throttled_bytes_take_their_time(proxy, client):
    loop = asyncio.get_running_loop()
    proxy.throttle(200_000, proxy.down)
    began_at = loop.time()
    got = await echoed(client, BYTES[:60_000])

    assert got == BYTES[:60_000]
    assert loop.time() - began_at >= 0.15


async def test_split_bytes_leave_in_small_pieces(proxy, client):
    proxy.split(7, proxy.up)
    got = await echoed(client, BYTES[:70])

    assert got == BYTES[:70]
    assert max(map(len, proxy.up.pieces(BYTES))) == 7


async def test_merged_bytes_leave_together(proxy, client, echo):
    proxy.merge(0.1, proxy.up)
    for _ in range(5):
        client[1].write(b"x")
        await asyncio.sleep(0.005)
    await wait_until(lambda: echo.received)

    assert echo.reads == [b"xxxxx"]


async def test_one_bit_is_flipped_once(proxy, client):
    proxy.corrupt(proxy.up, after_bytes=300)
    first, second = await echoed(client, BYTES[:1000]), await echoed(client, BYTES[:1000])

    assert [number for number, (one, other) in enumerate(zip(first, BYTES, strict=False)) if one != other] == [300]
    assert second == BYTES[:1000]


async def test_a_reset_reaches_both_ends(proxy, client, echo):
    await echoed(client)
    proxy.reset()

    with pytest.raises(ConnectionResetError):
        await client[0].read(1)
    await wait_until(lambda: echo.ends == ["rst"])


async def test_closing_ends_both_ends_in_order(proxy, client, echo):
    await echoed(client)
    proxy.close()

    assert await client[0].read(1) == b""
    await wait_until(lambda: echo.ends == ["fin"])


async def test_who_dialled_does_not_notice_a_half_open_connection(proxy, client, echo):
    await echoed(client)
    proxy.half_open()
    await wait_until(lambda: echo.ends == ["rst"])
    client[1].write(b"anybody there?")

    assert await nothing_comes(client)
    assert proxy.connections == 1


async def test_an_idle_connection_is_cut_and_a_busy_one_is_not(proxy, client):
    proxy.cut_idle(0.2)
    for _ in range(10):
        await echoed(client)
        await asyncio.sleep(0.05)
    cut_while_busy = proxy.cut
    with pytest.raises(ConnectionResetError):
        await client[0].read(1)

    assert (cut_while_busy, proxy.cut) == (0, 1)


async def test_a_refusing_proxy_resets_newcomers_and_leaves_others_alone(proxy, client):
    await echoed(client)
    proxy.refuse()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    writer.transport.abort()

    assert await echoed(client) == b"hello"


async def test_nobody_behind_it_is_a_reset(proxy):
    proxy.upstream_port = 1
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    writer.transport.abort()


async def test_a_proxy_that_is_left_ends_all_its_connections(echo):
    async with FaultProxy(echo.port) as proxy:
        client = await asyncio.open_connection("127.0.0.1", proxy.port)
        await echoed(client)
        proxy.freeze()

    with pytest.raises(ConnectionResetError):
        await client[0].read(1)
    client[1].transport.abort()
    assert proxy.connections == 0
