"""Exposes the Services of a step: looks at each in its cluster, knocks once through the agent, and makes the addresses.

Owns no decision: whether it is tried again is the step's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_server.domain.errors import AgentUnavailable, ClusterBusy, ClusterRefused, Exhausted, RelayRefused
from borealis_server.domain.exposure import Exposed, NotExposed, PreviewLink, port_to_expose
from borealis_server.domain.preview import AGENT_TARGET, PreviewRule
from borealis_server.domain.steps.expose_services import exposure_of
from borealis_server.ports.cluster import ObjectRef
from borealis_server.ports.relay import AgentRef, RelayRequest
from borealis_server.services.previews import ServicePort

if TYPE_CHECKING:
    from borealis_server.ports.cluster import Cluster
    from borealis_server.ports.relay import Relay
    from borealis_server.services.errands import Assignment
    from borealis_server.services.previews import Previews

_KNOCK_S: Final = 10.0
_KNOCKS_IN_VAIN: Final = 3
"""After so many answers that are no HTTP it is not one that is just starting."""


class ServiceExposer:
    """Implements `services.errands.ErrandRunner` for steps that expose Services."""

    def __init__(self, previews: Previews, cluster: Cluster, relay: Relay) -> None:
        self._previews = previews
        self._cluster = cluster
        self._relay = relay

    async def run(self, assignment: Assignment) -> Exposed | NotExposed:
        """The addresses, or why there are none."""
        key, run, exposure = assignment.ref.deployment, assignment.run, exposure_of(assignment.step)
        if await self._previews.rule(key.tenant) is PreviewRule.FORBIDDEN:
            return NotExposed(detail=f"the tenant {key.tenant} allows no previews", is_final=True)
        agent, namespace = AgentRef(tenant=key.tenant, name=run.account), run.namespace or "default"
        ports = []
        for name in exposure.services:
            port = await self._port(agent, namespace, name)
            if isinstance(port, NotExposed):
                return port
            fault = await self._knock(agent, namespace, port, assignment)
            if fault is not None:
                return fault
            ports.append(port)
        made = await self._previews.expose(
            key, run, assignment.step.ref, ports, ttl_s=exposure.ttl_s, login=exposure.requires_login
        )
        url_of = self._previews.address.url_of
        return Exposed(
            links=tuple(PreviewLink(service=one.service, url=url_of(one), expires_at=one.expires_at) for one in made)
        )

    async def _port(self, agent: AgentRef, namespace: str, name: str) -> ServicePort | NotExposed:
        try:
            found = await self._cluster.get(
                agent, ObjectRef(api_version="v1", kind="Service", name=name, namespace=namespace)
            )
        except ClusterRefused as error:
            return NotExposed(detail=f"the cluster does not show the Service {name}: {error.message}", is_final=True)
        except (AgentUnavailable, ClusterBusy) as error:
            return NotExposed(detail=error.message, is_final=False)
        port = port_to_expose(name, namespace, found)
        return NotExposed(detail=port, is_final=True) if isinstance(port, str) else ServicePort(service=name, port=port)

    async def _knock(
        self, agent: AgentRef, namespace: str, port: ServicePort, assignment: Assignment
    ) -> NotExposed | None:
        """Why no visitor would get through to a Service; None where one would, be it not ready yet."""
        request = RelayRequest(
            method="HEAD",
            path="/",
            target=f"{AGENT_TARGET}:{namespace}/{port.service}:{port.port}",
            timeout_s=_KNOCK_S,
            deadline_s=_KNOCK_S,
            request_id=f"{assignment.ref.deployment.id}-{assignment.step.ref}"[:64],
        )
        try:
            async with self._relay.call(agent, request):
                return None
        except (AgentUnavailable, Exhausted) as error:
            return NotExposed(detail=error.message, is_final=False)
        except RelayRefused as error:
            return _judged(agent, port, error, assignment.errand.attempt)


def _judged(agent: AgentRef, port: ServicePort, error: RelayRefused, attempt: int) -> NotExposed | None:
    if error.code == "DENIED":
        detail = (
            f"the agent {agent.name} does not let previews of {port.service} through ({error.detail}); "
            f"give it a range `[services.{AGENT_TARGET}]` in its targets file, docs/previews.md says how"
        )
        return NotExposed(detail=detail, is_final=True)
    if error.code == "TARGET_RESET":
        detail = f"port {port.port} of the Service {port.service} does not speak HTTP: {error.detail}"
        return NotExposed(detail=detail, is_final=attempt >= _KNOCKS_IN_VAIN)
    return None  # it is slow, or has no pods that are ready: that is for visitors to see
