"""Connections to one target: name, address that was judged, proxy, TLS. What a failure means is decided here, once."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING, Final, TypeVar, cast
from typing import Protocol as TypingProtocol

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.addresses import fault_of_address
from borealis_agent.targets.connect import open_through_proxy
from borealis_agent.targets.names import HostAddresses
from borealis_agent.targets.target import TargetFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_agent.proxies import Proxy
    from borealis_agent.targets.tls import TlsSource

_DIAL_LIMIT_S: Final = 10.0
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
_PORTS: Final = {"http": 80, "https": 443}

P = TypeVar("P", bound=asyncio.Protocol)


class AnyDialer(TypingProtocol):
    """Makes connections to one place, wherever that is now."""

    @property
    def authority(self) -> str:
        """Host and port as the Host field of a request says them."""
        ...

    async def dial(self, factory: Callable[[], P]) -> P:
        """A new connection, with a protocol that `factory` makes. Errors: TargetFailure, never dispatched."""
        ...


class Dialer:
    """Makes connections to `host`:`port`.

    Shape: the address is judged after the name was resolved, and that very address is connected to, so a name that is
    answered differently the next time changes nothing. With a proxy the proxy resolves; names of this machine are
    refused all the same.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: TlsSource | None = None,
        proxy: Proxy | None = None,
        allow_local: bool = False,
        addresses: HostAddresses | None = None,
        limit_s: float = _DIAL_LIMIT_S,
    ) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._proxy = proxy
        self._allow_local = allow_local
        self._limit_s = limit_s
        self._addresses = addresses or HostAddresses(proxy.host if proxy else host)

    @property
    def authority(self) -> str:
        """Host and port as the Host field of a request says them."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        is_usual = self._port == _PORTS["https" if self._tls else "http"]
        return host if is_usual else f"{host}:{self._port}"

    async def dial(self, factory: Callable[[], P]) -> P:
        """A new connection, with a protocol that `factory` makes.

        Errors: TargetFailure, never dispatched.
        """
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._dial(factory)
        except TimeoutError as error:
            detail = f"{self.authority} could not be reached within {self._limit_s:g} s"
            raise _failed(pb.Reset.CODE_DIAL_TIMEOUT, detail) from error
        except OSError as error:
            if error.errno in _NO_ROOM and not isinstance(error, ssl.SSLError | socket.gaierror):
                detail = f"the agent has no room for another connection: {_text(error)}"
                raise _failed(pb.Reset.CODE_OVERLOAD, detail) from error
            raise _failed(pb.Reset.CODE_DIAL_FAILED, f"cannot reach {self.authority}: {_text(error)}") from error

    async def _dial(self, factory: Callable[[], P]) -> P:
        if self._proxy is not None:
            self._judge_name()
            return await self._dial_proxy(self._proxy, factory)
        addresses = [address for address in await self._addresses.current() if self._may(address)]
        if not addresses:
            await self._refuse()
        return await self._dial_one_of(addresses, self._port, factory)

    async def _dial_one_of(
        self, addresses: list[str], port: int, factory: Callable[[], P], *, plain: bool = False
    ) -> P:
        """Connect to the first address that answers; each gets its share of the time that is left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limit_s
        tls = self._tls.context() if self._tls is not None and not plain else None
        for left in range(len(addresses), 0, -1):
            address = addresses[len(addresses) - left]
            share_s = max(0.1, (deadline - loop.time()) / left)
            try:
                async with asyncio.timeout(share_s):
                    _, protocol = await loop.create_connection(
                        factory,
                        address,
                        port,
                        ssl=tls,
                        server_hostname=self._server_name() if tls else None,
                    )
            except OSError as error:  # TimeoutError is one
                if left == 1:
                    self._addresses.doubt()
                    raise
                if error.errno in _NO_ROOM or isinstance(error, ssl.SSLError):
                    raise
            else:
                return protocol
        raise OSError("no address")  # unreachable: there was at least one

    async def _dial_proxy(self, proxy: Proxy, factory: Callable[[], P]) -> P:
        addresses = list(await self._addresses.current())
        tls = self._tls.context() if self._tls is not None else None

        async def connect(proxy_factory: Callable[[], asyncio.Protocol]) -> None:
            await self._dial_one_of(addresses, proxy.port, proxy_factory, plain=True)

        return await open_through_proxy(
            proxy,
            self._host,
            self._port,
            connect=connect,
            factory=factory,
            tls=tls,
            server_name=self._server_name(),
        )

    def _server_name(self) -> str:
        return (self._tls.files.server_name if self._tls else "") or self._host

    def _may(self, address: str) -> bool:
        return fault_of_address(address, allow_local=self._allow_local) is None

    async def _refuse(self) -> None:
        faults = [
            fault_of_address(address, allow_local=self._allow_local) for address in await self._addresses.current()
        ]
        reason = next((fault for fault in faults if fault), "the name has no address")
        raise _failed(pb.Reset.CODE_DENIED, f"{self.authority} may not be reached: {reason}")

    def _judge_name(self) -> None:
        """What can be judged without an address, which only the proxy learns."""
        name = self._host.lower().rstrip(".")
        fault: str | None = None
        if name == "localhost" or name.endswith(".localhost"):
            fault = None if self._allow_local else f"{self._host} is the agent's own machine"
        else:
            try:
                fault = fault_of_address(name, allow_local=self._allow_local)
            except ValueError:
                fault = None  # a name, not an address
        if fault:
            raise _failed(pb.Reset.CODE_DENIED, f"{self.authority} may not be reached: {fault}")


def _failed(code: int, detail: str) -> TargetFailure:
    return TargetFailure(cast("pb.Reset.Code", code), detail, dispatched=False)


def _text(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return "its name has no address" if error.errno == socket.EAI_NONAME else f"name service: {error.strerror}"
    if isinstance(error, ConnectionResetError) and not error.errno:
        return (
            "the connection was closed before it stood; with TLS, one side refuses the other's version or certificate"
        )
    if error.errno:
        return os.strerror(error.errno)  # asyncio puts other words into the error
    return str(error) or type(error).__name__
