"""PreviewService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis.preview.v1 import preview_pb2
from borealis.preview.v1 import preview_service_pb2 as pb
from borealis.preview.v1.preview_service_pb2_grpc import PreviewServiceServicer
from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.names import DeploymentName
from borealis_server.domain.paging import PageRequest
from borealis_server.domain.preview import PreviewName, PreviewRule
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.preview import preview_to_proto

if TYPE_CHECKING:
    from borealis_server.domain.preview import Preview
    from borealis_server.services.previews import Previews

Context = Any  # generated stubs of grpc.aio do not type it


class PreviewServicer(PreviewServiceServicer):
    """Previews of the caller's tenant."""

    def __init__(self, previews: Previews) -> None:
        self._previews = previews

    async def ListPreviews(self, request: pb.ListPreviewsRequest, context: Context) -> pb.ListPreviewsResponse:
        """A page of previews."""
        wanted = PageRequest(size=request.page_size, token=request.page_token)
        deployment = DeploymentName.parse(request.deployment, field="deployment").id if request.deployment else ""
        page = await self._previews.list(
            current_principal().tenant, wanted, deployment=deployment, active_only=request.active_only
        )
        return pb.ListPreviewsResponse(previews=map(self._rendered, page.items), next_page_token=page.next_token)

    async def RevokePreview(self, request: pb.RevokePreviewRequest, context: Context) -> pb.RevokePreviewResponse:
        """Ends a preview."""
        ended = await self._previews.revoke(current_principal(), PreviewName.parse(request.name))
        return pb.RevokePreviewResponse(preview=self._rendered(ended))

    async def GetPreviewEntry(self, request: pb.GetPreviewEntryRequest, context: Context) -> pb.GetPreviewEntryResponse:
        """A way in."""
        caller = current_principal()
        url = await self._previews.entry(caller.tenant, PreviewName.parse(request.name), subject=caller.subject)
        return pb.GetPreviewEntryResponse(url=url)

    async def GetPreviewRule(self, request: pb.GetPreviewRuleRequest, context: Context) -> pb.GetPreviewRuleResponse:
        """What the tenant allows."""
        rule = await self._previews.rule(current_principal().tenant)
        return pb.GetPreviewRuleResponse(rule=f"RULE_{rule}")

    async def SetPreviewRule(self, request: pb.SetPreviewRuleRequest, context: Context) -> pb.SetPreviewRuleResponse:
        """Changes what the tenant allows."""
        await self._previews.set_rule(current_principal().tenant, _rule(request.rule))
        return pb.SetPreviewRuleResponse(rule=request.rule)

    def _rendered(self, preview: Preview) -> preview_pb2.Preview:
        return preview_to_proto(preview, self._previews.state_of(preview), self._previews.address.url_of(preview))


def _rule(number: int) -> PreviewRule:
    """Errors: InvalidArgument for a rule that is none."""
    rules = {preview_pb2.Rule.Value(f"RULE_{rule}"): rule for rule in PreviewRule}
    if number not in rules:
        raise InvalidArgument.of("rule", "must be PUBLIC, LOGIN or FORBIDDEN")
    return rules[number]
