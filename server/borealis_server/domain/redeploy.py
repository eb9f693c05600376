"""A deployment brought out once more: from what was stored with it, not from files that may have changed since."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from borealis_deployfile.manifests import ManifestObject
from borealis_deployfile.model import DeployFile
from borealis_deployfile.parse import check
from borealis_deployfile.selection import select_targets
from borealis_deployfile.surroundings import Surroundings, check_surroundings
from borealis_deployfile.unsupported import unsupported
from borealis_server.domain.deployment import Deployment, DeploymentInputs
from borealis_server.domain.errors import DeployFileInvalid, InvalidArgument
from borealis_server.domain.kubernetes.json_types import meta
from borealis_server.domain.start import (
    DEFAULT_FILE_NAME,
    CheckedStart,
    StartRequest,
    check_request_id,
    file_faults,
    warning_texts,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeployRequest:
    """What somebody wants to bring out once more."""

    tenant: str
    actor: str
    source: str
    """Id of the deployment, whatever became of it."""
    account: str = ""
    """Replaces the accounts of all targets; empty keeps those of that deployment."""
    targets: tuple[str, ...] = ()
    """Only these of its targets; empty means all."""
    request_id: str = ""


def redeploy_request(wanted: RedeployRequest, origin: Deployment, inputs: DeploymentInputs) -> StartRequest:
    """The start that `wanted` comes to. Errors: InvalidArgument."""
    check_request_id(wanted.request_id)
    known = [run.name for run in origin.targets]
    for name in wanted.targets:
        if name not in known:
            message = f"deployment {origin.key.id} has no target {name}: it has {', '.join(known)}"
            raise InvalidArgument.of("targets", message)
    return StartRequest(
        tenant=wanted.tenant,
        actor=wanted.actor,
        deploy_file=inputs.deploy_file.encode(),
        files={},
        application=origin.application,
        account=wanted.account,
        context=inputs.context,
        targets=wanted.targets or tuple(known),
        request_id=wanted.request_id,
        source=origin.key.id,
    )


def checked_again(
    request: StartRequest, origin: Deployment, inputs: DeploymentInputs, known_agents: Collection[str]
) -> CheckedStart:
    """The stored deployment, checked against today's agents. Errors: DeployFileInvalid with every fault at once."""
    result = check(
        request.deploy_file,
        file_name=request.file_name or DEFAULT_FILE_NAME,
        application=request.application,
        account=request.account or None,
        context=request.context,
    )
    if result.file is None:
        raise DeployFileInvalid(file_faults(result.faults))
    file = select_targets(result.file, request.targets)
    if not request.account:
        file = _with_accounts_of(origin, file)
    faults = [*check_surroundings(file, Surroundings(accounts=known_agents)), *unsupported(file)]
    if faults:
        raise DeployFileInvalid(file_faults(faults))
    objects = {target.name: [_object(text) for text in inputs.objects.get(target.name, ())] for target in file.targets}
    return CheckedStart(file=file, objects=objects, warnings=warning_texts(result.warnings))


def _with_accounts_of(origin: Deployment, file: DeployFile) -> DeployFile:
    """Where the start of `origin` was given an account, it replaced those of the file."""
    return replace(
        file, targets=tuple(replace(target, account=origin.target(target.name).account) for target in file.targets)
    )


def _object(text: str) -> ManifestObject:
    document: Mapping[str, object] = json.loads(text)
    return ManifestObject(
        api_version=str(document["apiVersion"]),
        kind=str(document["kind"]),
        name=meta(document, "name"),
        namespace=meta(document, "namespace") or None,
        document=document,
        source="",
        index=0,
    )
