"""Limits of what opens a stream and of what answers it. Says what is wrong; knows nothing of targets or allow-lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from borealis.tunnel.v1 import tunnel_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_wire.limits import Limits

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKENS: Final = re.compile(rf"{_TOKEN.pattern}(?:,{_TOKEN.pattern})*")
_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_BAD_VALUE: Final = re.compile(rb"[\r\n\0]")
_STATUS_RANGE: Final = range(200, 600)
_SWITCHED_STATUS: Final = 101


class HeadFault(NamedTuple):
    """What is wrong with a head, and the code that says so to the peer."""

    code: pb.Reset.Code
    detail: str


def fault_of_open(open_: pb.Open, limits: Limits) -> HeadFault | None:
    """What is wrong with a request to open a stream; None if nothing is."""
    names = [open_.target, open_.actor, open_.request_id, open_.traceparent, *open_.actor_groups]
    if len(names) > limits.max_headers + 4 or len(max(names, key=len)) > limits.max_name_bytes:
        return _too_large(f"a name is longer than {limits.max_name_bytes} characters or there are too many groups")
    kind = open_.WhichOneof("request")
    fault = _fault_of_first(open_.first, limits)
    if fault is not None or kind == "tcp":
        return fault or _fault_of_tcp(open_.tcp, limits)
    if kind == "http":
        return _fault_of_request(open_.http, limits)
    return _fault_of_request(open_.upgrade, limits) if kind == "upgrade" else None


def fault_of_opened(opened: pb.Opened, mode: str, limits: Limits) -> HeadFault | None:
    """What is wrong with the answer to a stream of `mode` (`http`, `upgrade`, `tcp`); None if nothing is."""
    if mode == "tcp":
        if opened.HasField("http") or opened.trailers:
            return _wrong("an HTTP answer to a TCP connection")
        return _fault_of_first(opened.first, limits)
    status = opened.http.status
    if opened.switched:
        if mode != "upgrade" or status != _SWITCHED_STATUS:
            return _wrong(f"a switch of protocols with status {status}, for {mode}")
    elif status not in _STATUS_RANGE:
        return _wrong(f"{status} is not a final HTTP status")
    fields = [*opened.http.headers, *opened.trailers] if opened.trailers else opened.http.headers
    return _fault_of_first(opened.first, limits) or fault_of_headers(fields, limits)


def fault_of_headers(headers: Sequence[pb.HttpHeader], limits: Limits) -> HeadFault | None:
    """What is wrong with header or trailer fields; None if nothing is."""
    if not headers:
        return None
    names = [header.name for header in headers]
    values = b"".join([header.value for header in headers])
    joined = ",".join(names)
    # one search in all names and one in all values: this runs for every call, and is nearly always content
    if not _TOKENS.fullmatch(joined) or joined.count(",") >= len(names):
        return _wrong("the name of a header field is not a token")
    if _BAD_VALUE.search(values):
        bad = next(header.name for header in headers if _BAD_VALUE.search(header.value))
        return _wrong(f"the value of header field {bad[:64]} has a line break or a NUL")
    size = len(joined) - len(names) + 1 + len(values)
    if len(names) > limits.max_headers or size > limits.max_header_bytes:
        allowed = f"{limits.max_headers} of {limits.max_header_bytes}"
        return _too_large(f"{len(names)} header fields of {size} bytes, more than {allowed}")
    return None


def _fault_of_request(request: pb.HttpRequest, limits: Limits) -> HeadFault | None:
    if not _METHOD.fullmatch(request.method):
        return _wrong("the method is not made of upper case letters")
    path = request.path
    if len(path) > limits.max_path_bytes:
        return _too_large(f"the path has {len(path)} characters, more than {limits.max_path_bytes}")
    return fault_of_headers(request.headers, limits)


def _fault_of_tcp(request: pb.TcpRequest, limits: Limits) -> HeadFault | None:
    if len(request.host) > limits.max_name_bytes:
        return _too_large(f"the host is longer than {limits.max_name_bytes} characters")
    if request.port > 0xFFFF:  # noqa: PLR2004 - the largest port there is
        return _wrong(f"{request.port} is not a port")
    return None


def _fault_of_first(first: bytes, limits: Limits) -> HeadFault | None:
    if len(first) <= limits.max_data_bytes:
        return None
    return _too_large(f"`first` has {len(first)} bytes, more than {limits.max_data_bytes}")


def _too_large(detail: str) -> HeadFault:
    return HeadFault(pb.Reset.CODE_TOO_LARGE, detail)


def _wrong(detail: str) -> HeadFault:
    return HeadFault(pb.Reset.CODE_PROTOCOL, detail)
