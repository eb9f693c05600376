"""The steps of one target: what its strategy becomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from borealis_deployfile.model import (
    Analysis,
    BlueGreen,
    Canary,
    ExposeServices,
    Pause,
    RunWebhook,
    SetWeight,
)
from borealis_deployfile.planning.plan import Approval, PlannedStep, StepKind
from borealis_deployfile.planning.workloads import Movement, full_size, joined, share, total_replicas

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from borealis_deployfile.model import Condition, Strategy
    from borealis_deployfile.planning.plan import PlannedDeployment
    from borealis_deployfile.planning.routed import Place

FULL_WEIGHT: Final = 100


def plan_strategy(
    strategy: Strategy | None, deployments: Sequence[PlannedDeployment], routed: Collection[Place]
) -> tuple[PlannedStep, ...]:
    """The steps of a target with Deployments; without a strategy the new version takes over at once.

    `routed` are the Deployments, by namespace and name, whose traffic is divided by weight.
    """
    if isinstance(strategy, BlueGreen):
        return _blue_green(strategy, deployments)
    return _canary(strategy, deployments, routed)


def plan_conditions(prefix: str, conditions: Iterable[Condition]) -> tuple[PlannedStep, ...]:
    """Conditions that run at the same time, named `prefix-1` and so on."""
    return tuple(_condition(f"{prefix}-{number}", one) for number, one in enumerate(conditions, start=1))


def together_s(steps: Iterable[PlannedStep]) -> float:
    """How long steps take at least that run at the same time."""
    return max((step.least_duration_s for step in steps), default=0.0)


def _canary(
    strategy: Canary | None, deployments: Sequence[PlannedDeployment], routed: Collection[Place]
) -> tuple[PlannedStep, ...]:
    steps = list(strategy.steps) if strategy else []
    weights = [step.weight_percent for step in steps if isinstance(step, SetWeight)]
    if not weights or weights[-1] != FULL_WEIGHT:
        steps.append(SetWeight(weight_percent=FULL_WEIGHT))
    planned, weight = [], 0
    for number, step in enumerate(steps, start=1):
        ref = f"step-{number}"
        if not isinstance(step, SetWeight):
            planned.append(_condition(ref, step))
            continue
        is_last = step.weight_percent == FULL_WEIGHT
        are_beside = [(one.namespace, one.name) in routed for one in deployments]
        beside, sharing = (
            [one for one, is_beside in zip(deployments, are_beside, strict=True) if is_beside is wanted]
            for wanted in (True, False)
        )
        stood, shared = full_size(beside, has_old=not is_last), share(sharing, weight, step.weight_percent)
        moved = joined(are_beside, stood, shared)
        summary = f"{step.weight_percent} % to the new version"
        planned.append(_moving(ref, StepKind.SET_WEIGHT, summary, step.weight_percent, moved, deployments))
        weight = step.weight_percent
    return tuple(planned)


def _blue_green(strategy: BlueGreen, deployments: Sequence[PlannedDeployment]) -> tuple[PlannedStep, ...]:
    beside, alone = full_size(deployments, has_old=True), full_size(deployments, has_old=False)
    deploy, redirect, shut_down = (
        StepKind.DEPLOY_NEW_VERSION,
        StepKind.REDIRECT_TRAFFIC,
        StepKind.SHUT_DOWN_OLD_VERSION,
    )
    steps = (
        _moving("", deploy, "start the new version at full size, without traffic", 0, beside, deployments),
        *(_condition("", one, "redirect") for one in strategy.redirect_after),
        _moving("", redirect, "switch all traffic to the new version", FULL_WEIGHT, beside, deployments),
        *(_condition("", one, "shut_down") for one in strategy.shut_down_after),
        _moving("", shut_down, "delete the old version", FULL_WEIGHT, alone, deployments),
    )
    return tuple(replace(step, ref=f"step-{number}") for number, step in enumerate(steps, start=1))


def _moving(
    ref: str,
    kind: StepKind,
    summary: str,
    weight_percent: int,
    moved: Movement,
    deployments: Sequence[PlannedDeployment],
) -> PlannedStep:
    return PlannedStep(
        ref=ref,
        kind=kind,
        summary=summary,
        weight_percent=weight_percent,
        pods=moved.pods,
        most_pods=moved.most,
        extra_pods=max(0, moved.most - total_replicas(deployments)),
        deployments=moved.parts,
    )


def _condition(
    ref: str, condition: Condition, phase: Literal["strategy", "redirect", "shut_down"] = "strategy"
) -> PlannedStep:
    kind, summary, least_s, approval = _described(condition)
    return PlannedStep(ref=ref, kind=kind, summary=summary, least_duration_s=least_s, approval=approval, phase=phase)


def _described(condition: Condition) -> tuple[StepKind, str, float, Approval | None]:
    match condition:
        case Pause(until_approved=True):
            person = Approval(roles=condition.requires_roles, expires_after_s=condition.expires_after_s)
            return StepKind.APPROVAL, "wait for an approval", 0.0, person
        case Pause():
            return StepKind.PAUSE, "wait", condition.duration_s or 0.0, None
        case Analysis():
            # Judgements end a step early only on failure, so a good run takes them all.
            summary = f"judge {condition.runs} times by {', '.join(condition.queries)}"
            is_manual = condition.roll_forward == "manual"
            approval = Approval(roles=(), expires_after_s=None) if is_manual else None
            delays_s = condition.initial_delay_s + condition.scrape_delay_s
            return StepKind.ANALYSIS, summary, delays_s + condition.interval_s * condition.runs, approval
        case RunWebhook():
            return StepKind.RUN_WEBHOOK, f"run the webhook {condition.name}", 0.0, None
        case ExposeServices():
            return StepKind.EXPOSE_SERVICES, f"expose {', '.join(condition.services)}", 0.0, None
