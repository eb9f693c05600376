"""One GET, within limits: of size, of time, of redirects, and of where they may lead.

The name is resolved once for each hop, what it resolves to is judged, and the connection goes to exactly that: a name
that changes its mind in between changes nothing. Proxies of the environment are not used, since they would resolve the
name again.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from borealis_fetch.addresses import Address, refusal, resolve_against, shown
from borealis_fetch.errors import FetchError, NotPublicError

if TYPE_CHECKING:
    from collections.abc import Sequence

Resolve = Callable[[str, int], "Sequence[str]"]
"""From a host and a port to IP addresses, best first. Errors: OSError."""

_HEADERS: Final = {
    "Accept": "application/yaml, text/yaml, text/plain, application/json, */*;q=0.5",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "borealis",
}
_OK: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_NEEDS_LOGIN: Final = frozenset({401, 403, 407})
_NO_TEXT: Final = re.compile(r"(image|audio|video|font|multipart)/|application/(zip|gzip|pdf|x-tar|xhtml)|text/html")
_CHUNK_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far one fetch may go."""

    size_bytes: int = 10 * 2**20
    time_s: float = 30.0
    """For everything together, redirects included; only the look-up of a name keeps the system's own limit."""
    redirects: int = 5
    allows_private: bool = False
    """Whether loopback, link-local and other private machines may be fetched from."""


def system_resolve(host: str, port: int) -> Sequence[str]:
    """What the system makes of a name, each address once. Errors: OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


def fetch(
    address: str,
    limits: Limits,
    *,
    resolve: Resolve = system_resolve,
    tls: ssl.SSLContext | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> bytes:
    """What the address answers. Blocks.

    `tls` trusts other authorities than the system's. Errors: FetchError.
    """
    trip = _Trip(limits, clock() + limits.time_s, resolve, tls or ssl.create_default_context(), clock)
    try:
        return trip.to(address)
    except TimeoutError:
        raise FetchError(f"it did not answer wholly within {limits.time_s:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise FetchError(f"its certificate is not trusted: {error.verify_message}") from None
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"the connection failed: {_words(error)}") from None


class _Trip:
    """One fetch, from hop to hop."""

    def __init__(
        self, limits: Limits, deadline: float, resolve: Resolve, tls: ssl.SSLContext, clock: Callable[[], float]
    ) -> None:
        self._limits = limits
        self._deadline = deadline
        self._resolve = resolve
        self._tls = tls
        self._clock = clock

    def to(self, address: str) -> bytes:
        """The answer at the end of all redirects."""
        was_encrypted = False
        for _ in range(self._limits.redirects + 1):
            here = Address.parse(address)
            if was_encrypted and here.scheme == "http":
                raise FetchError(f"it redirects from https to {shown(address)}, which is not encrypted")
            was_encrypted = here.scheme == "https"
            answer = self._hop(here)
            if isinstance(answer, bytes):
                return answer
            address = resolve_against(str(here), answer.location)
        raise FetchError(f"it redirects more than {self._limits.redirects} times")

    def left_s(self) -> float:
        """Time that is left. Errors: TimeoutError when there is none."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError
        return left

    def _hop(self, here: Address) -> bytes | _Redirect:
        connection = http.client.HTTPConnection(here.host, here.port)
        with self._connected(here) as plain:
            plain.settimeout(self.left_s())
            wired = self._tls.wrap_socket(plain, server_hostname=here.host) if here.scheme == "https" else plain
            with wired:
                connection.sock = _TimedSocket(wired, self.left_s)
                connection.request("GET", here.path, headers={"Host": here.host_header, **_HEADERS})
                with connection.getresponse() as response:
                    return self._judged(response)

    def _connected(self, here: Address) -> socket.socket:
        """A connection to a machine that was judged, whatever the name means by now."""
        error: OSError | None = None
        for one in self._allowed(here):
            try:
                return socket.create_connection((one, here.port), timeout=self.left_s())
            except TimeoutError:
                raise
            except OSError as failed:
                error = failed
        raise error or OSError("the name has no address")

    def _allowed(self, here: Address) -> Sequence[str]:
        try:
            found = self._resolve(here.host, here.port)
        except OSError:
            raise FetchError(f"there is no machine of the name {here.host}") from None
        self.left_s()
        for one in found if not self._limits.allows_private else ():
            problem = refusal(ipaddress.ip_address(one.partition("%")[0]))
            if problem:
                raise NotPublicError(f"{here.host} leads to a machine that is not public ({problem})")
        return found

    def _judged(self, response: http.client.HTTPResponse) -> bytes | _Redirect:
        location = response.getheader("Location")
        if response.status in _REDIRECTS and location:
            return _Redirect(location=location)
        if response.status in _NEEDS_LOGIN:
            raise FetchError(f"it answers {_status(response)}: it must be readable without logging in")
        if response.status != _OK:
            raise FetchError(f"it answers {_status(response)}")
        kind = (response.getheader("Content-Type") or "").lower()
        if _NO_TEXT.match(kind.strip()):
            is_page = "html" in kind
            advice = "a web page; name the address of the raw file" if is_page else "no text"
            raise FetchError(f"it answers with {kind.partition(';')[0].strip()[:80]}, which is {advice}")
        encoding = (response.getheader("Content-Encoding") or "identity").strip().lower()
        if encoding != "identity":
            raise FetchError(f"it answers in the encoding {encoding[:40]}, which was not asked for")
        return self._body(response)

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        limit = self._limits.size_bytes
        body = bytearray()
        if response.length is None or response.length <= limit:
            while len(body) <= limit and (part := response.read(_CHUNK_BYTES)):
                body += part
        if (response.length or 0) > limit or len(body) > limit:
            raise FetchError(f"it has more than {limit / 2**20:g} MiB")
        if response.length:
            raise FetchError(f"it broke off {response.length} bytes before its end")
        return bytes(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Redirect:
    location: str


class _TimedSocket:
    """As much of a socket as `http.client` uses; each call gets the time that is left for everything."""

    def __init__(self, wired: socket.socket, left_s: Callable[[], float]) -> None:
        self._wired = wired
        self._left_s = left_s

    def sendall(self, data: bytes) -> None:
        self._wired.settimeout(self._left_s())
        self._wired.sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:  # Any: the mode, which is always "rb"
        return io.BufferedReader(_Incoming(self._wired, self._left_s))

    def close(self) -> None:
        """Leaves the connection to whoever opened it: the answer is still being read."""


class _Incoming(io.RawIOBase):
    """What comes in, read by read within the time that is left: a sender of single bytes wins nothing."""

    def __init__(self, wired: socket.socket, left_s: Callable[[], float]) -> None:
        self._wired = wired
        self._left_s = left_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # Any: what a buffered reader hands over, writable bytes
        self._wired.settimeout(self._left_s())
        return self._wired.recv_into(buffer)


def _status(response: http.client.HTTPResponse) -> str:
    return f"{response.status} {response.reason[:80]}".strip()


def _words(error: Exception) -> str:
    if isinstance(error, http.client.HTTPException):
        return "it does not speak HTTP, or stopped in the middle"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
