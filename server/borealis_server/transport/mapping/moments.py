"""Moments, to their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

if TYPE_CHECKING:
    from datetime import datetime


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment, absent when None."""
    if moment is None:
        return None
    value = Timestamp()
    value.FromDatetime(moment)
    return value
