"""The bytes of a batch, written field by field: `LaneRequest` and `LaneResponse` have this same form.

The generated classes would copy every frame into its batch, and every body into its frame: several times the price for
what is a few bytes of tags and lengths. Reading is left to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis.tunnel.v1 import tunnel_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterable

_LENGTH_DELIMITED: Final = 2
_SMALL: Final = 2**14


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits go into a byte
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def _tag(field: int, wire_type: int = _LENGTH_DELIMITED) -> bytes:
    return _varint(field << 3 | wire_type)


_VARINTS: Final = tuple(map(_varint, range(_SMALL)))
_BATCH_FRAMES: Final = _tag(1)
_STREAM_ID: Final = _tag(pb.Frame.STREAM_ID_FIELD_NUMBER, 0)
_CREDIT_LIMIT: Final = _tag(pb.Credit.LIMIT_BYTES_FIELD_NUMBER, 0)
_DATA: Final = _tag(pb.Frame.DATA_FIELD_NUMBER)
_CREDIT: Final = _tag(pb.Frame.CREDIT_FIELD_NUMBER)
_OPEN: Final = _tag(pb.Frame.OPEN_FIELD_NUMBER)
_OPENED: Final = _tag(pb.Frame.OPENED_FIELD_NUMBER)
_OPEN_FIRST: Final = _tag(pb.Open.FIRST_FIELD_NUMBER)
_OPEN_ENDS: Final = _tag(pb.Open.END_OF_DATA_FIELD_NUMBER, 0) + b"\x01"
_OPENED_FIRST: Final = _tag(pb.Opened.FIRST_FIELD_NUMBER)
_OPENED_ENDS: Final = _tag(pb.Opened.END_OF_DATA_FIELD_NUMBER, 0) + b"\x01"


def varint(number: int) -> bytes:
    """A number of 0 or more as protobuf writes it."""
    return _VARINTS[number] if number < _SMALL else _varint(number)


def session_frame(frame: pb.Frame) -> bytes:
    """Any frame, as it stands in a batch."""
    body = frame.SerializeToString()
    return b"".join((_BATCH_FRAMES, varint(len(body)), body))


def data_frame(stream_id: int, data: bytes) -> bytes:
    """Data of a stream, as it stands in a batch."""
    return _stream_frame(stream_id, _DATA, (data,), len(data))


def credit_frame(stream_id: int, limit_bytes: int) -> bytes:
    """A grant of credit, as it stands in a batch."""
    credit = _CREDIT_LIMIT + varint(limit_bytes)
    return _stream_frame(stream_id, _CREDIT, (credit,), len(credit))


def open_frame(stream_id: int, head: bytes, first: bytes, *, ends: bool) -> bytes:
    """A serialised `Open` with the beginning of its data, as it stands in a batch."""
    parts, size = _with_first(head, _OPEN_FIRST, first, _OPEN_ENDS if ends else b"")
    return _stream_frame(stream_id, _OPEN, parts, size)


def opened_frame(stream_id: int, head: bytes, first: bytes, *, ends: bool, trailers: Iterable[pb.HttpHeader]) -> bytes:
    """A serialised `Opened` with the beginning of its data, as it stands in a batch."""
    end = b""
    if ends:
        end = _OPENED_ENDS + (pb.Opened(trailers=trailers).SerializeToString() if trailers else b"")
    parts, size = _with_first(head, _OPENED_FIRST, first, end)
    return _stream_frame(stream_id, _OPENED, parts, size)


def _with_first(head: bytes, tag: bytes, first: bytes, end: bytes) -> tuple[tuple[bytes, ...], int]:
    """The fields after those of the head: order does not matter to protobuf."""
    if not first:
        return (head, end), len(head) + len(end)
    length = varint(len(first))
    return (head, tag, length, first, end), len(head) + len(tag) + len(length) + len(first) + len(end)


def _stream_frame(stream_id: int, tag: bytes, parts: tuple[bytes, ...], size: int) -> bytes:
    about, length = varint(stream_id), varint(size)
    whole = len(_STREAM_ID) + len(about) + len(tag) + len(length) + size
    return b"".join((_BATCH_FRAMES, varint(whole), _STREAM_ID, about, tag, length, *parts))
