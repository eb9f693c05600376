"""One namespace of one API server with an engine beside it: deploy documents, and look at what became of them."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from borealis_server.domain import persons
from borealis_server.domain.states import DeploymentState
from kit.capacity import open_capacity
from kit.control_plane import describe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from borealis_server.domain.deployment import Deployment, DeploymentKey
    from kit.api_server import ApiServer
    from kit.capacity import Capacity
    from kit.control_plane import ControlPlane
    from kit.rest import Rest

# Any throughout: JSON of Kubernetes objects.
NEVER = [{"conditionType": "example.com/never"}]


def web(version: str = "1", *, replicas: int | None = 4, name: str = "shop", **spec: Any) -> dict[str, Any]:
    """A Deployment of `version`; `spec` adds to its specification, `pod` in it to that of its pods."""
    pod = {"containers": [{"name": "web", "image": f"example.com/{name}:{version}"}], **spec.pop("pod", {})}
    labels = {"app": name}
    body: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels, "annotations": spec.pop("annotations", {})}, "spec": pod},
        **spec,
    }
    if replicas is not None:
        body["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


def service(name: str, *, app: str = "shop", **selector: str) -> dict[str, Any]:
    """A Service that leads to the pods of an application."""
    spec = {"selector": {"app": app, **selector}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def other(api_version: str, kind: str, name: str, **fields: Any) -> dict[str, Any]:
    """Any other object."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def settings(version: str, name: str = "shop-settings") -> dict[str, Any]:
    """A ConfigMap that changes with the version."""
    return other("v1", "ConfigMap", name, data={"version": version})


@dataclass(slots=True, kw_only=True)
class Lab:
    """An engine, an API server, a namespace."""

    plane: ControlPlane
    rest: Rest
    api: ApiServer
    namespace: str

    @property
    def is_sandbox(self) -> bool:
        """Whether the cluster is simulated; its time runs faster."""
        return self.api.kind == "sandbox"

    def seconds(self, real_s: int) -> int:
        """So many seconds of a real cluster, in the cluster's own time."""
        return real_s * 20 if self.is_sandbox else real_s

    def path(self, plural: str, name: str = "", *, group: str = "apps/v1") -> str:
        """Path of a collection of the namespace, or of an object in it."""
        base = f"/api/{group}" if group == "v1" else f"/apis/{group}"
        return f"{base}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    async def start(self, *documents: dict[str, Any], steps: tuple[str, ...] = (), **options: Any) -> DeploymentKey:
        """Start a deployment of the documents by a canary of `steps`, or by what `options` name: see `_deploy_file`."""
        text = json.dumps(self.deploy_file(documents, steps, **options))
        return (await self.plane.start(text, shop_yaml=self.manifest(*documents))).key

    def deploy_file(
        self, documents: tuple[dict[str, Any], ...], steps: tuple[str, ...] = (), **options: Any
    ) -> dict[str, Any]:
        """The deploy file that `start` sends."""
        return _deploy_file(self.namespace, steps, documents, **options)

    def manifest(self, *documents: dict[str, Any]) -> str:
        """The manifest file that `start` sends."""
        return "\n---\n".join(json.dumps(document) for document in documents)

    async def deploy(self, *documents: dict[str, Any], **options: Any) -> Deployment:
        """Deploy the documents to the end, which must be a success."""
        done = await self.ended(*documents, **options)
        assert done.state is DeploymentState.SUCCEEDED, describe(done)
        return done

    async def ended(self, *documents: dict[str, Any], **options: Any) -> Deployment:
        """Deploy the documents to whatever end."""
        return await self.plane.until_end(await self.start(*documents, **options))

    async def until_approval(self, key: DeploymentKey) -> Deployment:
        """The deployment, once it waits for an approval."""
        return await self.plane.until_state(key, DeploymentState.AWAITING_APPROVAL)

    async def until_wait(self, key: DeploymentKey, text: str, *, target: str = "prod") -> Deployment:
        """The deployment, once what it waits for contains `text`."""

        def waits(deployment: Deployment) -> bool:
            wait = deployment.target(target).wait
            return wait is not None and text in wait.what

        return await self.plane.until(key, waits)

    async def approve(self, key: DeploymentKey) -> Deployment:
        """The deployment at its end, after an approval."""
        await self.plane.deployments.approve(key, self.plane.wish(persons.APPROVE))
        return await self.plane.until_end(key)

    async def roll_back(self, key: DeploymentKey) -> Deployment:
        """The deployment at its end, after somebody rolled it back."""
        await self.plane.deployments.roll_back(key, self.plane.wish(persons.ROLL_BACK))
        return await self.plane.until_end(key)

    async def create(self, plural: str, body: dict[str, Any], *, group: str = "apps/v1") -> Any:
        """Create an object as somebody else."""
        return (await self.rest.post(self.path(plural, group=group), body)).ok()

    async def get(self, plural: str, name: str, *, group: str = "apps/v1") -> Any:
        """An object, or None."""
        answer = await self.rest.get(self.path(plural, name, group=group))
        return None if answer.status == 404 else answer.ok()

    async def replica_sets(self) -> dict[str, int]:
        """Pods wanted, by ReplicaSet."""
        items = (await self.rest.get(self.path("replicasets"))).ok()["items"]
        return {item["metadata"]["name"]: item["spec"]["replicas"] for item in items}

    async def scale(self, name: str, replicas: int, *, plural: str = "replicasets") -> None:
        """Change the number of pods as somebody else would, with `kubectl scale`."""
        path = f"{self.path(plural, name)}/scale"
        (await self.rest.patch(path, {"spec": {"replicas": replicas}})).ok()

    @asynccontextmanager
    async def sampled(self, *, at_least: int, at_most: int) -> AsyncIterator[Capacity]:
        """Sees every pod that comes and goes; at the end, there were never fewer Ready or more in total."""
        async with open_capacity(self.api, self.namespace) as capacity:
            yield capacity
        assert min(capacity.ready_counts) >= at_least, capacity.ready_counts
        assert max(capacity.total_counts) <= at_most, capacity.total_counts


def _deploy_file(
    namespace: str,
    steps: tuple[str, ...],
    documents: tuple[dict[str, Any], ...],
    *,
    application: str = "shop",
    keeps: bool = False,
    timeout_s: int = 60,
    blue_green: dict[str, Any] | None = None,
    services: tuple[dict[str, str], ...] = (),
    traffic: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """`blue_green` is a strategy in the place of the canary, `services` its pairs; `traffic` is a canary's routes."""
    has_pods = any(document["kind"] == "Deployment" for document in documents)
    target = {"account": "cluster-1", "namespace": namespace, **({"strategy": "careful"} if has_pods else {})}
    written = [json.loads(step) for step in steps] or [{"setWeight": {"weight": 100}}]
    config: dict[str, Any] = {"timeout": {"duration": timeout_s, "unit": "seconds"}}
    if keeps:
        config["keepDeploymentObject"] = True
    strategy = {"canary": {"steps": written}} if blue_green is None else {"blueGreen": blue_green}
    managed = [*([{"kubernetes": list(services)}] if services else []), *([traffic] if traffic else [])]
    return {
        "version": "v1",
        "kind": "kubernetes",
        "application": application,
        "deploymentConfig": config,
        "targets": {"prod": target},
        "manifests": [{"path": "shop.yaml"}],
        "strategies": {"careful": strategy},
        **({"trafficManagement": managed} if managed else {}),
    }


def weight(percent: int) -> str:
    """A step."""
    return json.dumps({"setWeight": {"weight": percent}})


APPROVAL = json.dumps({"pause": {"untilApproved": True}})
