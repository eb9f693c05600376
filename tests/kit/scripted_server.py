"""A server that does as a test tells it: real gRPC over TLS with the generated servicers, invented answers behind them.

It runs in threads of its own, so that programs under test may own the event loop.
"""

# ruff: noqa: N802 - methods are named as in the protos

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn, Self

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # comes without types
from grpc_status import rpc_status

from borealis.agent.v1 import agent_pb2, agent_service_pb2, agent_service_pb2_grpc
from borealis.deployment.v1 import deployment_pb2, deployment_service_pb2, deployment_service_pb2_grpc
from borealis.identity.v1 import identity_pb2, identity_service_pb2, identity_service_pb2_grpc
from borealis_client import LiveReplicas
from borealis_sandbox.pki import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from borealis_client import Agent, Deployment
    from borealis_sandbox.pki import KeyPair

CLIENT_ID = "test-client"
CLIENT_SECRET = "test-secret"
_STOP_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error to answer with."""

    code: grpc.StatusCode
    reason: str = ""
    message: str = "as the test says"
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Sequence[tuple[str, str, str]] = ()
    """Field, description and reason of each."""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nothing for so long, unless the caller leaves."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that came."""

    method: str
    request: Any  # the generated message
    token: str


class ScriptedServer:
    """A context manager: inside it the server answers at `address`."""

    def __init__(self, folder: Path, *, hosts: tuple[str, ...] = ("localhost", "127.0.0.1")) -> None:
        self.deployments: dict[str, Deployment] = {}
        """What exists, newest first."""
        self.agents: list[Agent] = []
        self.watches: deque[list[Any]] = deque()
        """A script for each watch to come: snapshots, events, failures, silences; then the stream ends."""
        self.live: dict[str, LiveReplicas] = {}
        """What is live, by the name of the Deployment."""
        self.warnings: list[str] = []
        self.calls: list[Call] = []
        self.token_lifetime_s = 900
        self.valid_tokens: set[str] = set()
        self.ca_file = folder / "ca.pem"
        self.address = ""
        self._failures: dict[str, deque[Failure | Silence]] = defaultdict(deque)
        self._called = threading.Condition()
        self._hosts = hosts
        self._port = 0

    def fail(self, method: str, *failures: Failure | Silence) -> None:
        """The next calls of `method` fail, once each."""
        self._failures[method].extend(failures)

    def called(self, method: str) -> list[Any]:  # the generated messages
        """Requests of `method` so far."""
        return [call.request for call in self.calls if call.method == method]

    def wait_for_call(self, method: str, *, times: int = 1) -> None:
        """Returns when `method` has been called so often; an error when that takes too long."""
        with self._called:
            assert self._called.wait_for(lambda: len(self.called(method)) >= times, _STOP_LIMIT_S), method

    def __enter__(self) -> Self:
        authority_pem, pair = _certificate(self._hosts)
        self.ca_file.write_bytes(authority_pem)
        self._credentials = grpc.ssl_server_credentials([(pair.key_pem, pair.certificate_pem)])
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, at the same address as before if there was one."""
        self._server = grpc.server(ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 0)])
        deployment_service_pb2_grpc.add_DeploymentServiceServicer_to_server(_Deployments(self), self._server)
        agent_service_pb2_grpc.add_AgentServiceServicer_to_server(_Agents(self), self._server)
        identity_service_pb2_grpc.add_IdentityServiceServicer_to_server(_Identity(self), self._server)
        self._port = self._server.add_secure_port(f"127.0.0.1:{self._port}", self._credentials)
        self.address = f"127.0.0.1:{self._port}"
        self._server.start()

    def stop(self) -> None:
        """Go away, breaking every stream."""
        self._server.stop(0).wait(_STOP_LIMIT_S)

    def enter(self, method: str, request: Any, context: grpc.ServicerContext, *, is_public: bool = False) -> None:
        """Notes the call, checks its token, and fails it if a test wants that."""
        sent = dict(context.invocation_metadata()).get("authorization", "")
        token = str(sent).removeprefix("Bearer ")
        with self._called:
            self.calls.append(Call(method=method, request=request, token=token))
            self._called.notify_all()
        if not is_public and token not in self.valid_tokens:
            abort(context, Failure(code=grpc.StatusCode.UNAUTHENTICATED, reason="UNAUTHENTICATED"))
        if self._failures[method]:
            act(context, self._failures[method].popleft())


@cache
def _certificate(hosts: tuple[str, ...]) -> tuple[bytes, KeyPair]:
    """An authority's certificate, and one that it issued: made once for all servers of a run."""
    authority = Authority("scripted server")
    return authority.certificate_pem, authority.issue(hosts)


def act(context: grpc.ServicerContext, step: Failure | Silence) -> None:
    """Fails, or keeps silent for a while."""
    if isinstance(step, Failure):
        abort(context, step)
    end = time.monotonic() + step.seconds
    while context.is_active() and time.monotonic() < end:
        time.sleep(0.01)


def abort(context: grpc.ServicerContext, failure: Failure) -> NoReturn:
    """Ends the call with the status and details that the platform would send."""
    info = error_details_pb2.ErrorInfo(reason=failure.reason, domain="borealis", metadata=failure.metadata)
    faults = [
        error_details_pb2.BadRequest.FieldViolation(field=place, description=text, reason=reason)
        for place, text, reason in failure.violations
    ]
    details = [
        *([info] if failure.reason else []),
        *([error_details_pb2.BadRequest(field_violations=faults)] if faults else []),
        *([error_details_pb2.RequestInfo(request_id=failure.request_id)] if failure.request_id else []),
    ]
    status = status_pb2.Status(code=failure.code.value[0], message=failure.message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError("abort returned")


def _sent(deployment: Deployment) -> deployment_pb2.Deployment:
    return deployment_pb2.Deployment.FromString(bytes(deployment))


class _Deployments(deployment_service_pb2_grpc.DeploymentServiceServicer):
    def __init__(self, script: ScriptedServer) -> None:
        self._script = script

    def StartDeployment(self, request: Any, context: Any) -> Any:
        self._script.enter("StartDeployment", request, context)
        started = next(iter(self._script.deployments.values()))
        return deployment_service_pb2.StartDeploymentResponse(deployment=_sent(started), warnings=self._script.warnings)

    def GetDeployment(self, request: Any, context: Any) -> Any:
        self._script.enter("GetDeployment", request, context)
        return deployment_service_pb2.GetDeploymentResponse(deployment=_sent(self._found(request.name, context)))

    def ListDeployments(self, request: Any, context: Any) -> Any:
        self._script.enter("ListDeployments", request, context)
        wanted = [
            one
            for one in self._script.deployments.values()
            if request.application in ("", one.application)
            and not (request.in_progress_only and one.state.name in {"SUCCEEDED", "FAILED", "CANCELLED"})
        ]
        first, size = int(request.page_token or 0), request.page_size or 50
        rest = first + size < len(wanted)
        return deployment_service_pb2.ListDeploymentsResponse(
            deployments=[_sent(one) for one in wanted[first : first + size]],
            next_page_token=str(first + size) if rest else "",
        )

    def WatchDeployment(self, request: Any, context: Any) -> Iterator[Any]:
        self._script.enter("WatchDeployment", request, context)
        known = self._found(request.name, context)
        script = self._script.watches.popleft() if self._script.watches else [known]
        for step in script:
            if isinstance(step, Failure | Silence):
                act(context, step)
            elif hasattr(step, "kind"):
                event = deployment_pb2.DeploymentEvent.FromString(bytes(step))
                yield deployment_service_pb2.WatchDeploymentResponse(sequence=step.sequence, event=event)
            else:
                yield deployment_service_pb2.WatchDeploymentResponse(sequence=step.sequence, snapshot=_sent(step))

    def GetLiveReplicas(self, request: Any, context: Any) -> Any:
        self._script.enter("GetLiveReplicas", request, context)
        answers = [self._script.live.get(place.name, LiveReplicas(is_absent=True)) for place in request.workloads]
        messages = [deployment_service_pb2.LiveReplicas.FromString(bytes(answer)) for answer in answers]
        return deployment_service_pb2.GetLiveReplicasResponse(workloads=messages)

    def ApproveDeployment(self, request: Any, context: Any) -> Any:
        self._script.enter("ApproveDeployment", request, context)
        return deployment_service_pb2.ApproveDeploymentResponse(deployment=_sent(self._found(request.name, context)))

    def ExplainDeployment(self, request: Any, context: Any) -> Any:
        self._script.enter("ExplainDeployment", request, context)
        self._found(request.name, context)
        waiting = deployment_pb2.Explanation(
            sentence="prod waits for approval; to do: approve it, or roll back.",
            target=request.target,
            actions=["ACTION_APPROVE", "ACTION_ROLL_BACK"],
        )
        return deployment_service_pb2.ExplainDeploymentResponse(explanation=waiting)

    def SkipPause(self, request: Any, context: Any) -> Any:
        self._script.enter("SkipPause", request, context)
        return deployment_service_pb2.SkipPauseResponse(deployment=_sent(self._found(request.name, context)))

    def ReportWebhook(self, request: Any, context: Any) -> Any:
        self._script.enter("ReportWebhook", request, context)
        return deployment_service_pb2.ReportWebhookResponse(deployment=_sent(self._found(request.name, context)))

    def RollBackDeployment(self, request: Any, context: Any) -> Any:
        self._script.enter("RollBackDeployment", request, context)
        return deployment_service_pb2.RollBackDeploymentResponse(deployment=_sent(self._found(request.name, context)))

    def CancelDeployment(self, request: Any, context: Any) -> Any:
        self._script.enter("CancelDeployment", request, context)
        return deployment_service_pb2.CancelDeploymentResponse(deployment=_sent(self._found(request.name, context)))

    def _found(self, name: str, context: Any) -> Deployment:
        if name not in self._script.deployments:
            failure = Failure(
                code=grpc.StatusCode.NOT_FOUND,
                reason="DEPLOYMENT_NOT_FOUND",
                message=f"no deployment {name}",
                metadata={"deployment": name},
            )
            abort(context, failure)
        return self._script.deployments[name]


class _Agents(agent_service_pb2_grpc.AgentServiceServicer):
    def __init__(self, script: ScriptedServer) -> None:
        self._script = script

    def ListAgents(self, request: Any, context: Any) -> Any:
        self._script.enter("ListAgents", request, context)
        return agent_service_pb2.ListAgentsResponse(agents=self._all())

    def GetAgent(self, request: Any, context: Any) -> Any:
        self._script.enter("GetAgent", request, context)
        for agent in self._all():
            if agent.name == request.name:
                return agent_service_pb2.GetAgentResponse(agent=agent)
        abort(context, Failure(code=grpc.StatusCode.NOT_FOUND, reason="AGENT_NOT_FOUND"))

    def WatchAgents(self, request: Any, context: Any) -> Iterator[Any]:
        self._script.enter("WatchAgents", request, context)
        for agent in self._all():
            yield agent_service_pb2.WatchAgentsResponse(agent=agent)
        yield agent_service_pb2.WatchAgentsResponse(initial_state_sent=True)

    def _all(self) -> list[agent_pb2.Agent]:
        return [agent_pb2.Agent.FromString(bytes(agent)) for agent in self._script.agents]


class _Identity(identity_service_pb2_grpc.IdentityServiceServicer):
    def __init__(self, script: ScriptedServer) -> None:
        self._script = script

    def IssueToken(self, request: Any, context: Any) -> Any:
        self._script.enter("IssueToken", request, context, is_public=True)
        if (request.client_id, request.client_secret) != (CLIENT_ID, CLIENT_SECRET):
            abort(context, Failure(code=grpc.StatusCode.UNAUTHENTICATED, reason="CREDENTIAL_REFUSED"))
        token = f"token-{len(self._script.called('IssueToken'))}"
        self._script.valid_tokens.add(token)
        return identity_service_pb2.IssueTokenResponse(
            access_token=token,
            token_type="Bearer",
            expires_in=duration_pb2.Duration(seconds=self._script.token_lifetime_s),
        )

    def GetCaller(self, request: Any, context: Any) -> Any:
        self._script.enter("GetCaller", request, context)
        caller = identity_pb2.Principal(
            subject=f"clients/{CLIENT_ID}", display_name="test", tenant="main", roles=["admin"]
        )
        return identity_service_pb2.GetCallerResponse(principal=caller)

    def CanI(self, request: Any, context: Any) -> Any:
        self._script.enter("CanI", request, context)
        if request.permission.endswith(".read"):
            return identity_service_pb2.CanIResponse(is_allowed=True, by_grant="api/tenant/read", by_role="Reader")
        return identity_service_pb2.CanIResponse(
            missing_grants=["api/deployment/deploy", "api/deployment/full"],
            sufficient_roles=["Deployments Full Access"],
            administrators=["ada@example.org"],
        )

    def UpdateClientCredential(self, request: Any, context: Any) -> Any:
        self._script.enter("UpdateClientCredential", request, context)
        credential = identity_pb2.ClientCredential(name=request.name, client_id="c-1", roles=request.roles)
        return identity_service_pb2.UpdateClientCredentialResponse(credential=credential)

    def CreateClientCredential(self, request: Any, context: Any) -> Any:
        self._script.enter("CreateClientCredential", request, context)
        credential = identity_pb2.ClientCredential(
            name="tenants/main/clientCredentials/c-1",
            client_id="c-1",
            display_name=request.display_name,
            role=request.role,
            agent=request.agent,
        )
        return identity_service_pb2.CreateClientCredentialResponse(credential=credential, client_secret="s-1")

    def ListClientCredentials(self, request: Any, context: Any) -> Any:
        self._script.enter("ListClientCredentials", request, context)
        names = ("c-1", "c-2", "c-3")
        first = int(request.page_token or 0)
        page = names[first : first + (request.page_size or 50)]
        rest = first + len(page) < len(names)
        return identity_service_pb2.ListClientCredentialsResponse(
            credentials=[identity_pb2.ClientCredential(client_id=name) for name in page],
            next_page_token=str(first + len(page)) if rest else "",
        )

    def DeleteClientCredential(self, request: Any, context: Any) -> Any:
        self._script.enter("DeleteClientCredential", request, context)
        return identity_service_pb2.DeleteClientCredentialResponse()
