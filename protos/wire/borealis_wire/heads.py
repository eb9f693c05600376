"""Limits of what opens a stream and of what answers it. Says what is wrong; knows nothing of targets or allow-lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from borealis.tunnel.v1 import tunnel_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_wire.limits import Limits

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
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
    if len(open_.actor_groups) > limits.max_headers or any(len(name) > limits.max_name_bytes for name in names):
        return _too_large(f"a name is longer than {limits.max_name_bytes} characters or there are too many groups")
    kind = open_.WhichOneof("request")
    fault = _fault_of_first(open_.first, limits)
    if fault is None and kind == "http":
        return _fault_of_request(open_.http, limits)
    if fault is None and kind == "upgrade":
        return _fault_of_request(open_.upgrade, limits)
    return fault


def fault_of_opened(opened: pb.Opened, limits: Limits) -> HeadFault | None:
    """What is wrong with an answer; None if nothing is."""
    if opened.HasField("http"):
        status = opened.http.status
        if status not in _STATUS_RANGE and not (opened.switched and status == _SWITCHED_STATUS):
            return _wrong(f"{status} is not a final HTTP status")
    fields = (*opened.http.headers, *opened.trailers)
    return _fault_of_first(opened.first, limits) or fault_of_headers(fields, limits)


def fault_of_headers(headers: Iterable[pb.HttpHeader], limits: Limits) -> HeadFault | None:
    """What is wrong with header or trailer fields; None if nothing is."""
    count = size = 0
    for header in headers:
        count += 1
        size += len(header.name) + len(header.value)
        if not _TOKEN.fullmatch(header.name):
            return _wrong("the name of a header field is not a token")
        if _BAD_VALUE.search(header.value):
            return _wrong(f"the value of header field {header.name[:64]} has a line break or a NUL")
    if count > limits.max_headers or size > limits.max_header_bytes:
        allowed = f"{limits.max_headers} of {limits.max_header_bytes}"
        return _too_large(f"{count} header fields of {size} bytes, more than {allowed}")
    return None


def _fault_of_request(request: pb.HttpRequest, limits: Limits) -> HeadFault | None:
    if not _METHOD.fullmatch(request.method):
        return _wrong("the method is not made of upper case letters")
    if len(request.path) > limits.max_path_bytes:
        return _too_large(f"the path has {len(request.path)} characters, more than {limits.max_path_bytes}")
    return fault_of_headers(request.headers, limits)


def _fault_of_first(first: bytes, limits: Limits) -> HeadFault | None:
    if len(first) <= limits.max_data_bytes:
        return None
    return _too_large(f"`first` has {len(first)} bytes, more than {limits.max_data_bytes}")


def _too_large(detail: str) -> HeadFault:
    return HeadFault(pb.Reset.CODE_TOO_LARGE, detail)


def _wrong(detail: str) -> HeadFault:
    return HeadFault(pb.Reset.CODE_PROTOCOL, detail)
