"""Deliveries whose traffic routes divide, for `crash.py`: stories of Istio, SMI and the Gateway API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis_server.domain import persons
from borealis_server.domain.states import DeploymentState
from kit import meshes
from kit.crash import Delivery, at_approval, version_1, while_pods_move
from kit.shop import APPROVAL, SET_50, deploy_file

if TYPE_CHECKING:
    from kit.control_plane import ControlPlane
    from kit.power import ModelWorld

# Any throughout: JSON of Kubernetes objects.
ISTIO = "istio: [{virtualService: {name: shop}}]"
SMI = "smi: [{rootServiceName: shop}]"
GATEWAY = "gatewayApi: [{route: {name: shop}}]"
OBJECTS = {
    ISTIO: (meshes.destination_rule(), meshes.virtual_service()),
    SMI: (),
    GATEWAY: (meshes.route(),),
}


def routed(traffic: str, *steps: str) -> str:
    """A deploy file of a canary whose traffic is divided so."""
    return f"{deploy_file('ns', *(steps or (SET_50, APPROVAL)))}trafficManagement:\n  - {traffic}\n"


def behind(traffic: str) -> Any:
    """A preparation: the first version runs, and the objects of the provider are there."""

    async def prepare(world: ModelWorld, plane: ControlPlane) -> None:
        await version_1(world, plane)
        for document in OBJECTS[traffic]:
            world.kube.put({**document, "metadata": {**document["metadata"], "namespace": "ns"}})

    return prepare


def _story(name: str, traffic: str, kind: str) -> Delivery:
    ends = DeploymentState.SUCCEEDED if kind == persons.APPROVE else DeploymentState.CANCELLED
    return Delivery(name=name, ends=ends, prepare=behind(traffic), deploy_file=routed(traffic), wish=at_approval(kind))


ROUTED: tuple[Delivery, ...] = (
    _story("istio", ISTIO, persons.APPROVE),
    _story("istio-rollback", ISTIO, persons.ROLL_BACK),
    _story("smi", SMI, persons.APPROVE),
    _story("smi-rollback", SMI, persons.ROLL_BACK),
    _story("gateway-api", GATEWAY, persons.APPROVE),
    _story("gateway-api-rollback", GATEWAY, persons.ROLL_BACK),
    Delivery(
        name="istio-cancelled-while-pods-move",
        ends=DeploymentState.CANCELLED,
        prepare=behind(ISTIO),
        deploy_file=routed(ISTIO, SET_50),
        wish=while_pods_move(persons.CANCEL),
        is_race=True,
    ),
)
"""Each leaves everything but the version as it was."""
