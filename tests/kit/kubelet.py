"""The part of a kubelet that a real API server calls for people: logs, exec and port-forward, over TLS.

Registers as a node with one running pod. Its containers are an echo.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import h11
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection
from wsproto.utilities import generate_accept_token

from borealis_sandbox.pki import Authority
from kit.spdy import SpdyConnection, SpdyStream, dictionary_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kit.kube import KubeCluster

POD = "echo"
"""Name of its pod, with the container `main`."""
_EXEC = "v4.channel.k8s.io"
_FORWARD = "portforward.k8s.io"


@dataclass(slots=True, kw_only=True)
class Kubelet:
    """What the API server reached."""

    node: str
    dictionary: bytes
    port: int = 0
    commands: list[list[str]] = field(default_factory=list)
    """Command lines of exec."""
    following: int = 0
    """Logs being followed now."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection with one request."""
        http = h11.Connection(h11.SERVER)
        try:
            request = await _request(http, reader)
            url = urlsplit(request.target.decode())
            query = parse_qs(url.query)
            if url.path.startswith("/containerLogs/"):
                await self._logs(http, reader, writer, follow="follow" in query)
            else:
                await self._switch(http, request, reader, writer, url.path, query)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _logs(
        self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, follow: bool
    ) -> None:
        _send(http, writer, h11.Response(status_code=200, headers=[("content-type", "text/plain")]))
        _send(http, writer, h11.Data(data=b"line 1\nline 2\n"))
        if follow:
            self.following += 1
            try:
                async with asyncio.TaskGroup() as group:
                    lines = group.create_task(self._follow(http, writer))
                    await reader.read()
                    lines.cancel()
            finally:
                self.following -= 1
            return
        _send(http, writer, h11.EndOfMessage())
        await writer.drain()

    async def _follow(self, http: h11.Connection, writer: asyncio.StreamWriter) -> None:
        number = 2
        while True:
            await asyncio.sleep(0.05)
            number += 1
            _send(http, writer, h11.Data(data=f"line {number}\n".encode()))
            await writer.drain()

    async def _switch(
        self,
        http: h11.Connection,
        request: h11.Request,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        path: str,
        query: dict[str, list[str]],
    ) -> None:
        is_exec = path.startswith("/exec/")
        if dict(request.headers)[b"upgrade"].lower() == b"websocket":
            self.commands.append(query["command"])
            await _run_over_websocket(http, request, writer, query)
            return
        fields = [
            ("connection", "Upgrade"),
            ("upgrade", "SPDY/3.1"),
            ("x-stream-protocol-version", _EXEC if is_exec else _FORWARD),
        ]
        assert dict(request.headers)[b"upgrade"].lower() == b"spdy/3.1"
        _send(http, writer, h11.InformationalResponse(status_code=101, headers=fields))
        connection = SpdyConnection(reader, writer, self.dictionary)
        async with asyncio.TaskGroup() as group:
            frames = group.create_task(connection.run())
            if is_exec:
                self.commands.append(query["command"])
                await _echo_command(connection, query)
            else:
                await _forward(connection, group)
            frames.cancel()


async def _echo_command(connection: SpdyConnection, query: dict[str, list[str]]) -> None:
    """Says what it was told to run; with stdin, echoes it and says how much it was once it has ended."""
    asked = {"input": "stdin", "output": "stdout", "error": "stderr"}
    wanted = {"error", *(stream for parameter, stream in asked.items() if query.get(parameter) == ["1"])}
    streams: dict[str, SpdyStream] = {}
    while wanted - set(streams) and (stream := await connection.opened.get()) is not None:
        streams[stream.headers["streamtype"]] = stream
    out = streams["stdout"]
    await out.write(f"ran {' '.join(query['command'])}\n".encode())
    if "stdin" in streams:
        count = 0
        async for data in streams["stdin"].read():
            count += len(data)
            await out.write(data)
        await out.write(f"\nstdin ended after {count} bytes\n".encode())
    if "stderr" in streams:
        await streams["stderr"].write(b"", end=True)
    await out.write(b"", end=True)
    status = {"metadata": {}, "status": "Success"}
    await streams["error"].write(json.dumps(status).encode(), end=True)
    await connection.opened.get()


async def _run_over_websocket(
    http: h11.Connection, request: h11.Request, writer: asyncio.StreamWriter, query: dict[str, list[str]]
) -> None:
    """As `_echo_command`, without stdin, for newer clients."""
    fields = [
        (b"connection", b"Upgrade"),
        (b"upgrade", b"websocket"),
        (b"sec-websocket-accept", generate_accept_token(dict(request.headers)[b"sec-websocket-key"])),
        (b"sec-websocket-protocol", _EXEC.encode()),
    ]
    _send(http, writer, h11.InformationalResponse(status_code=101, headers=fields))
    socket = Connection(ConnectionType.SERVER)
    said = f"ran {' '.join(query['command'])}\n".encode()
    writer.write(socket.send(BytesMessage(data=b"\x01" + said)))
    writer.write(socket.send(BytesMessage(data=b"\x03" + json.dumps({"metadata": {}, "status": "Success"}).encode())))
    writer.write(socket.send(CloseConnection(code=1000)))
    await writer.drain()


async def _forward(connection: SpdyConnection, group: asyncio.TaskGroup) -> None:
    """Gives back in capitals what it gets: each connection has a stream for data, and before it one for errors."""
    errors: dict[str, SpdyStream] = {}
    while (stream := await connection.opened.get()) is not None:
        number = stream.headers["requestid"]
        if stream.headers["streamtype"] == "error":
            errors[number] = stream
        else:
            group.create_task(_capitals(stream, errors.pop(number)))


async def _capitals(stream: SpdyStream, error: SpdyStream) -> None:
    async for data in stream.read():
        await stream.write(data.upper())
    await stream.write(b"", end=True)
    await error.write(b"", end=True)


@contextlib.asynccontextmanager
async def open_kubelet(cluster: KubeCluster, namespace: str) -> AsyncIterator[Kubelet]:
    """A node with the pod `echo` in `namespace`, while the context is open."""
    kubelet = Kubelet(node=f"echo-{secrets.token_hex(3)}", dictionary=dictionary_of(cluster.programs / "kubectl"))
    server = await asyncio.start_server(kubelet.serve, "127.0.0.1", 0, ssl=_tls())
    kubelet.port = server.sockets[0].getsockname()[1]
    await asyncio.to_thread(_register, cluster, kubelet, namespace)
    try:
        yield kubelet
    finally:
        await asyncio.to_thread(_forget, cluster, kubelet, namespace)
        server.close()


def _register(cluster: KubeCluster, kubelet: Kubelet, namespace: str) -> None:
    taint = {"key": "for-one-pod", "effect": "NoSchedule"}
    cluster.request("POST", "/api/v1/nodes", {"metadata": {"name": kubelet.node}, "spec": {"taints": [taint]}})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    cluster.request("PATCH", f"/api/v1/nodes/{kubelet.node}/status", {"status": status})
    pods = f"/api/v1/namespaces/{namespace}/pods"
    containers = [{"name": "main", "image": "example/echo", "ports": [{"containerPort": 80}]}]
    spec = {"nodeName": kubelet.node, "containers": containers, "tolerations": [{"operator": "Exists"}]}
    cluster.request("POST", pods, {"metadata": {"name": POD}, "spec": spec})
    running = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {
                "name": "main",
                "image": "example/echo",
                "imageID": "",
                "ready": True,
                "restartCount": 0,
                "state": {"running": {}},
            }
        ],
    }
    cluster.request("PATCH", f"{pods}/{POD}/status", {"status": running})


def _forget(cluster: KubeCluster, kubelet: Kubelet, namespace: str) -> None:
    cluster.request("DELETE", f"/api/v1/namespaces/{namespace}/pods/{POD}", {"gracePeriodSeconds": 0})
    cluster.request("DELETE", f"/api/v1/nodes/{kubelet.node}")


def _tls() -> ssl.SSLContext:
    issued = Authority("echo kubelet").issue(["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "kubelet.crt"), Path(folder, "kubelet.key")
        certificate.write_bytes(issued.certificate_pem)
        key.write_bytes(issued.key_pem)
        context.load_cert_chain(certificate, key)
    return context


async def _request(http: h11.Connection, reader: asyncio.StreamReader) -> h11.Request:
    found: h11.Request | None = None
    while not isinstance(event := http.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            found = event
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("no request came")
    assert found is not None
    return found


def _send(
    http: h11.Connection,
    writer: asyncio.StreamWriter,
    event: h11.Response | h11.InformationalResponse | h11.Data | h11.EndOfMessage,
) -> None:
    writer.write(http.send(event) or b"")
