"""From a checked deploy file to the first record of its deployment."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from borealis_deployfile.faults import Fault
from borealis_deployfile.manifests import FileContent, ManifestObject, ManifestResult, apply_order, check_manifests
from borealis_deployfile.model import Canary, DeployFile, Target
from borealis_deployfile.parse import check
from borealis_deployfile.selection import UnknownTargetError, select_targets
from borealis_deployfile.surroundings import Surroundings, check_surroundings
from borealis_deployfile.unsupported import unsupported
from borealis_server.domain.deployment import (
    Deployment,
    DeploymentInputs,
    DeploymentKey,
    EventKind,
    StepPart,
    TargetRun,
)
from borealis_server.domain.errors import DeployFileInvalid, FileFault, InvalidArgument
from borealis_server.domain.planning.canary import plan_steps
from borealis_server.domain.planning.conditions import plan_together
from borealis_server.domain.record import Note, Recorded, settle

DEFAULT_FILE_NAME = "deploy.yaml"
REQUEST_ID_LIMIT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """What somebody wants to start."""

    tenant: str
    actor: str
    deploy_file: bytes
    file_name: str = ""
    files: Mapping[str, tuple[FileContent, ...]]
    """Manifest files by the path that the deploy file writes."""
    application: str = ""
    """Replaces the deploy file's; empty keeps it."""
    account: str = ""
    """Replaces the accounts of all targets; empty keeps them."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Variables that go before those of the steps and of the file."""
    targets: tuple[str, ...] = ()
    """Only these targets; empty means all."""
    request_id: str = ""
    source: str = ""
    """Id of the deployment whose stored files these are; empty when a client sent them."""

    def digest(self) -> str:
        """SHA-256 over everything that makes this request another than the next."""
        hashed = hashlib.sha256()
        for part in self._parts():
            hashed.update(len(part).to_bytes(8, "big") + part)
        return hashed.hexdigest()

    def _parts(self) -> Iterable[bytes]:
        yield from (self.actor.encode(), self.deploy_file, self.application.encode())
        yield from (self.account.encode(), str(len(self.context)).encode(), str(len(self.targets)).encode())
        for name, value in sorted(self.context.items()):
            yield from (name.encode(), value.encode())
        yield from (target.encode() for target in self.targets)
        for path, contents in sorted(self.files.items()):
            for content in contents:
                yield from (path.encode(), content.name.encode(), content.content)
        if self.source:
            yield self.source.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStart:
    """A request without faults."""

    file: DeployFile
    objects: Mapping[str, Sequence[ManifestObject]]
    warnings: tuple[str, ...]


def checked(request: StartRequest, known_agents: Collection[str]) -> CheckedStart:
    """The request, understood. Errors: InvalidArgument; DeployFileInvalid with every fault at once."""
    check_request_id(request.request_id)
    name = request.file_name or DEFAULT_FILE_NAME
    result = check(
        request.deploy_file,
        file_name=name,
        application=request.application or None,
        account=request.account or None,
        context=request.context,
    )
    if result.file is None:
        raise DeployFileInvalid(file_faults(result.faults))
    file = _chosen(result.file, request.targets)
    manifests = check_manifests(file, request.files)
    faults = [
        *check_surroundings(file, Surroundings(accounts=known_agents)),
        *manifests.faults,
        *unsupported(file),
        *manifests.unsupported,
    ]
    if faults:
        raise DeployFileInvalid(file_faults(faults))
    return CheckedStart(
        file=file, objects=_ordered(manifests), warnings=warning_texts(result.warnings, manifests.warnings)
    )


def _chosen(file: DeployFile, names: Collection[str]) -> DeployFile:
    try:
        return select_targets(file, names)
    except UnknownTargetError as error:
        raise InvalidArgument.of("targets", str(error)) from error


def away_warnings(file: DeployFile, away: Mapping[str, datetime | None]) -> tuple[str, ...]:
    """A warning for each target whose agent is away; `away` says when each of those was last seen."""
    seen = {name: f"last seen {time:%Y-%m-%d %H:%M:%S} UTC" if time else "never seen" for name, time in away.items()}
    return warning_texts(check_surroundings(file, Surroundings(away=seen)))


def check_request_id(request_id: str) -> None:
    """Errors: InvalidArgument when it is too long."""
    if len(request_id) > REQUEST_ID_LIMIT:
        raise InvalidArgument.of("request_id", f"must have at most {REQUEST_ID_LIMIT} characters")


def first_record(
    start: CheckedStart,
    request: StartRequest,
    key: DeploymentKey,
    now: datetime,
    *,
    stored: DeploymentInputs | None = None,
) -> tuple[Recorded, DeploymentInputs]:
    """The new deployment with its first events, and what it is made of: what was `stored` once, or the request."""
    again = f", as deployment {request.source} was" if request.source else ""
    note = Note(kind=EventKind.DEPLOYMENT_STARTED, message=f"started by {request.actor}{again}", actor=request.actor)
    deployment = new_deployment(start, request, key, now)
    objects = {name: tuple(json.dumps(item.document) for item in found) for name, found in start.objects.items()}
    inputs = (
        replace(stored, objects=objects)
        if stored
        else DeploymentInputs(deploy_file=request.deploy_file.decode(), objects=objects, context=dict(request.context))
    )
    return settle(Recorded(deployment=deployment).with_event(note, now), now), inputs


def new_deployment(start: CheckedStart, request: StartRequest, key: DeploymentKey, now: datetime) -> Deployment:
    """The deployment before anything has happened."""
    return Deployment(
        key=key,
        application=start.file.application,
        description=start.file.description,
        targets=tuple(_target_run(target, start) for target in start.file.targets),
        started_by=request.actor,
        started_at=now,
        readiness_timeout_s=start.file.config.readiness_timeout_s,
        request_id=request.request_id,
        digest=request.digest(),
        redeploy_of=request.source,
    )


def _target_run(target: Target, start: CheckedStart) -> TargetRun:
    has_pods = any(item.kind == "Deployment" for item in start.objects.get(target.name, ()))
    strategy = start.file.strategies[target.strategy] if target.strategy else None
    return TargetRun(
        name=target.name,
        account=target.account,
        namespace=target.namespace or "",
        depends_on=target.depends_on,
        steps=(
            *plan_together(StepPart.BEFORE, target.before),
            *(plan_steps(strategy if isinstance(strategy, Canary) else None) if has_pods else ()),
            *plan_together(StepPart.AFTER, target.after),
        ),
    )


def _ordered(manifests: ManifestResult) -> dict[str, list[ManifestObject]]:
    return {
        name: [item for group in apply_order(objects) for item in group.objects]
        for name, objects in manifests.objects_by_target.items()
    }


def file_faults(faults: Iterable[Fault]) -> tuple[FileFault, ...]:
    """The faults as errors carry them."""
    return tuple(map(_file_fault, faults))


def _file_fault(fault: Fault) -> FileFault:
    return FileFault(
        file=fault.file, line=fault.line, column=fault.column, code=fault.code, message=fault.message, help=fault.help
    )


def warning_texts(*groups: Iterable[Fault]) -> tuple[str, ...]:
    """Each warning with its place, as a start answers with them."""
    return tuple(f"{fault.file}:{fault.line}: {fault.message}" for group in groups for fault in group)
