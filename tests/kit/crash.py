"""Deliveries with a person who never gives up: played again after every crash, they lead to the same end."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from borealis_deployfile.manifests import FileContent
from borealis_server.domain import persons
from borealis_server.domain.errors import BorealisError
from borealis_server.domain.start import StartRequest
from borealis_server.domain.states import DeploymentState, EventKind, StepState, TargetState
from kit.analysis_files import analysis_file, judge
from kit.control_plane import TENANT, describe
from kit.lab import other
from kit.manifests import deployment as deployment_document
from kit.manifests import replica_set
from kit.model_runs import deploy_first
from kit.power import ModelWorld, Plug
from kit.shop import APPROVAL, SET_50, blue_green_file, deploy_file, manifests
from kit.webhook_files import CALL, FIRE, webhook_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from borealis_server.domain.deployment import Deployment
    from kit.control_plane import ControlPlane
    from kit.power import World

_LIMIT_S = 900.0
ASKED = "{pause: {untilApproved: true}}"
PAUSE = "pause: {duration: 30, unit: seconds}"


def nothing(_deployment: Deployment) -> str | None:
    """A person who only watches."""
    return None


def at_approval(kind: str) -> Callable[[Deployment], str | None]:
    """A person who decides when asked."""
    return lambda seen: kind if seen.state is DeploymentState.AWAITING_APPROVAL else None


def while_pods_move(kind: str) -> Callable[[Deployment], str | None]:
    """A person who decides as soon as the first step runs."""

    def wish(seen: Deployment) -> str | None:
        is_moving = any(step.state is StepState.RUNNING for run in seen.targets for step in run.steps)
        return kind if is_moving and not seen.decisions else None

    return wish


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One story: what is there before, what is started, what a person wants, and how it ends."""

    name: str
    ends: DeploymentState
    steps: tuple[str, ...] = (SET_50,)
    wish: Callable[[Deployment], str | None] = nothing
    prepare: Callable[[Any, ControlPlane], Awaitable[None]] | None = None
    deploy_file: str = ""
    replicas: int = 2
    is_race: bool = False
    """Whether what is done before the person speaks depends on who is faster."""

    async def play(self, plane: ControlPlane) -> Deployment:
        """Start it, or find it started, and do what the person wants until it has ended."""
        started = await self._started(plane)
        while True:
            seen = await plane.until(started.key, lambda now: now.state.is_final or bool(self.wish(now)), _LIMIT_S)
            kind = self.wish(seen)
            if seen.state.is_final or kind is None:
                return seen
            act = {
                persons.APPROVE: plane.deployments.approve,
                persons.ROLL_BACK: plane.deployments.roll_back,
                persons.CANCEL: plane.deployments.cancel,
            }[kind]
            try:
                await act(seen.key, plane.wish(kind))
            except BorealisError:
                continue  # decided before the crash, and only the answer was lost

    async def _started(self, plane: ControlPlane) -> Deployment:
        text = self.deploy_file or deploy_file("ns", *self.steps)
        content = FileContent(name="shop.yaml", content=manifests("2", replicas=self.replicas).encode())
        request = StartRequest(
            tenant=TENANT,
            actor="ana",
            deploy_file=text.encode(),
            files={"shop.yaml": (content,)},
            file_name="deploy.yaml",
            request_id="the-only-wish",
        )
        deployment, _ = await plane.deployments.start(request)
        return deployment


@dataclass(frozen=True, kw_only=True)
class End:
    """What a delivery came to."""

    deployment: Deployment
    objects: dict[str, Any]
    """By kind, namespace and name: what the cluster holds, without what every write changes. Any: JSON."""
    writes: Counter[str] = field(default_factory=Counter)
    """Changes that took effect in the cluster, and how often."""
    points: list[str] = field(default_factory=list)
    """Every moment at which the plug could have been pulled."""

    def differences(self, undisturbed: End, *, is_race: bool = False) -> list[str]:
        """In what this end is not the undisturbed one, in words."""
        found = []
        if self.states() != undisturbed.states():
            found.append(f"ended as {describe(self.deployment)}")
        for name in sorted({*self.objects, *undisturbed.objects}):
            has, should = self.objects.get(name), undisturbed.objects.get(name)
            if has != should:
                found.append(f"{name} is {has}, not {should}")
        more, less = self.writes - undisturbed.writes, undisturbed.writes - self.writes
        if is_race:
            more, less = Counter({what: 1 for what, count in more.items() if self.writes[what] > 1}), Counter()
        if more or less:
            found.append(f"more: {more}, less: {less}")
        return found

    def states(self) -> Any:  # Any: nested tuples to compare
        """States of everything in the record."""
        runs = self.deployment.targets
        return self.deployment.state, [
            (run.state, run.phase, run.rollback, run.end_reason, [step.state for step in run.steps]) for run in runs
        ]


async def crash_at(point: int, delivery: Delivery, folder: Path, world: World | None = None) -> End | None:
    """The end of a delivery whose server dies right after write number `point`; None when there is no such write.

    0: the undisturbed end. `world` is a fresh one; a model if none is given.
    """
    world = world or ModelWorld()
    first = Plug(folder=folder / f"{point}-before", next_folder=folder / f"{point}-after")
    first.folder.mkdir()
    async with world.life(first) as plane:
        if delivery.prepare:
            await delivery.prepare(world, plane)
        await first.rest()
        await world.forget()
        first.arm(point)
        done = await _until_pulled(delivery, plane, first)
        if done:
            return await _end(done, plane, world, first) if point == 0 else None
    second = Plug(folder=first.next_folder, next_folder=folder / "never")
    async with world.life(second) as plane:
        return await _end(await delivery.play(plane), plane, world, first)


async def _until_pulled(delivery: Delivery, plane: ControlPlane, plug: Plug) -> Deployment | None:
    async with asyncio.TaskGroup() as group:
        play = group.create_task(delivery.play(plane))
        pulled = group.create_task(plug.pulled.wait())
        await asyncio.wait({play, pulled}, return_when=asyncio.FIRST_COMPLETED)
        done = play.result() if play.done() and not plug.is_out else None
        play.cancel()
        pulled.cancel()
    return done


async def _end(done: Deployment, plane: ControlPlane, world: World, plug: Plug) -> End:
    events = await plane.journal.store.events(done.key, after_sequence=0, limit=10_000)
    assert [event.sequence for event in events] == list(range(1, done.sequence + 1))
    assert [event.kind for event in events].count(EventKind.DEPLOYMENT_ENDED) == 1
    assert events[-1].kind is EventKind.DEPLOYMENT_ENDED
    return End(deployment=done, objects=await world.objects(), writes=world.writes(), points=plug.writes)


# Stories.


async def version_1(_world: World, plane: ControlPlane) -> None:
    """The first version runs."""
    await deploy_first(plane, replicas=2)


async def version_1_everywhere(_world: World, plane: ControlPlane) -> None:
    """The first version runs in both namespaces."""
    started = await plane.start(TWO_TARGETS, shop_yaml=manifests("1", replicas=1))
    await plane.until_end(started.key)


async def version_2_is_broken(world: ModelWorld, plane: ControlPlane) -> None:
    """The first version runs; the second one will never get ready."""
    await version_1(world, plane)
    world.kube.broken.add("example.com/shop:2")


async def native(world: ModelWorld, _plane: ControlPlane) -> None:
    """A Kubernetes Deployment runs."""
    owner = world.kube.put(_in_ns(deployment_document("shop", replicas=2)))
    owned = _in_ns(replica_set("shop-native", replicas=2))
    owned["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = "native"
    owned["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": "shop", "uid": owner["metadata"]["uid"]}]
    world.kube.put(owned)
    world.kube.advance()
    world.kube.advance()


async def autoscaled(world: ModelWorld, plane: ControlPlane) -> None:
    """The first version runs, and somebody has an autoscaler on it."""
    old = await deploy_first(plane, replicas=2)
    target = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": old}
    scaler = other("autoscaling/v2", "HorizontalPodAutoscaler", "shop", spec={"scaleTargetRef": target})
    world.kube.put(_in_ns(scaler))


async def one_in_progress(world: ModelWorld, plane: ControlPlane) -> None:
    """The first version runs, and the one before the one that is delivered is in its pause."""
    await version_1(world, plane)
    blocker = await plane.start(deploy_file("ns", SET_50, PAUSE), shop_yaml=manifests("1b", replicas=2))
    await plane.until(blocker.key, lambda now: now.targets[0].state is TargetState.PAUSED)


def _in_ns(document: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    return {**document, "metadata": {**document["metadata"], "namespace": "ns"}}


TWO_TARGETS = deploy_file("ns", SET_50).replace(
    "manifests:",
    "  second: {account: cluster-1, namespace: ns2, strategy: careful, constraints: {dependsOn: [prod]}}\nmanifests:",
)

CONSTRAINED = deploy_file("ns", SET_50).replace(
    "strategy: careful}",
    "strategy: careful, constraints: "
    f"{{beforeDeployment: [{{{APPROVAL}}}, {{{PAUSE}}}], afterDeployment: [{{{PAUSE}}}]}}}}",
)
CALLING = webhook_file(SET_50, CALL, before=FIRE, after=CALL)
JUDGED = analysis_file(SET_50, judge(runs=2), after=judge(runs=1))
KEEPING = deploy_file("ns", SET_50, APPROVAL).replace(
    "deploymentConfig:", "deploymentConfig:\n  keepDeploymentObject: true"
)
QUEUED = deploy_file("ns", SET_50).replace(
    "deploymentConfig:", "deploymentConfig:\n  ifDeploymentInProgress: {strategy: enqueueOne}"
)

ON_A_SANDBOX = ("canary", "approval", "rollback", "first-deployment")
"""Those that need nothing of the model, and no time."""

DELIVERIES: tuple[Delivery, ...] = (
    Delivery(name="canary", ends=DeploymentState.SUCCEEDED, prepare=version_1),
    Delivery(name="pause", ends=DeploymentState.SUCCEEDED, prepare=version_1, steps=(SET_50, PAUSE)),
    Delivery(
        name="approval",
        ends=DeploymentState.SUCCEEDED,
        prepare=version_1,
        steps=(SET_50, APPROVAL),
        wish=at_approval(persons.APPROVE),
    ),
    Delivery(
        name="rollback",
        ends=DeploymentState.CANCELLED,
        prepare=version_1,
        steps=(SET_50, APPROVAL),
        wish=at_approval(persons.ROLL_BACK),
    ),
    Delivery(
        name="cancel-while-pods-move",
        ends=DeploymentState.CANCELLED,
        prepare=version_1,
        wish=while_pods_move(persons.CANCEL),
        is_race=True,
    ),
    Delivery(name="failed-readiness", ends=DeploymentState.FAILED, prepare=version_2_is_broken),
    Delivery(
        name="depends-on",
        ends=DeploymentState.SUCCEEDED,
        prepare=version_1_everywhere,
        deploy_file=TWO_TARGETS,
        replicas=1,
    ),
    Delivery(name="first-deployment", ends=DeploymentState.SUCCEEDED, steps=(SET_50, APPROVAL)),
    Delivery(name="native-takeover", ends=DeploymentState.SUCCEEDED, prepare=native),
    Delivery(
        name="blue-green",
        ends=DeploymentState.SUCCEEDED,
        prepare=version_1,
        deploy_file=blue_green_file("ns", redirect=ASKED, shut_down=ASKED),
        wish=at_approval(persons.APPROVE),
    ),
    Delivery(
        name="blue-green-rollback",
        ends=DeploymentState.CANCELLED,
        prepare=version_1,
        deploy_file=blue_green_file("ns", shut_down=ASKED),
        wish=at_approval(persons.ROLL_BACK),
    ),
    Delivery(
        name="blue-green-native",
        ends=DeploymentState.CANCELLED,
        prepare=native,
        deploy_file=blue_green_file("ns", shut_down=ASKED),
        wish=at_approval(persons.ROLL_BACK),
    ),
    Delivery(
        name="native-rollback",
        ends=DeploymentState.CANCELLED,
        prepare=native,
        steps=(SET_50, APPROVAL),
        wish=at_approval(persons.ROLL_BACK),
    ),
    Delivery(
        name="constraints",
        ends=DeploymentState.SUCCEEDED,
        prepare=version_1,
        deploy_file=CONSTRAINED,
        wish=at_approval(persons.APPROVE),
    ),
    Delivery(name="webhooks", ends=DeploymentState.SUCCEEDED, prepare=version_1, deploy_file=CALLING),
    Delivery(name="analysis", ends=DeploymentState.SUCCEEDED, prepare=version_1, deploy_file=JUDGED),
    Delivery(name="queue", ends=DeploymentState.SUCCEEDED, prepare=one_in_progress, deploy_file=QUEUED),
    Delivery(
        name="keep-deployment",
        ends=DeploymentState.SUCCEEDED,
        prepare=native,
        deploy_file=KEEPING,
        wish=at_approval(persons.APPROVE),
    ),
    Delivery(name="autoscaler", ends=DeploymentState.SUCCEEDED, prepare=autoscaled),
    Delivery(
        name="autoscaler-rollback",
        ends=DeploymentState.CANCELLED,
        prepare=autoscaled,
        steps=(SET_50, APPROVAL),
        wish=at_approval(persons.ROLL_BACK),
    ),
)
