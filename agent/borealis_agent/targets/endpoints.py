"""Services found by their ready endpoints in the Kubernetes API, where their names do not resolve.

Owns which addresses stand behind a Service now; each is judged like any other before it is connected to.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.dialer import Dialer
from borealis_agent.targets.names import HostAddresses
from borealis_agent.targets.target import TargetFailure, TargetRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from borealis_agent.targets.target import HttpTarget

_FRESH_S: Final = 2.0
"""How long endpoints are believed: a switch of versions must show soon."""
_LIMIT_S: Final = 10.0
_MAX_ANSWER_BYTES: Final = 8 * 2**20
_OK: Final = 200
_NOT_FOUND: Final = 404

P = TypeVar("P", bound=asyncio.Protocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a port of a Service leads."""

    addresses: tuple[str, ...]
    """Addresses of ready endpoints, in no particular order."""
    port: int
    """Their port; 0 where there is none."""


class EndpointsDialer:
    """Makes connections to one port of a Service, each to a ready endpoint by chance."""

    def __init__(  # what a place is made of
        self, api: HttpTarget, namespace: str, service: str, port: int, *, name: str, allow_local: bool
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._service = service
        self._port = port
        self._allow_local = allow_local
        self._name = name
        self._authority = Dialer(name, port).authority
        self._found = Found(addresses=(), port=0)
        self._found_until = 0.0
        self._lock = asyncio.Lock()

    @property
    def authority(self) -> str:
        """Host and port as the Host field of a request says them."""
        return self._authority

    async def dial(self, factory: Callable[[], P]) -> P:
        """A new connection, with a protocol that `factory` makes.

        Errors: TargetFailure, never dispatched.
        """
        found = await self._current()
        if not found.addresses:
            raise _failed(f"Service {self._service} of namespace {self._namespace} has no ready pods")
        addresses = tuple(random.sample(found.addresses, len(found.addresses)))

        async def known(_host: str) -> tuple[str, ...]:
            return addresses

        host = HostAddresses(self._name, known)
        try:
            return await Dialer(self._name, found.port, allow_local=self._allow_local, addresses=host).dial(factory)
        except TargetFailure:
            self._found_until = 0.0
            raise

    async def _current(self) -> Found:
        async with self._lock:  # one question at a time
            now = asyncio.get_running_loop().time()
            if now >= self._found_until:
                self._found = await self._look_up()
                self._found_until = now + _FRESH_S
            return self._found

    async def _look_up(self) -> Found:
        place = f"namespaces/{self._namespace}"
        service = await self._get(f"/api/v1/{place}/services/{self._service}")
        endpoints = await self._get(f"/api/v1/{place}/endpoints/{self._service}")
        return ready_endpoints(service, endpoints, self._port)

    async def _get(self, path: str) -> dict[str, Any]:  # Any: JSON
        what = "Endpoints" if "/endpoints/" in path else "Services"
        try:
            async with asyncio.timeout(_LIMIT_S):
                status, body = await self._fetch(path)
        except TimeoutError as error:
            raise _failed(f"the Kubernetes API did not answer within {_LIMIT_S:g} s") from error
        if status == _NOT_FOUND:
            raise _failed(f"there is no Service {self._service} in namespace {self._namespace}")
        if status != _OK:
            detail = f"the agent may not look up {what} in namespace {self._namespace}: the API answers {status}"
            raise TargetFailure(pb.Reset.CODE_DENIED, detail, dispatched=False)
        try:
            return dict(json.loads(body))
        except ValueError as error:
            raise _failed("the Kubernetes API answered something else than JSON") from error

    async def _fetch(self, path: str) -> tuple[int, bytes]:
        connection = await self._api.send(TargetRequest("GET", path, b"Accept: application/json\r\n", limit_s=_LIMIT_S))
        try:
            body = bytearray()
            while data := await connection.read():
                body += data
                if len(body) > _MAX_ANSWER_BYTES:
                    raise _failed("the Kubernetes API lists more endpoints than an agent looks through")
            return connection.status, bytes(body)
        finally:
            connection.release()


def ready_endpoints(service: Mapping[str, Any], endpoints: Mapping[str, Any], port: int) -> Found:  # Any: JSON
    """Where `port` of a Service leads, by its Endpoints; nowhere where the Service has no such port.

    Shape: Endpoints, not EndpointSlices, since every version of Kubernetes serves them; they name up to 1000 pods.
    """
    ports = [one for one in (service.get("spec") or {}).get("ports") or () if one.get("port") == port]
    if not ports:
        return Found(addresses=(), port=0)
    name = ports[0].get("name") or ""
    addresses: dict[int, list[str]] = {}
    for subset in endpoints.get("subsets") or ():
        numbers = [own.get("port") for own in subset.get("ports") or () if (own.get("name") or "") == name]
        if numbers and isinstance(numbers[0], int):
            known = addresses.setdefault(numbers[0], [])
            known += [one["ip"] for one in subset.get("addresses") or () if one.get("ip")]
    # Pods may give one name to several numbers; the one that most of them have stands for all.
    number = max(addresses, key=lambda one: len(addresses[one]), default=0)
    return Found(addresses=tuple(dict.fromkeys(addresses.get(number, ()))), port=number)


def _failed(detail: str) -> TargetFailure:
    return TargetFailure(pb.Reset.CODE_DIAL_FAILED, detail, dispatched=False)
