"""Carries calls to the server: connection, time limits, tokens, repeats. It knows nothing about what a call means."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from grpclib.const import Cardinality

from borealis_client._generated.borealis.identity.v1 import IdentityServiceStub, IssueTokenRequest
from borealis_client.channel import WaitableChannel
from borealis_client.credentials import GivenToken, IssuedToken, IssuedTokens
from borealis_client.errors import CertificateError, DeadlineExceededError, UnauthenticatedError, UnavailableError
from borealis_client.login.tokens import LoginTokens
from borealis_client.status import translated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from grpclib.client import Channel, Stream

    from borealis_client.credentials import TokenSource
    from borealis_client.retry import RetryPolicy
    from borealis_client.settings import ConnectionSettings, ServerAddress

_Sent_contra = TypeVar("_Sent_contra", contravariant=True)
_Got_co = TypeVar("_Got_co", covariant=True)
_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")

_SERVER_GRACE_S: Final = 1.0
"""How much later than ours the deadline is that the server is told, so that ours is the one that acts here."""


class UnaryMethod(Protocol[_Sent_contra, _Got_co]):
    """A generated method of a stub: one request, one answer."""

    def __call__(
        self, message: _Sent_contra, *, timeout: float | None = None, metadata: Mapping[str, str | bytes] | None = None
    ) -> Awaitable[_Got_co]:
        """Starts the call."""
        ...


class StreamMethod(Protocol[_Sent_contra, _Got_co]):
    """A generated method of a stub: one request, a stream of answers."""

    def __call__(
        self, message: _Sent_contra, *, metadata: Mapping[str, str | bytes] | None = None
    ) -> AsyncIterator[_Got_co]:
        """Starts the call."""
        ...


class Transport:
    """One connection to one server: opened by the first call, reopened by the next one after it was lost."""

    def __init__(self, settings: ConnectionSettings, *, retry: RetryPolicy, timeout_s: float) -> None:
        self.settings: Final = settings
        self.retry: Final = retry
        self._timeout_s = timeout_s
        self._tls = settings.ssl_context()
        self._channel = self._new_channel()
        self._tokens: TokenSource = _token_source(settings, self._issue_token)

    async def close(self) -> None:
        """Ends the connection, and with it every call in flight."""
        await self._channel.aclose()

    async def reconnect(self) -> None:
        """Gives the connection up for a new one: for those who find it dead although nobody closed it."""
        old, self._channel = self._channel, self._new_channel()
        await old.aclose()

    async def call(
        self,
        method: Callable[[Channel], UnaryMethod[_Request, _Answer]],
        request: _Request,
        *,
        is_repeatable: bool,
        timeout_s: float | None = None,
    ) -> _Answer:
        """The answer to one call, within `timeout_s` for all tries together.

        Errors: the class of the server's reason; ServerUnreachableError, DeadlineExceededError.
        """
        deadline = _now() + (self._timeout_s if timeout_s is None else timeout_s)
        failures = 0
        while True:
            try:
                return await self._authenticated(method, request, deadline)
            except (CertificateError, DeadlineExceededError):
                raise
            except UnavailableError:
                failures += 1
                wait_s = self.retry.wait_s(failures)
                if not is_repeatable or failures >= self.retry.attempts or _now() + wait_s >= deadline:
                    raise
            await asyncio.sleep(wait_s)

    async def stream(
        self, method: Callable[[Channel], StreamMethod[_Request, _Answer]], request: _Request, *, idle_limit_s: float
    ) -> AsyncGenerator[_Answer, None]:
        """The answers of one streaming call, in order. No repeats: only the caller knows where to go on.

        Errors: as `call`; DeadlineExceededError when nothing came for `idle_limit_s`.
        """
        async with self._limited(_now() + self._timeout_s):
            token = await self._tokens.get()
        answers = method(self._channel)(request, metadata=self._metadata(token))
        try:
            while True:
                async with self._limited(_now() + idle_limit_s):
                    answer = await anext(answers, None)
                if answer is None:
                    return
                yield answer
        except UnauthenticatedError:
            self._tokens.refuse(token)
            raise
        finally:
            await answers.aclose()  # type: ignore[attr-defined]  # generated methods are generators, typed as iterators

    async def token(self) -> str:
        """A token that is good now. Errors: as `call`."""
        async with self._limited(_now() + self._timeout_s):
            return await self._tokens.get()

    @asynccontextmanager
    async def duplex(
        self, route: str, request_type: type[_Request], answer_type: type[_Answer]
    ) -> AsyncGenerator[DuplexCall[_Request, _Answer], None]:
        """A call in which both sides stream; leaving it ends it. No repeats, and no time limit but for its token.

        Errors: as `call`, from every method of what it gives.
        """
        token = await self.token()
        stream = self._channel.request(
            route, Cardinality.STREAM_STREAM, request_type, answer_type, metadata=self._metadata(token)
        )
        call: DuplexCall[_Request, _Answer] = DuplexCall(stream, self.settings.server)
        try:
            async with stream:
                yield call
                await call.leave()
        except UnauthenticatedError:
            self._tokens.refuse(token)
            raise

    async def _authenticated(
        self, method: Callable[[Channel], UnaryMethod[_Request, _Answer]], request: _Request, deadline: float
    ) -> _Answer:
        """One try; a second one with a new token when the server refuses the kept one."""
        async with self._limited(deadline):
            token = await self._tokens.get()
        try:
            return await self._send(method, request, deadline, token)
        except UnauthenticatedError:
            if not self._tokens.refuse(token):
                raise
        async with self._limited(deadline):
            token = await self._tokens.get()
        return await self._send(method, request, deadline, token)

    async def _send(
        self,
        method: Callable[[Channel], UnaryMethod[_Request, _Answer]],
        request: _Request,
        deadline: float,
        token: str,
    ) -> _Answer:
        async with self._limited(deadline):
            timeout_s = max(deadline - _now(), 0.0) + _SERVER_GRACE_S
            return await method(self._channel)(request, timeout=timeout_s, metadata=self._metadata(token))

    async def _issue_token(self) -> IssuedToken:
        who = self.settings
        request = IssueTokenRequest(client_id=who.client_id, client_secret=who.client_secret)
        answer = await IdentityServiceStub(self._channel).issue_token(
            request, timeout=self._timeout_s + _SERVER_GRACE_S
        )
        lifetime_s = answer.expires_in.total_seconds() if answer.expires_in else 0.0
        return IssuedToken(text=answer.access_token, lifetime_s=lifetime_s)

    @asynccontextmanager
    async def _limited(self, deadline: float) -> AsyncGenerator[None, None]:
        """Ends at `deadline`; whatever goes wrong inside leaves as an error of ours."""
        with translated(self.settings.server), _cancellation_kept():
            async with asyncio.timeout_at(deadline):
                yield

    def _metadata(self, token: str) -> dict[str, str | bytes]:
        """By whom a call is made, and in which tenant where it is not the token's own."""
        tenant: dict[str, str | bytes] = {"borealis-tenant": self.settings.act_in} if self.settings.act_in else {}
        return {"authorization": f"Bearer {token}", **tenant}

    def _new_channel(self) -> WaitableChannel:
        return WaitableChannel(self.settings.server, self._tls)


class DuplexCall(Generic[_Request, _Answer]):
    """One call in which both sides stream. Several tasks may send; one receives."""

    def __init__(self, stream: Stream[_Request, _Answer], server: ServerAddress) -> None:
        self._stream = stream
        self._server = server
        self._sending = asyncio.Lock()
        self._has_begun = False
        self._has_ended = False

    async def send(self, message: _Request) -> None:
        """Send a message; waits while the other side takes no more."""
        async with self._sending:
            with translated(self._server), _cancellation_kept():
                await self._stream.send_message(message)
                self._has_begun = True

    async def receive(self) -> _Answer | None:
        """The next answer; None when the other side has ended the call."""
        with translated(self._server), _cancellation_kept():
            answer = await self._stream.recv_message()
            if answer is None:
                self._has_ended = True
                await self._stream.recv_trailing_metadata()
            return answer

    async def finish(self) -> None:
        """Close our side and wait for the other one to end the call: the last answer has come."""
        async with self._sending:
            with translated(self._server), _cancellation_kept():
                await self._stream.end()
        while await self.receive() is not None:
            pass

    async def leave(self) -> None:
        """Tell the other side that nobody listens any more, unless it has ended the call."""
        if self._has_begun and not self._has_ended:
            with translated(self._server), _cancellation_kept():
                await self._stream.cancel()


@contextmanager
def _cancellation_kept() -> Iterator[None]:
    """Takes back what grpclib leaves behind when a connection is lost: it wakes the waiting task by cancelling it, and
    never uncancels, which would make later task groups and timeouts in this task believe that somebody wants its end.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    except Exception:
        surplus = task.cancelling() - before if task else 0
        if task and surplus:
            task.uncancel()
        if surplus > 1:  # somebody really did cancel us at the same time, and grpclib put its error in the place of it
            raise asyncio.CancelledError from None
        raise


def _token_source(settings: ConnectionSettings, issue: Callable[[], Awaitable[IssuedToken]]) -> TokenSource:
    if settings.token:
        return GivenToken(settings.token)
    if settings.login is not None and settings.config_folder is not None:
        return LoginTokens(settings.login, settings.config_folder)
    return IssuedTokens(issue)


def _now() -> float:
    return asyncio.get_running_loop().time()
