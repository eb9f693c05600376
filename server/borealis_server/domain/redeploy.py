"""A deployment brought out once more: by what was stored with it, not by files that may have changed since."""

from dataclasses import dataclass, replace

from borealis_server.domain.deployment import Deployment, DeploymentInputs
from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.start import StartRequest, request_of


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
    """The start that `wanted` comes to. Errors: InvalidArgument for a target that `origin` does not have."""
    known = [run.name for run in origin.targets]
    for name in wanted.targets:
        if name not in known:
            message = f"deployment {origin.key.id} has no target {name}: it has {', '.join(known)}"
            raise InvalidArgument.of("targets", message)
    stored = request_of(inputs, tenant=wanted.tenant, actor=wanted.actor)
    return replace(
        stored,
        account=wanted.account or stored.account,
        targets=wanted.targets or tuple(known),
        request_id=wanted.request_id,
        source=origin.key.id,
    )
