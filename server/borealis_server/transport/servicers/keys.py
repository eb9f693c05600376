"""Resource names of requests, as keys of what the caller may see."""

from __future__ import annotations

from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.errors import DeploymentNotFound
from borealis_server.domain.names import DeploymentName
from borealis_server.transport.interceptors.auth import current_principal


def deployment_key(name: str, *, field: str = "name") -> DeploymentKey:
    """The key of a resource name; another tenant's deployment does not exist for the caller.

    Errors: InvalidArgument, DeploymentNotFound.
    """
    parsed = DeploymentName.parse(name, field=field)
    if parsed.tenant != current_principal().tenant:
        raise DeploymentNotFound(parsed)
    return DeploymentKey(tenant=parsed.tenant, id=parsed.id)
