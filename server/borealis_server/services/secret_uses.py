"""Who uses a secret: deployments that have not ended and name it in their deploy file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_deployfile.templates import SECRETS, parse_template
from borealis_server.domain.names import DeploymentName

if TYPE_CHECKING:
    from borealis_server.domain.secret import SecretName
    from borealis_server.ports.store import DeploymentStore


class DeploymentSecretUses:
    """Looks into the deploy files of what is in progress. Implements `services.secrets.SecretUses`."""

    def __init__(self, store: DeploymentStore) -> None:
        self._store = store

    async def uses(self, name: SecretName) -> tuple[str, ...]:
        """One line for each deployment that has not ended and names the secret."""
        found = []
        for deployment in await self._store.unfinished():
            if deployment.key.tenant != name.tenant:
                continue
            inputs = await self._store.inputs(deployment.key)
            if f"{SECRETS}{name.id}" in parse_template(inputs.deploy_file).names:
                found.append(f"{DeploymentName(deployment.key.tenant, deployment.key.id)} of {deployment.application}")
        return tuple(found)
