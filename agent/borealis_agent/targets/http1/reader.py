"""Answers out of the bytes of one connection. No I/O; httptools reads the grammar, this decides what an answer is.

Owns framing and its limits: nothing that two readers could understand differently gets through.
"""

from __future__ import annotations

from typing import Final

import httptools

_MAX_HEAD_BYTES: Final = 64 * 1024
_MAX_FIELDS: Final = 256
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_INTERIM: Final = range(100, 200)
_FINAL: Final = range(200, 600)
_SWITCHING: Final = 101
_BODILESS: Final = frozenset({204, 304})


class AnswerFault(Exception):  # noqa: N818 - it names what is wrong with the answer
    """The bytes are not an answer that can be relayed. The text says why, for people."""

    def __init__(self, detail: str, *, is_too_large: bool = False) -> None:
        super().__init__(detail)
        self.is_too_large = is_too_large


class AnswerReader:
    """Reads one answer after the other; `expect` begins the next one.

    Shape: `chunks` grows while the body comes, and whoever takes from it counts down `buffered_bytes`.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._method = ""
        self._is_upgrade = False
        self._is_reusable = True
        self._names_close = False
        self.expect("GET")

    def expect(self, method: str, *, is_upgrade: bool = False) -> None:
        """The answer to a request with `method` comes next; with `is_upgrade` it may switch protocols."""
        if not self._is_reusable or self._method == "HEAD":  # the parser still waits for the body of a HEAD
            self._parser = httptools.HttpResponseParser(self)
        self._method = method
        self._is_upgrade = is_upgrade
        self._is_reusable = True
        self._fault: AnswerFault | None = None
        self._field_bytes = 0
        self._unfinished_bytes = 0
        self._begin_head()
        self.has_begun = False
        """Whether one byte of it came."""
        self.has_head = False
        self.is_complete = False
        self.is_switched = False
        """Whether the target switched protocols; `rest` has what came behind the head."""
        self.rest = b""
        self.chunks: list[bytes] = []
        self.buffered_bytes = 0
        self.trailers: list[tuple[bytes, bytes]] = []

    def _begin_head(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        """Header fields in order, names in lower case."""
        self.length: int | None = None
        """Size of the body in bytes; None if only its end will tell."""
        self._is_chunked = False
        self._names_close = False

    @property
    def is_reusable(self) -> bool:
        """Whether another request may follow on the connection."""
        return self.is_complete and self._is_reusable and not self.is_switched

    def feed(self, data: bytes) -> None:
        """Take what came.

        Errors: AnswerFault; nothing may be read from the connection after it.
        """
        self.has_begun = True
        if self.is_complete:
            self._is_reusable = False  # more than was asked for: what follows belongs to nobody
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            self._switch(data[switch.args[0] :])
        except httptools.HttpParserError as error:
            if not self.is_complete or self.status == _SWITCHING:
                raise self._fault or AnswerFault(f"the target does not speak HTTP/1.1: {error}") from error
            self._is_reusable = False
        if self._fault is not None:
            raise self._fault
        if not self.has_head:
            self._unfinished_bytes += len(data)  # of fields, and of an endless row of interim answers
            if self._unfinished_bytes > 2 * _MAX_HEAD_BYTES:
                raise _too_large()

    def feed_end(self) -> bool:
        """The target closed the connection; says whether that ends the answer as it should."""
        self._is_reusable = False
        if self.has_head and not self.is_complete and self.length is None and not self._is_chunked:
            self.is_complete = True
        return self.is_complete

    def _switch(self, rest: bytes) -> None:
        if not self._is_upgrade:
            self._fault = AnswerFault("the target switched protocols without having been asked to")
        self.is_switched = True
        self.rest = rest

    # Called by the parser

    def on_message_begin(self) -> None:
        """Another message begins."""
        if self.is_complete:
            self._is_reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of the head, or of the trailers."""
        if self.is_complete:
            return
        name = name.lower()
        self._field_bytes += len(name) + len(value)
        if self.has_head:
            self.trailers.append((name, value))
        else:
            self.headers.append((name, value))
            if name == b"content-length":
                self.length = int(value)
            elif name == b"transfer-encoding":
                self._is_chunked = True
                if value.strip().lower() != b"chunked":
                    self._fault = AnswerFault("the target uses a transfer encoding other than chunked")
            elif name == b"connection":
                self._names_close = b"close" in value.lower()
        if len(self.headers) + len(self.trailers) > _MAX_FIELDS or self._field_bytes > _MAX_HEAD_BYTES:
            self._fault = self._fault or _too_large()

    def on_headers_complete(self) -> None:
        """The head is complete; it may be an interim one."""
        if self.is_complete:
            return
        status = self._parser.get_status_code()
        version = self._parser.get_http_version()
        if version not in _VERSIONS:
            self._fault = AnswerFault(f"the target answers with HTTP/{version}")
        elif status in _INTERIM and status != _SWITCHING:
            return
        elif status not in _FINAL and status != _SWITCHING:
            self._fault = AnswerFault(f"the target answers with status {status}")
        self.status = status
        self.has_head = True
        if self._method == "HEAD" or status in _BODILESS:
            self.is_complete = True
            self._is_reusable = self._is_reusable and version == "1.1" and not self._names_close

    def on_body(self, data: bytes) -> None:
        """Some of the body."""
        if self.is_complete:
            self._is_reusable = False
            return
        self.chunks.append(data)
        self.buffered_bytes += len(data)

    def on_message_complete(self) -> None:
        """The message is complete; after an interim one the real one follows."""
        if self.is_complete:
            return
        if not self.has_head:
            self._begin_head()
            return
        self.is_complete = True
        self._is_reusable = self._is_reusable and self._parser.should_keep_alive()


def _too_large() -> AnswerFault:
    detail = f"the head of the answer has more than {_MAX_FIELDS} fields or {_MAX_HEAD_BYTES // 1024} KiB"
    return AnswerFault(detail, is_too_large=True)
