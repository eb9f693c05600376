"""Secrets, to their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.secret.v1 import secret_pb2 as pb

if TYPE_CHECKING:
    from borealis_server.domain.secret import SecretRecord


def secret_to_proto(record: SecretRecord) -> pb.Secret:
    """The message of a secret; it holds nothing of the value."""
    message = pb.Secret(name=str(record.name), updated_by=record.updated_by, key_id=record.sealed.key_id)
    message.create_time.FromDatetime(record.created_at)
    message.update_time.FromDatetime(record.updated_at)
    return message
