"""Which target of which deployment."""

from dataclasses import dataclass

from borealis_server.domain.deployment import DeploymentKey


@dataclass(frozen=True, slots=True)
class TargetKey:
    """A target of a deployment."""

    deployment: DeploymentKey
    target: str
