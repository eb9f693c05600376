"""A blue/green strategy as the steps of a run, and the Services that it moves."""

from borealis_deployfile.model import BlueGreen, Condition, DeployFile, KubernetesTraffic
from borealis_deployfile.service_wiring import pairs_of
from borealis_server.domain.deployment import ServicePair, StepRun
from borealis_server.domain.planning.conditions import Setting, plan_condition, step_ref
from borealis_server.domain.planning.previews import after_previews
from borealis_server.domain.states import StepKind, StepPart


def plan_blue_green(setting: Setting, strategy: BlueGreen) -> tuple[StepRun, ...]:
    """Steps `step-1`, `step-2` …: deploy, redirect, shut down, with the conditions before the last two together."""
    planned = [
        (_step(setting, member, step_ref(StepPart.STRATEGY, number), stage), member)
        for number, (stage, member) in enumerate(members(strategy), start=1)
    ]
    return after_previews(setting.file, planned)


def members(strategy: BlueGreen) -> tuple[tuple[int, StepKind | Condition], ...]:
    """What the steps do, in their order, each with its stage."""
    stages: list[tuple[StepKind | Condition, ...]] = [
        (StepKind.DEPLOY_NEW_VERSION,),
        strategy.redirect_after,
        (StepKind.REDIRECT_TRAFFIC,),
        strategy.shut_down_after,
        (StepKind.SHUT_DOWN_OLD_VERSION,),
    ]
    return tuple((stage, member) for stage, group in enumerate(filter(None, stages), start=1) for member in group)


def plan_services(file: DeployFile, target: str, strategy: BlueGreen) -> tuple[ServicePair, ...]:
    """The Services that the deploy file names for a target, from the current place or the old one."""
    return tuple(map(_pair, pairs_of(file, target, strategy)))


def _step(setting: Setting, member: StepKind | Condition, ref: str, stage: int) -> StepRun:
    if isinstance(member, StepKind):
        return StepRun(ref=ref, kind=member, stage=stage)
    return plan_condition(setting, member, ref, StepPart.STRATEGY, stage=stage)


def _pair(route: KubernetesTraffic) -> ServicePair:
    return ServicePair(active=route.active_service, preview=route.preview_service or "")
