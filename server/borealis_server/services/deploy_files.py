"""The deploy files of deployments that run, as their steps need them again and again."""

from collections import OrderedDict

from borealis_deployfile.model import DeployFile
from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.start import stored_deploy_file
from borealis_server.ports.store import DeploymentStore

_KEPT = 64


class DeployFileShelf:
    """Reads deploy files from the store; keeps the last few understood."""

    def __init__(self, store: DeploymentStore) -> None:
        self._store = store
        self._kept: OrderedDict[DeploymentKey, DeployFile] = OrderedDict()

    async def of(self, key: DeploymentKey) -> DeployFile:
        """The deploy file of a deployment, with what was given at its start. Errors: DeploymentNotFound."""
        if key not in self._kept:
            self._kept[key] = stored_deploy_file(await self._store.inputs(key))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[key]
