"""Previews, to their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.preview.v1 import preview_pb2 as pb
from borealis_server.domain.names import DeploymentName

if TYPE_CHECKING:
    from borealis_server.domain.preview import Preview, PreviewState


def preview_to_proto(preview: Preview, state: PreviewState, url: str) -> pb.Preview:
    """The message of a preview."""
    message = pb.Preview(
        name=str(preview.name),
        url=url,
        state=f"STATE_{state}",
        deployment=str(DeploymentName(preview.name.tenant, preview.deployment)),
        target=preview.target,
        step=preview.step,
        agent=preview.agent,
        namespace=preview.namespace,
        service=preview.service,
        port=preview.port,
        requires_login=preview.requires_login,
        revoke_reason=preview.revoked_why,
    )
    message.create_time.FromDatetime(preview.created_at)
    message.expire_time.FromDatetime(preview.expires_at)
    if preview.revoked_at is not None:
        message.revoke_time.FromDatetime(preview.revoked_at)
    return message
