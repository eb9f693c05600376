"""From a checked deploy file to the first record of its deployment."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from borealis_deployfile.bodies import check_bodies
from borealis_deployfile.faults import Fault
from borealis_deployfile.manifests import (
    FileContent,
    ManifestObject,
    ManifestResult,
    apply_order,
    check_manifests,
    collect_addresses,
    collect_paths,
)
from borealis_deployfile.model import BlueGreen, DeployFile, Strategy, Target
from borealis_deployfile.parse import check
from borealis_deployfile.selection import UnknownTargetError, select_targets
from borealis_deployfile.surroundings import Surroundings, check_surroundings
from borealis_deployfile.unsupported import unsupported
from borealis_server.domain.deployment import (
    Deployment,
    DeploymentInputs,
    DeploymentKey,
    ServicePair,
    StepRun,
    StoredFile,
    TargetRun,
)
from borealis_server.domain.errors import DeployFileInvalid, FileFault, InvalidArgument
from borealis_server.domain.planning.blue_green import plan_blue_green, plan_services
from borealis_server.domain.planning.canary import plan_steps
from borealis_server.domain.planning.conditions import Setting, plan_together
from borealis_server.domain.planning.routes import plan_specs
from borealis_server.domain.record import Note, Recorded, settle
from borealis_server.domain.states import EventKind, StepPart

DEFAULT_FILE_NAME = "deploy.yaml"
REQUEST_ID_LIMIT = 64
CONTEXT_LIMIT = 100
CONTEXT_LIMIT_BYTES = 16 * 2**10
"""They are kept with each state of a deployment."""
ADDRESS_LIMIT = 50
_NOTHING_FETCHED: Mapping[str, tuple[FileContent, ...]] = MappingProxyType({})
_ALL_READ: Mapping[str, str] = MappingProxyType({})


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
class ReadStart:
    """A request whose deploy file has no faults of its own."""

    file: DeployFile
    """Only the chosen targets."""
    warnings: tuple[Fault, ...]
    addresses: tuple[str, ...]
    """What must be fetched, since the client did not send it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedStart:
    """A request without faults."""

    file: DeployFile
    """With the bodies of its webhooks."""
    objects: Mapping[str, Sequence[ManifestObject]]
    warnings: tuple[str, ...]
    files: Mapping[str, tuple[FileContent, ...]] = field(default_factory=dict)
    """What the deploy file names, sent or fetched."""


def read_file(request: StartRequest) -> ReadStart:
    """The deploy file, understood. Errors: InvalidArgument; DeployFileInvalid with every fault of it."""
    check_request_id(request.request_id)
    _check_context(request.context)
    result = check(
        request.deploy_file,
        file_name=request.file_name or DEFAULT_FILE_NAME,
        application=request.application or None,
        account=request.account or None,
        context=request.context,
    )
    if result.file is None:
        raise DeployFileInvalid(map(_file_fault, result.faults))
    file = _chosen(result.file, request.targets)
    missing = tuple(address for address in collect_addresses(file) if address not in request.files)
    if len(missing) > ADDRESS_LIMIT:
        message = (
            f"the deploy file names {len(missing)} addresses; at most {ADDRESS_LIMIT} are fetched: send their content"
        )
        raise InvalidArgument.of("manifest_files", message)
    return ReadStart(file=file, warnings=result.warnings, addresses=missing)


def checked(
    request: StartRequest,
    known_agents: Collection[str],
    *,
    secrets: Collection[str] | None = None,
    providers: Collection[str] | None = None,
    read: ReadStart | None = None,
    fetched: Mapping[str, tuple[FileContent, ...]] = _NOTHING_FETCHED,
    unread: Mapping[str, str] = _ALL_READ,
) -> CheckedStart:
    """The request, understood; `read` where its file was read before.

    `secrets` and metric `providers` are the names of those that exist, None where that is not known.
    `fetched` is what its addresses answered, `unread` why others did not. Errors: InvalidArgument; DeployFileInvalid
    with every fault at once.
    """
    read = read or read_file(request)
    files = {**request.files, **fetched}
    manifests = check_manifests(read.file, files, unread=unread)
    bodies = check_bodies(read.file, files, unread=unread)
    faults = [
        *check_surroundings(bodies.file, Surroundings(accounts=known_agents, secrets=secrets, providers=providers)),
        *manifests.faults,
        *bodies.faults,
        *unsupported(bodies.file),
    ]
    if faults:
        raise DeployFileInvalid(map(_file_fault, faults))
    return CheckedStart(
        file=bodies.file,
        objects=_ordered(manifests),
        files={path: files[path] for path in (*collect_paths(read.file), *collect_addresses(read.file))},
        warnings=_warnings(read.warnings, manifests.warnings, bodies.warnings),
    )


def request_of(inputs: DeploymentInputs, *, tenant: str, actor: str) -> StartRequest:
    """The request that started a deployment, from what was kept of it: nothing is read or fetched again."""
    return StartRequest(
        tenant=tenant,
        actor=actor,
        deploy_file=inputs.deploy_file.encode(),
        file_name=inputs.file_name,
        files=stored_files(inputs),
        application=inputs.application,
        account=inputs.account,
        context=inputs.context,
        targets=inputs.targets,
    )


def stored_deploy_file(inputs: DeploymentInputs) -> DeployFile:
    """The deploy file of a deployment that was started, with the bodies of its webhooks.

    Errors: DeployFileInvalid when this version finds faults in it that the one that started it did not.
    """
    request = request_of(inputs, tenant="", actor="")
    return check_bodies(read_file(request).file, request.files).file


def stored_files(inputs: DeploymentInputs) -> dict[str, tuple[FileContent, ...]]:
    """What the paths and addresses of a deploy file held when it was started."""
    return {
        path: tuple(FileContent(name=one.name, content=one.content.encode()) for one in files)
        for path, files in inputs.files.items()
    }


def _check_context(context: Mapping[str, str]) -> None:
    size = sum(len(name.encode()) + len(value.encode()) for name, value in context.items())
    if len(context) > CONTEXT_LIMIT or size > CONTEXT_LIMIT_BYTES:
        message = f"must have at most {CONTEXT_LIMIT} variables with {CONTEXT_LIMIT_BYTES >> 10} KiB in all"
        raise InvalidArgument.of("context", message)


def _chosen(file: DeployFile, names: Collection[str]) -> DeployFile:
    try:
        return select_targets(file, names)
    except UnknownTargetError as error:
        raise InvalidArgument.of("targets", str(error)) from error


def away_warnings(file: DeployFile, away: Mapping[str, datetime | None]) -> tuple[str, ...]:
    """A warning for each target whose agent is away; `away` says when each of those was last seen."""
    seen = {name: f"last seen {time:%Y-%m-%d %H:%M:%S} UTC" if time else "never seen" for name, time in away.items()}
    return _warnings(check_surroundings(file, Surroundings(away=seen)))


def check_request_id(request_id: str) -> None:
    """Errors: InvalidArgument when it is too long."""
    if len(request_id) > REQUEST_ID_LIMIT:
        raise InvalidArgument.of("request_id", f"must have at most {REQUEST_ID_LIMIT} characters")


def first_record(
    start: CheckedStart, request: StartRequest, key: DeploymentKey, now: datetime
) -> tuple[Recorded, DeploymentInputs]:
    """The new deployment with its first events, and what it is made of."""
    again = f", as deployment {request.source} was" if request.source else ""
    note = Note(kind=EventKind.DEPLOYMENT_STARTED, message=f"started by {request.actor}{again}", actor=request.actor)
    deployment = new_deployment(start, request, key, now)
    inputs = DeploymentInputs(
        deploy_file=request.deploy_file.decode(),
        objects={name: tuple(json.dumps(item.document) for item in objects) for name, objects in start.objects.items()},
        file_name=request.file_name,
        files={path: tuple(map(_stored, contents)) for path, contents in start.files.items()},
        application=request.application,
        account=request.account,
        targets=request.targets,
        context=dict(request.context),
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
        keeps_deployment_object=start.file.config.keeps_deployment_object,
        request_id=request.request_id,
        digest=request.digest(),
        context=dict(request.context),
        redeploy_of=request.source,
    )


def _stored(file: FileContent) -> StoredFile:
    return StoredFile(name=file.name, content=file.content.decode())


def _target_run(target: Target, start: CheckedStart) -> TargetRun:
    has_pods = any(item.kind == "Deployment" for item in start.objects.get(target.name, ()))
    strategy = start.file.strategies[target.strategy] if target.strategy else None
    setting = Setting(file=start.file, target=target)
    steps, pairs = _plan(setting, strategy) if has_pods else ((), ())
    is_canary = has_pods and not isinstance(strategy, BlueGreen)
    return TargetRun(
        name=target.name,
        account=target.account,
        namespace=target.namespace or "",
        depends_on=target.depends_on,
        steps=(
            *plan_together(setting, StepPart.BEFORE, target.before),
            *steps,
            *plan_together(setting, StepPart.AFTER, target.after),
        ),
        service_pairs=pairs,
        route_specs=plan_specs(start.file, target.name) if is_canary else (),
    )


def _plan(setting: Setting, strategy: Strategy | None) -> tuple[tuple[StepRun, ...], tuple[ServicePair, ...]]:
    """The steps of the strategy, and the Services that it moves."""
    if isinstance(strategy, BlueGreen):
        pairs = plan_services(setting.file, setting.target.name, strategy)
        return plan_blue_green(setting, strategy), pairs
    return plan_steps(setting, strategy), ()


def _ordered(manifests: ManifestResult) -> dict[str, list[ManifestObject]]:
    return {
        name: [item for group in apply_order(objects) for item in group.objects]
        for name, objects in manifests.objects_by_target.items()
    }


def _file_fault(fault: Fault) -> FileFault:
    return FileFault(
        file=fault.file, line=fault.line, column=fault.column, code=fault.code, message=fault.message, help=fault.help
    )


def _warnings(*groups: Iterable[Fault]) -> tuple[str, ...]:
    return tuple(f"{fault.file}:{fault.line}: {fault.message}" for group in groups for fault in group)
