"""Turns each Deployment into ReplicaSets and moves its pods from the old ones to the new one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.api import Write
from borealis_sandbox.controllers.deployment_status import deployment_status, is_complete
from borealis_sandbox.controllers.ownership import claim, claimants
from borealis_sandbox.controllers.rolling import (
    HASH_LABEL,
    bounds_of,
    is_same_template,
    next_new,
    next_old,
    template_hash,
)
from borealis_sandbox.deletion import Deletion
from borealis_sandbox.errors import ApiError
from borealis_sandbox.objects import (
    annotations_of,
    controller_reference,
    is_terminating,
    name_of,
    namespace_of,
    uid_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from borealis_sandbox.api import Api
    from borealis_sandbox.clock import SimulatedClock
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.events import EventRecorder
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Change

_MANAGER = "sandbox-controllers"
_REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = frozenset({_REVISION, _DESIRED, _MAXIMUM, "kubectl.kubernetes.io/last-applied-configuration"})


class DeploymentController:
    """Rolls Deployments out."""

    def __init__(self, api: Api, clock: SimulatedClock, events: EventRecorder) -> None:
        self._api = api
        self._clock = clock
        self._events = events
        # uid -> what the status last said, and since when: to notice that nothing moves.
        self._progress: dict[str, tuple[object, float]] = {}

    def affected(self, change: Change) -> Iterable[Key]:
        """The Deployment that changed, or those that manage the ReplicaSet that changed."""
        if change.kind == kinds.DEPLOYMENT:
            if change.type == "DELETED":
                self._progress.pop(uid_of(change.found), None)
            yield namespace_of(change.found), name_of(change.found)
        elif change.kind == kinds.REPLICA_SET:
            for found in filter(None, (change.found, change.previous)):
                yield from claimants(self._api, found, kinds.DEPLOYMENT)

    def reconcile(self, key: Key) -> float | None:
        """Take the next step of the rollout, if there is one, and write the status."""
        deployment = self._api.storage.get(kinds.DEPLOYMENT, *key)
        if deployment is None or is_terminating(deployment):
            return None
        sets = sorted(claim(self._api, deployment, kinds.REPLICA_SET), key=_revision_of)
        template = deployment["spec"]["template"]
        new = next((each for each in sets if is_same_template(each["spec"]["template"], template)), None)
        old = [each for each in sets if each is not new]
        if deployment["spec"].get("paused"):
            self._scale_only(deployment, new, old)
        else:
            new = self._roll(deployment, new, old)
        return self._report(deployment, new, old)

    def _roll(self, deployment: Object, new: Object | None, old: Sequence[Object]) -> Object | None:
        is_recreate = deployment["spec"]["strategy"]["type"] == "Recreate"
        active = [each for each in old if each["spec"]["replicas"]]
        if is_recreate and (active or any(each.get("status", {}).get("replicas") for each in old)):
            for each in active:
                self._scale(deployment, each, 0)
            return new
        if new is None:
            return self._create(deployment, old)
        new = self._stamp(deployment, new, old)
        wanted = next_new(deployment, new, old)
        if wanted != new["spec"]["replicas"]:
            return self._scale(deployment, new, wanted)
        for each, left in zip(old, next_old(deployment, new, old).values(), strict=True):
            self._scale(deployment, each, left)
        self._drop_history(deployment, new, old)
        return new

    def _scale_only(self, deployment: Object, new: Object | None, old: Sequence[Object]) -> None:
        """A paused Deployment starts no rollout, but follows a change of its size."""
        active = [each for each in (*old, *([new] if new else [])) if each["spec"]["replicas"]]
        if len(active) == 1:
            self._scale(deployment, active[0], deployment["spec"]["replicas"])

    def _create(self, deployment: Object, old: Sequence[Object]) -> Object | None:
        spec = deployment["spec"]
        collisions = deployment.get("status", {}).get("collisionCount", 0)
        short = template_hash(spec["template"], collisions)
        template = copy.deepcopy(spec["template"])
        template["metadata"].setdefault("labels", {})[HASH_LABEL] = short
        selector = copy.deepcopy(spec["selector"])
        selector.setdefault("matchLabels", {})[HASH_LABEL] = short
        body: Object = {
            "metadata": {
                "name": f"{name_of(deployment)}-{short}",
                "labels": dict(template["metadata"]["labels"]),
                "annotations": self._annotations(deployment, old),
                "ownerReferences": [controller_reference(deployment)],
            },
            "spec": {"replicas": next_new(deployment, None, old), "selector": selector, "template": template},
        }
        if "minReadySeconds" in spec:
            body["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        try:
            created = self._api.create(kinds.REPLICA_SET, namespace_of(deployment), body, Write(manager=_MANAGER))
        except ApiError:
            # The name is taken by another template: a new count makes another name, at the next look.
            status = {**deployment.get("status", {}), "collisionCount": collisions + 1}
            self._api.set_status(kinds.DEPLOYMENT, deployment, status, manager=_MANAGER)
            return None
        self._say_scaled(deployment, created, 0)
        return created

    def _annotations(self, deployment: Object, old: Sequence[Object]) -> dict[str, str]:
        wanted = deployment["spec"]["replicas"]
        copied = {key: value for key, value in annotations_of(deployment).items() if key not in _NOT_COPIED}
        revision = max((_revision_of(each)[0] for each in old), default=0) + 1
        return {
            **copied,
            _REVISION: str(revision),
            _DESIRED: str(wanted),
            _MAXIMUM: str(wanted + bounds_of(deployment).surge),
        }

    def _stamp(self, deployment: Object, new: Object, old: Sequence[Object]) -> Object:
        """Give the new ReplicaSet the highest revision, and the Deployment the same."""
        revision = max((_revision_of(each)[0] for each in old), default=0) + 1
        if _revision_of(new)[0] < revision:
            new = self._annotate(kinds.REPLICA_SET, new, self._annotations(deployment, old))
        current = annotations_of(new)[_REVISION]
        if annotations_of(deployment).get(_REVISION) != current:
            self._annotate(kinds.DEPLOYMENT, deployment, {_REVISION: current})
        return new

    def _annotate(self, kind: kinds.Kind, found: Object, annotations: dict[str, str]) -> Object:
        def change(current: Object) -> Object:
            merged = {**annotations_of(current), **annotations}
            return {**current, "metadata": {**current["metadata"], "annotations": merged}}

        return self._api.patch(kind, namespace_of(found), name_of(found), change, Write(manager=_MANAGER))

    def _scale(self, deployment: Object, replica_set: Object, replicas: int) -> Object:
        before = replica_set["spec"]["replicas"]
        if before == replicas:
            return replica_set
        changed = {**replica_set, "spec": {**replica_set["spec"], "replicas": replicas}}
        place = (namespace_of(replica_set), name_of(replica_set))
        stored = self._api.replace(kinds.REPLICA_SET, *place, changed, Write(manager=_MANAGER))
        self._say_scaled(deployment, stored, before)
        return stored

    def _say_scaled(self, deployment: Object, replica_set: Object, before: int) -> None:
        after = replica_set["spec"]["replicas"]
        direction = "up" if after > before else "down"
        message = f"Scaled {direction} replica set {name_of(replica_set)} to {after} from {before}"
        self._events.record(deployment, "ScalingReplicaSet", message)

    def _drop_history(self, deployment: Object, new: Object, old: Sequence[Object]) -> None:
        idle = [each for each in old if not each["spec"]["replicas"] and not each.get("status", {}).get("replicas")]
        surplus = len(idle) - deployment["spec"]["revisionHistoryLimit"]
        if new.get("status", {}).get("availableReplicas", 0) == deployment["spec"]["replicas"]:
            for each in idle[: max(0, surplus)]:
                self._api.delete(kinds.REPLICA_SET, namespace_of(each), name_of(each), Deletion())

    def _report(self, deployment: Object, new: Object | None, old: Sequence[Object]) -> float | None:
        left_s = self._patience_s(deployment)
        current = self._api.storage.get(kinds.DEPLOYMENT, namespace_of(deployment), name_of(deployment))
        if current is None:
            return None
        collisions = current.get("status", {}).get("collisionCount", 0)
        sets = [each for each in (new, *old) if each is not None]
        fresh = [self._api.storage.get(kinds.REPLICA_SET, namespace_of(each), name_of(each)) for each in sets]
        known = [each for each in fresh if each is not None]
        is_new = [each for each in known if new is not None and name_of(each) == name_of(new)]
        others = [each for each in known if each not in is_new]
        status = deployment_status(
            current, is_new[0] if is_new else None, others, is_late=left_s <= 0, collisions=collisions
        )
        self._api.set_status(kinds.DEPLOYMENT, current, status, manager=_MANAGER)
        return None if is_complete(current, status) or left_s <= 0 else left_s

    def _patience_s(self, deployment: Object) -> float:
        """Simulated seconds until a rollout in which nothing moves counts as late."""
        status = deployment.get("status", {})
        counts = ("updatedReplicas", "readyReplicas", "availableReplicas", "replicas")
        state = (deployment["metadata"]["generation"], *(status.get(name, 0) for name in counts))
        now_s = self._clock.now_s()
        last, since_s = self._progress.get(uid_of(deployment), (None, now_s))
        if state != last:
            since_s = now_s
            self._progress[uid_of(deployment)] = (state, since_s)
        return float(deployment["spec"]["progressDeadlineSeconds"]) - (now_s - since_s)


def _revision_of(replica_set: Object) -> tuple[int, str]:
    revision = int(annotations_of(replica_set).get(_REVISION, 0))
    return revision, replica_set["metadata"]["creationTimestamp"]
