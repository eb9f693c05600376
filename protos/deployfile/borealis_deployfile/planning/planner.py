"""From a sound deploy file and its manifests to the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from borealis_deployfile.model import BlueGreen
from borealis_deployfile.planning.graph import plan_order
from borealis_deployfile.planning.plan import Plan, PlannedTarget
from borealis_deployfile.planning.routed import routed_among
from borealis_deployfile.planning.steps import plan_conditions, plan_strategy, together_s
from borealis_deployfile.planning.workloads import find_deployments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from borealis_deployfile.manifests import ManifestObject
    from borealis_deployfile.model import DeployFile, Strategy, Target
    from borealis_deployfile.planning.plan import LivePods, PlannedDeployment, PlannedStep

_REPLICAS_NOTE: Final = "manifests that write no replicas count as one pod; a deployment keeps the live number"
_FIRST_NOTE: Final = "a version of the same size is live; without one the new version takes over at once"
_NUMBERS: Final = {"given": "given", "manifest": "written", "live": "live", "assumed": "assumed"}
_TIME_NOTE: Final = "people, webhooks and starting pods take no time"


def make_plan(
    file: DeployFile,
    objects_by_target: Mapping[str, tuple[ManifestObject, ...]],
    *,
    replicas: Mapping[str, int] | None = None,
    live: Mapping[tuple[str, str, str], LivePods] | None = None,
) -> Plan:
    """What the file will do.

    Shape: `objects_by_target` as `check_manifests` gives it; `replicas` by `NAME` or `TARGET/NAME` goes before every
    other number; `live` by target, namespace and name is what was found in the clusters.
    Units: seconds from the start of the deployment.
    """
    waves = plan_order([target.name for target in file.targets], {one.name: one.depends_on for one in file.targets})
    wave_of = {name: number for number, names in enumerate(waves, start=1) for name in names}
    by_name = {target.name: target for target in file.targets}
    planned: dict[str, PlannedTarget] = {}
    for name in (name for names in waves for name in names):
        target = by_name[name]
        one = _target(file, target, objects_by_target.get(name, ()), replicas or {}, live or {}, wave=wave_of[name])
        start_s = max((planned[other].earliest_finish_s for other in target.depends_on), default=0.0)
        planned[name] = replace(one, earliest_start_s=start_s, earliest_finish_s=start_s + one.least_duration_s)
    targets = tuple(planned[target.name] for target in file.targets)
    return Plan(
        application=file.application,
        waves=waves,
        targets=targets,
        earliest_finish_s=max((one.earliest_finish_s for one in targets), default=0.0),
        notes=_notes(targets),
    )


def _target(
    file: DeployFile,
    target: Target,
    objects: tuple[ManifestObject, ...],
    replicas: Mapping[str, int],
    live: Mapping[tuple[str, str, str], LivePods],
    *,
    wave: int,
) -> PlannedTarget:
    deployments = find_deployments(objects, target.name, replicas, live)
    strategy = file.strategies.get(target.strategy) if target.strategy else None
    routed = routed_among(objects, file.routes_of(target.name))
    steps = plan_strategy(strategy, deployments, routed) if deployments else ()
    before, after = plan_conditions("before", target.before), plan_conditions("after", target.after)
    return PlannedTarget(
        name=target.name,
        account=target.account,
        namespace=target.namespace,
        wave=wave,
        depends_on=target.depends_on,
        strategy=target.strategy,
        strategy_kind=_kind(strategy, deployments),
        objects=len(objects),
        deployments=deployments,
        before=before,
        steps=steps,
        after=after,
        least_duration_s=together_s(before) + _in_order_s(steps) + together_s(after),
        extra_pods=max((step.extra_pods or 0 for step in steps), default=0),
    )


def _kind(
    strategy: Strategy | None, deployments: tuple[PlannedDeployment, ...]
) -> Literal["canary", "blue_green", "none"]:
    if not deployments:
        return "none"
    return "blue_green" if isinstance(strategy, BlueGreen) else "canary"


def _in_order_s(steps: tuple[PlannedStep, ...]) -> float:
    """Steps one after the other, but the conditions of a blue/green phase together."""
    alone = sum(step.least_duration_s for step in steps if step.phase == "strategy")
    phases = ([step for step in steps if step.phase == phase] for phase in ("redirect", "shut_down"))
    return alone + sum(together_s(phase) for phase in phases)


def _notes(targets: tuple[PlannedTarget, ...]) -> tuple[str, ...]:
    deployments = [one for target in targets for one in target.deployments]
    notes = [_FIRST_NOTE] if any(one.live is None or one.live.unknown for one in deployments) else []
    if any(one.source == "assumed" for one in deployments):
        notes.append(_REPLICAS_NOTE)
    live = [note for target in targets for one in target.deployments for note in _live_notes(target.name, one)]
    return (*notes, *dict.fromkeys(live), _TIME_NOTE)


def _live_notes(target: str, one: PlannedDeployment) -> Iterator[str]:
    """What a person should know about live pods and the number that the plan counts with."""
    if one.live is None:
        return
    name = f"{target}/{one.name}"
    if one.live.unknown:
        yield f"{name}: {one.live.unknown}; the plan counts with the {_NUMBERS[one.source]} number"
    elif one.live.replicas is None:
        yield f"{name}: nothing is live, so the new version takes over at once"
    elif one.source == "manifest" and one.live.replicas != one.replicas:
        yield f"{name}: {one.live.replicas} live pods, but the manifest writes {one.replicas}: that counts"
