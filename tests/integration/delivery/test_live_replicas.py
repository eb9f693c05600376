"""How many pods are live, read from the sandbox and from a real API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.adapters.cluster.client import RelayedCluster
from borealis_server.domain.live_replicas import WorkloadPlace
from borealis_server.ports.relay import AgentRef
from borealis_server.services.live_replicas import LiveReplicasReader
from kit.control_plane import ACCOUNT, TENANT, JumpingClock
from kit.direct_relay import DirectCluster, DirectRelay
from kit.model_engine import KnownAgents
from kit.rest import open_rest

if TYPE_CHECKING:
    from kit.api_server import ApiServer
    from kit.rest import Rest

WEB = {"app": "web"}


async def test_live_pods_and_their_autoscaler_are_read_through_the_relay(
    any_api: ApiServer, any_rest: Rest, any_namespace: str
):
    pods = {"metadata": {"labels": WEB}, "spec": {"containers": [{"name": "web", "image": "shop:1"}]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 3, "selector": {"matchLabels": WEB}, "template": pods},
    }
    await any_rest.post(f"/apis/apps/v1/namespaces/{any_namespace}/deployments", deployment)
    cluster = DirectCluster(url=any_api.url, ca_pem=any_api.ca_pem.decode(), token=any_api.token)
    places = [WorkloadPlace(account=ACCOUNT, namespace=any_namespace, name=name) for name in ("web", "api")]

    async with DirectRelay({AgentRef(tenant=TENANT, name=ACCOUNT): cluster}, JumpingClock()) as relay:
        web, api = await LiveReplicasReader(RelayedCluster(relay), KnownAgents()).get(TENANT, places)

    assert (web.replicas, web.unknown) == (3, "")
    assert (api.replicas, api.unknown) == (None, "")


async def test_an_autoscaler_of_a_real_cluster_is_named(real_api: ApiServer, kube_namespace: str):
    scaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "cpu"},
        "spec": {"maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    }
    async with open_rest(real_api) as rest:
        answer = await rest.post(f"/apis/autoscaling/v1/namespaces/{kube_namespace}/horizontalpodautoscalers", scaler)
        assert answer.status == 201
    cluster = DirectCluster(url=real_api.url, ca_pem=real_api.ca_pem.decode(), token=real_api.token)

    async with DirectRelay({AgentRef(tenant=TENANT, name=ACCOUNT): cluster}, JumpingClock()) as relay:
        reader = LiveReplicasReader(RelayedCluster(relay), KnownAgents())
        (web,) = await reader.get(TENANT, [WorkloadPlace(account=ACCOUNT, namespace=kube_namespace, name="web")])

    assert (web.replicas, web.autoscaler) == (None, "cpu")
