"""DeploymentService over gRPC."""

# ruff: noqa: ARG002, N802 - names and parameters are those of the generated class

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from borealis.deployment.v1 import deployment_service_pb2 as pb
from borealis.deployment.v1 import deployment_service_pb2_grpc as rpc
from borealis_deployfile.manifests import FileContent
from borealis_server.domain import persons
from borealis_server.domain.callback_tokens import CallbackPlace
from borealis_server.domain.callbacks import CallbackReport
from borealis_server.domain.deployment import Deployment, PersonsDecision
from borealis_server.domain.errors import InvalidArgument, Violation
from borealis_server.domain.live_replicas import WorkloadPlace
from borealis_server.domain.paging import PageRequest
from borealis_server.domain.redeploy import RedeployRequest
from borealis_server.domain.start import StartRequest
from borealis_server.transport.interceptors.auth import current_principal
from borealis_server.transport.mapping.deployment import event_to_proto, explanation_to_proto, live_to_proto, to_proto
from borealis_server.transport.servicers.keys import deployment_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.services.callbacks import Callbacks
    from borealis_server.services.deployments import Deployments
    from borealis_server.services.live_replicas import LiveReplicasReader

_OF_THE_SOURCE = "must be empty beside `source_deployment`, whose stored one is used"
Context = Any  # generated stubs of grpc.aio do not type it


class DeploymentServicer(rpc.DeploymentServiceServicer):
    """Deployments over gRPC."""

    def __init__(self, deployments: Deployments, live: LiveReplicasReader, callbacks: Callbacks) -> None:
        self._deployments = deployments
        self._live = live
        self._callbacks = callbacks

    async def StartDeployment(self, request: pb.StartDeploymentRequest, context: Context) -> pb.StartDeploymentResponse:
        """Check a deploy file, or a stored deployment, and start it."""
        if request.source_deployment:
            deployment, warnings = await self._deployments.redeploy(_redeploy_request(request), current_principal())
        else:
            deployment, warnings = await self._deployments.start(_start_request(request), current_principal())
        return pb.StartDeploymentResponse(deployment=to_proto(deployment), warnings=warnings)

    async def GetDeployment(self, request: pb.GetDeploymentRequest, context: Context) -> pb.GetDeploymentResponse:
        """Get one deployment."""
        return pb.GetDeploymentResponse(deployment=to_proto(await self._deployments.get(deployment_key(request.name))))

    async def ListDeployments(self, request: pb.ListDeploymentsRequest, context: Context) -> pb.ListDeploymentsResponse:
        """List deployments, newest first."""
        page = await self._deployments.list(
            current_principal().tenant,
            PageRequest(size=request.page_size, token=request.page_token),
            application=request.application,
            in_progress_only=request.in_progress_only,
        )
        return pb.ListDeploymentsResponse(
            deployments=[to_proto(deployment) for deployment in page.items], next_page_token=page.next_token
        )

    async def WatchDeployment(
        self, request: pb.WatchDeploymentRequest, context: Context
    ) -> AsyncIterator[pb.WatchDeploymentResponse]:
        """Stream one deployment until it ends."""
        async for change in self._deployments.watch(deployment_key(request.name), request.after_sequence):
            if isinstance(change, Deployment):
                yield pb.WatchDeploymentResponse(sequence=change.sequence, snapshot=to_proto(change))
            else:
                yield pb.WatchDeploymentResponse(sequence=change.sequence, event=event_to_proto(change))

    async def ExplainDeployment(
        self, request: pb.ExplainDeploymentRequest, context: Context
    ) -> pb.ExplainDeploymentResponse:
        """Say why a deployment, or one target of it, is as it is."""
        found, *targets = await self._deployments.explain(deployment_key(request.name), request.target)
        return pb.ExplainDeploymentResponse(
            explanation=explanation_to_proto(found), targets=map(explanation_to_proto, targets)
        )

    async def GetLiveReplicas(self, request: pb.GetLiveReplicasRequest, context: Context) -> pb.GetLiveReplicasResponse:
        """Get how many pods are live."""
        places = [
            WorkloadPlace(account=one.account, namespace=one.namespace, name=one.name) for one in request.workloads
        ]
        found = await self._live.get(current_principal().tenant, places)
        return pb.GetLiveReplicasResponse(workloads=[live_to_proto(one) for one in found])

    async def ApproveDeployment(
        self, request: pb.ApproveDeploymentRequest, context: Context
    ) -> pb.ApproveDeploymentResponse:
        """Approve what waits for an approval."""
        wish = self._wish(persons.APPROVE, request.request_id, request.comment, request.target, request.step)
        deployment = await self._deployments.approve(deployment_key(request.name), wish, current_principal())
        return pb.ApproveDeploymentResponse(deployment=to_proto(deployment))

    async def SkipPause(self, request: pb.SkipPauseRequest, context: Context) -> pb.SkipPauseResponse:
        """End timed pauses before their time."""
        wish = self._wish(persons.SKIP, request.request_id, request.comment, request.target, request.step)
        deployment = await self._deployments.skip(deployment_key(request.name), wish, current_principal())
        return pb.SkipPauseResponse(deployment=to_proto(deployment))

    async def ReportWebhook(self, request: pb.ReportWebhookRequest, context: Context) -> pb.ReportWebhookResponse:
        """Report the result of a webhook."""
        place = CallbackPlace(deployment=deployment_key(request.name), target=request.target, step=request.step)
        report = CallbackReport(is_success=request.is_success, message=request.message)
        deployment = await self._callbacks.report_by(current_principal(), place, report)
        return pb.ReportWebhookResponse(deployment=to_proto(deployment))

    async def RollBackDeployment(
        self, request: pb.RollBackDeploymentRequest, context: Context
    ) -> pb.RollBackDeploymentResponse:
        """Roll back what is in progress."""
        wish = self._wish(persons.ROLL_BACK, request.request_id, request.comment, request.target)
        deployment = await self._deployments.roll_back(deployment_key(request.name), wish, current_principal())
        return pb.RollBackDeploymentResponse(deployment=to_proto(deployment))

    async def CancelDeployment(
        self, request: pb.CancelDeploymentRequest, context: Context
    ) -> pb.CancelDeploymentResponse:
        """Cancel the deployment."""
        wish = self._wish(persons.CANCEL, request.request_id, request.comment)
        deployment = await self._deployments.cancel(deployment_key(request.name), wish, current_principal())
        return pb.CancelDeploymentResponse(deployment=to_proto(deployment))

    def _wish(self, kind: str, request_id: str, comment: str, target: str = "", step: str = "") -> PersonsDecision:
        caller = current_principal()
        return PersonsDecision(
            kind=kind,
            by=caller.actor,
            at=self._deployments.now(),
            roles=caller.role_names,
            is_administrator=caller.is_administrator,
            request_id=request_id,
            target=target,
            step=step,
            comment=comment,
        )


def _start_request(request: pb.StartDeploymentRequest) -> StartRequest:
    files: dict[str, list[FileContent]] = defaultdict(list)
    for file in request.manifest_files:
        files[file.path].append(FileContent(name=file.name or file.path, content=file.content))
    caller = current_principal()
    return StartRequest(
        tenant=caller.tenant,
        actor=caller.actor,
        deploy_file=request.deploy_file,
        file_name=request.deploy_file_name,
        files={path: tuple(contents) for path, contents in files.items()},
        application=request.application,
        account=request.account,
        context=dict(request.context),
        targets=tuple(request.targets),
        request_id=request.request_id,
    )


def _redeploy_request(request: pb.StartDeploymentRequest) -> RedeployRequest:
    names = ("deploy_file", "deploy_file_name", "manifest_files", "application", "context")
    given = [Violation(field=name, description=_OF_THE_SOURCE) for name in names if getattr(request, name)]
    if given:
        raise InvalidArgument(given)
    caller = current_principal()
    return RedeployRequest(
        tenant=caller.tenant,
        actor=caller.actor,
        source=deployment_key(request.source_deployment, field="source_deployment").id,
        account=request.account,
        targets=tuple(request.targets),
        request_id=request.request_id,
    )
