"""Deployments: start them, look at them, follow them, decide about them."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from borealis_client._generated.borealis.deployment.v1 import (
    ApproveDeploymentRequest,
    CancelDeploymentRequest,
    Deployment,
    DeploymentEvent,
    DeploymentServiceStub,
    ExplainDeploymentRequest,
    Explanation,
    GetDeploymentRequest,
    GetLiveReplicasRequest,
    ListDeploymentsRequest,
    LiveReplicas,
    ManifestFile,
    ReportWebhookRequest,
    RollBackDeploymentRequest,
    SkipPauseRequest,
    StartDeploymentRequest,
    WatchDeploymentRequest,
    WorkloadPlace,
)
from borealis_client.deploy_files import gather
from borealis_client.errors import BorealisError, DeadlineExceededError, ServerError, ServerUnreachableError
from borealis_client.folding import fold, is_end, is_final
from borealis_client.interruptions import Interruptions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence
    from pathlib import Path

    from borealis_client.interruptions import OnInterruption
    from borealis_client.transport import Transport

_UPLOAD_LIMIT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedDeployment:
    """A deployment that the server accepted."""

    deployment: Deployment
    warnings: tuple[str, ...]
    """Things in the deploy file that a person should know and that stop nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentExplanation:
    """Why a deployment is as it is."""

    explanation: Explanation
    """The deployment, or the target that was asked for."""
    targets: tuple[Explanation, ...]
    """Each target; empty where one was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentUpdate:
    """A watched deployment after one more change."""

    sequence: int
    """Number of the newest event that `deployment` includes."""
    deployment: Deployment
    """The whole state after the change."""
    event: DeploymentEvent | None
    """What happened; None for the state at the beginning, and after a gap."""


class Deployments:
    """The deployments of the caller's tenant. Names are resource names: `tenants/{tenant}/deployments/{deployment}`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def start(  # noqa: PLR0913 - every one is an independent choice of the caller
        self,
        deploy_file: Path | str | bytes,
        *,
        manifests: Sequence[ManifestFile] = (),
        file_name: str = "deploy.yaml",
        application: str = "",
        account: str = "",
        context: Mapping[str, str] | None = None,
        targets: Sequence[str] = (),
        allows_private: bool = False,
        request_id: str = "",
        timeout_s: float = _UPLOAD_LIMIT_S,
    ) -> StartedDeployment:
        """The deployment that the deploy file describes, accepted by the server.

        A path or an http address is read together with what the file names, checked, and only sent when it has no
        faults; addresses in private networks need `allows_private`. Bytes
        are sent as they are, with `manifests` as what their paths hold and `file_name` as their name in messages.
        `application` and `account` replace what the file says, `context` goes before its variables, and `targets`
        leaves out all others.

        Errors: DeployFileInvalidError with every fault at once, DeploymentInProgressError.
        """
        if not isinstance(deploy_file, bytes):
            gathered = await asyncio.to_thread(
                gather,
                deploy_file,
                application=application or None,
                account=account or None,
                context=context,
                targets=targets,
                allows_private=allows_private,
            )
            gathered.raise_for_faults()
            deploy_file, manifests, file_name = gathered.content, gathered.manifest_files, gathered.file_name
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).start_deployment,
            StartDeploymentRequest(
                request_id=request_id or new_request_id(),
                deploy_file=deploy_file,
                deploy_file_name=file_name,
                manifest_files=[*manifests],
                application=application,
                account=account,
                context=dict(context or {}),
                targets=[*targets],
            ),
            is_repeatable=True,
            timeout_s=timeout_s,
        )
        return StartedDeployment(deployment=_present(answer.deployment), warnings=tuple(answer.warnings))

    async def redeploy(
        self, name: str, *, targets: Sequence[str] = (), account: str = "", request_id: str = ""
    ) -> StartedDeployment:
        """A new deployment of what was stored with deployment `name`, whatever became of that one.

        `targets` are some of its targets; `account` replaces their accounts.

        Errors: DeploymentNotFoundError, DeployFileInvalidError, DeploymentInProgressError.
        """
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).start_deployment,
            StartDeploymentRequest(
                request_id=request_id or new_request_id(),
                source_deployment=name,
                account=account,
                targets=[*targets],
            ),
            is_repeatable=True,
        )
        return StartedDeployment(deployment=_present(answer.deployment), warnings=tuple(answer.warnings))

    async def get(self, name: str) -> Deployment:
        """One deployment as it is now."""
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).get_deployment,
            GetDeploymentRequest(name=name),
            is_repeatable=True,
        )
        return _present(answer.deployment)

    async def explain(self, name: str, *, target: str = "") -> DeploymentExplanation:
        """Why the deployment is as it is, or only its `target`.

        Errors: DeploymentNotFoundError, TargetNotFoundError.
        """
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).explain_deployment,
            ExplainDeploymentRequest(name=name, target=target),
            is_repeatable=True,
        )
        if answer.explanation is None:
            raise ServerError("the server answered without an explanation. Is it newer or older than this client?")
        return DeploymentExplanation(explanation=answer.explanation, targets=tuple(answer.targets))

    async def list(
        self, *, application: str = "", in_progress_only: bool = False, page_size: int = 50
    ) -> AsyncGenerator[Deployment, None]:
        """Deployments, newest first; further pages are fetched as the iteration gets there."""
        request = ListDeploymentsRequest(
            page_size=page_size, application=application, in_progress_only=in_progress_only
        )
        while True:
            answer = await self._transport.call(
                lambda channel: DeploymentServiceStub(channel).list_deployments, request, is_repeatable=True
            )
            for deployment in answer.deployments:
                yield deployment
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def watch(
        self, name: str, *, on_interruption: OnInterruption | None = None
    ) -> AsyncGenerator[DeploymentUpdate, None]:
        """The deployment now, and again after each change, until it is final; then the iteration ends.

        A lost connection is made again and the watch goes on where it was, nothing left out. `on_interruption` is told.

        Errors: DeploymentNotFoundError; ServerUnreachableError when the server stays away for too long.
        """
        known: Deployment | None = None
        interruptions = Interruptions(self._transport.retry, on_interruption)
        while True:
            interruptions.begin()
            try:
                async with aclosing(self._changes(name, known)) as changes:
                    async for update in changes:
                        if known is None or update.sequence > known.sequence:
                            interruptions.progress()
                        known = update.deployment
                        yield update
                        if is_final(known) and (update.event is None or is_end(update.event)):
                            return
                if known and is_final(known):
                    return
                await interruptions.wait(ServerUnreachableError(f"{self._transport.settings.server} ended the watch."))
            except DeadlineExceededError as error:
                await self._after_silence(name, error, interruptions)
            except BorealisError as error:
                await interruptions.wait(error)

    async def live_replicas(
        self, places: Sequence[WorkloadPlace], *, timeout_s: float | None = None
    ) -> tuple[LiveReplicas, ...]:
        """How many pods are live of each Kubernetes Deployment, in the order of `places`; or why nobody knows."""
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).get_live_replicas,
            GetLiveReplicasRequest(workloads=[*places]),
            is_repeatable=True,
            timeout_s=timeout_s,
        )
        return tuple(answer.workloads)

    async def approve(
        self, name: str, *, target: str = "", step: str = "", comment: str = "", request_id: str = ""
    ) -> Deployment:
        """The deployment after the approval of what waits: everywhere, or only in `target`, or only at its `step`.

        Errors: NotAwaitingApprovalError, AlreadyDecidedError, TargetNotFoundError, RoleRequiredError.
        """
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).approve_deployment,
            ApproveDeploymentRequest(
                name=name, request_id=request_id or new_request_id(), target=target, step=step, comment=comment
            ),
            is_repeatable=True,
        )
        return _present(answer.deployment)

    async def skip(
        self, name: str, *, target: str = "", step: str = "", comment: str = "", request_id: str = ""
    ) -> Deployment:
        """The deployment after its timed pauses were ended early: everywhere, or only in `target`, or only at `step`.

        Errors: NotPausedError, AlreadyDecidedError, TargetNotFoundError.
        """
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).skip_pause,
            SkipPauseRequest(
                name=name, request_id=request_id or new_request_id(), target=target, step=step, comment=comment
            ),
            is_repeatable=True,
        )
        return _present(answer.deployment)

    async def report_webhook(  # what is reported, and where
        self, name: str, *, target: str, step: str, is_success: bool, message: str = "", request_id: str = ""
    ) -> Deployment:
        """The deployment after the result of a webhook was reported to the step that waits for it.

        Errors: WebhookStepNotFoundError, CallbackContradictsError, CallbackTooLateError.
        """
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).report_webhook,
            ReportWebhookRequest(
                name=name,
                target=target,
                step=step,
                is_success=is_success,
                message=message,
                request_id=request_id or new_request_id(),
            ),
            is_repeatable=True,
        )
        return _present(answer.deployment)

    async def roll_back(self, name: str, *, target: str = "", comment: str = "", request_id: str = "") -> Deployment:
        """The deployment once its rollback has been accepted; watch it to see the end.

        `target` is the one that has to go back; the others are cancelled with it.

        Errors: DeploymentEndedError, TooLateError, TargetNotFoundError.
        """
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).roll_back_deployment,
            RollBackDeploymentRequest(
                name=name, request_id=request_id or new_request_id(), target=target, comment=comment
            ),
            is_repeatable=True,
        )
        return _present(answer.deployment)

    async def cancel(self, name: str, *, comment: str = "", request_id: str = "") -> Deployment:
        """The deployment once its cancellation has been accepted; watch it to see the end.

        Errors: DeploymentEndedError.
        """
        answer = await self._transport.call(
            lambda channel: DeploymentServiceStub(channel).cancel_deployment,
            CancelDeploymentRequest(name=name, request_id=request_id or new_request_id(), comment=comment),
            is_repeatable=True,
        )
        return _present(answer.deployment)

    async def _changes(self, name: str, known: Deployment | None) -> AsyncGenerator[DeploymentUpdate, None]:
        """One stream's updates: from the whole state, or from where `known` is."""
        request = WatchDeploymentRequest(name=name, after_sequence=known.sequence if known else 0)
        answers = self._transport.stream(
            lambda channel: DeploymentServiceStub(channel).watch_deployment,
            request,
            idle_limit_s=self._transport.retry.idle_limit_s,
        )
        async with aclosing(answers):
            async for answer in answers:
                if answer.snapshot:
                    known = answer.snapshot
                elif answer.event and known:
                    known = await self._after(known, answer.event)
                else:
                    continue  # a change of a kind that this client is too old to know
                yield DeploymentUpdate(sequence=answer.sequence, deployment=known, event=answer.event)

    async def _after(self, known: Deployment, event: DeploymentEvent) -> Deployment:
        """The state after `event`; after the last one as the server has it, since events do not carry all of it."""
        folded = fold(known, event)
        if not is_end(event):
            return folded
        try:
            newest = await self.get(known.name)
        except BorealisError:
            return folded
        return newest if is_final(newest) else folded

    async def _after_silence(self, name: str, error: DeadlineExceededError, interruptions: Interruptions) -> None:
        """Nothing came for long: fine if the server still answers, else the connection is dead without being closed."""
        try:
            await self.get(name)
        except DeadlineExceededError:
            await self._transport.reconnect()
            await interruptions.wait(error)
        except BorealisError as other:
            await interruptions.wait(other)


def new_request_id() -> str:
    """A request id that nobody has used."""
    return str(uuid.uuid4())


def _present(deployment: Deployment | None) -> Deployment:
    if deployment is None:
        raise ServerError("the server answered without a deployment. Is it newer or older than this client?")
    return deployment
