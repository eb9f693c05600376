"""How many pods each Deployment of a target has at each share, and on the way there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from borealis_deployfile.kinds import DEPLOYMENT, group_kind
from borealis_deployfile.manifest_objects import value_at
from borealis_deployfile.planning.plan import DeploymentPods, PlannedDeployment
from borealis_deployfile.planning.pod_ratio import (
    DEFAULT_MAX_SURGE,
    DEFAULT_MAX_UNAVAILABLE,
    Bounds,
    Counts,
    Observed,
    goal,
    next_counts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from borealis_deployfile.manifests import ManifestObject
    from borealis_deployfile.planning.plan import LivePods


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Pods at the end of a step, of all Deployments together and of each, and the most on the way."""

    pods: Counts
    most: int
    parts: tuple[DeploymentPods, ...]


def find_deployments(
    objects: Iterable[ManifestObject],
    target: str,
    replicas: Mapping[str, int],
    live: Mapping[tuple[str, str, str], LivePods],
) -> tuple[PlannedDeployment, ...]:
    """The Deployments among the objects; `replicas` by `NAME` or `TARGET/NAME` goes before what the manifests write.

    `live` by target, namespace and name is what is live, as far as somebody was asked.
    """
    return tuple(
        _deployment(item, target, replicas, live.get((target, item.namespace or "", item.name)))
        for item in deployments_among(objects)
    )


def deployments_among(objects: Iterable[ManifestObject]) -> tuple[ManifestObject, ...]:
    """Those of the objects that are Deployments."""
    return tuple(item for item in objects if group_kind(item.api_version, item.kind) == DEPLOYMENT)


def share(deployments: Sequence[PlannedDeployment], weight_before: int, weight: int) -> Movement:
    """From one share to the next by the arithmetic of the engine: Deployments grow and drain within their bounds."""
    parts, most = [], 0
    for one in deployments:
        start, end = (goal(one.replicas, percent, one.max_surge) for percent in (weight_before, weight))
        parts.append(DeploymentPods(name=one.name, namespace=one.namespace, pods=end))
        most += _most_between(one, start, end)
    return _movement(parts, most)


def full_size(deployments: Sequence[PlannedDeployment], *, has_old: bool) -> Movement:
    """The new version with all of its pods, beside all or none of the old one's."""
    parts = [
        DeploymentPods(
            name=one.name,
            namespace=one.namespace,
            pods=Counts(new=one.replicas, old=_old_size(one) if has_old else 0),
        )
        for one in deployments
    ]
    # Also while the old version goes, both are still there.
    return _movement(parts, sum(one.replicas + _old_size(one) for one in deployments))


def joined(are_first: Sequence[bool], first: Movement, second: Movement) -> Movement:
    """Two movements as one, in the order of all Deployments: `are_first` says for each which one has it."""
    parts = iter(first.parts), iter(second.parts)
    return _movement([next(parts[not is_first]) for is_first in are_first], first.most + second.most)


def _old_size(one: PlannedDeployment) -> int:
    """Pods of the old version, which keeps the size that it has: what is live, as far as somebody was asked."""
    if one.live is None or one.live.unknown:
        return one.replicas
    return one.live.replicas or 0


def total_replicas(deployments: Iterable[PlannedDeployment]) -> int:
    """Pods that run without a deployment."""
    return sum(one.replicas for one in deployments)


def _deployment(
    item: ManifestObject, target: str, replicas: Mapping[str, int], live: LivePods | None
) -> PlannedDeployment:
    written = value_at(item.document, "spec", "replicas")
    given = replicas.get(f"{target}/{item.name}", replicas.get(item.name))
    running = live.replicas if live else None
    numbers: tuple[tuple[int | None, Literal["given", "manifest", "live"]], ...] = (
        (given, "given"),
        (running if live and live.autoscaler else None, "live"),  # an autoscaler's number goes before the manifest's
        (written, "manifest"),
        (running, "live"),
    )
    count: int = 1
    source: Literal["given", "manifest", "live", "assumed"] = "assumed"
    for number, word in reversed(numbers):
        if number is not None:
            count, source = number, word
    rolling = value_at(item.document, "spec", "strategy", "rollingUpdate") or {}
    surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    bounds = Bounds.of(
        count,
        DEFAULT_MAX_SURGE if surge is None else surge,
        DEFAULT_MAX_UNAVAILABLE if unavailable is None else unavailable,
    )
    return PlannedDeployment(
        name=item.name,
        namespace=item.namespace or "",
        replicas=count,
        source=source,
        max_surge=bounds.max_surge,
        max_unavailable=bounds.max_unavailable,
        live=live,
    )


def _most_between(one: PlannedDeployment, start: Counts, end: Counts) -> int:
    """Most pods on the way from `start` to `end` in a cluster where every pod becomes available."""
    bounds = Bounds(max_surge=one.max_surge, max_unavailable=one.max_unavailable)
    now, most = start, start.new + start.old
    while now != end:
        seen = Observed(new_spec=now.new, new_available=now.new, old_spec=now.old, old_available=now.old)
        after = next_counts(end, seen, bounds, one.replicas)
        if after == now:
            break
        most = max(most, after.new + after.old)
        now = after
    return max(most, end.new + end.old)


def _movement(parts: list[DeploymentPods], most: int) -> Movement:
    pods = Counts(new=sum(one.pods.new for one in parts), old=sum(one.pods.old for one in parts))
    return Movement(pods=pods, most=most, parts=tuple(parts))
