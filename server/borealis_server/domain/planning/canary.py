"""A canary strategy as the steps of a run."""

from borealis_deployfile.model import Canary, SetWeight, Step
from borealis_server.domain.deployment import StepRun
from borealis_server.domain.planning.conditions import Setting, plan_condition, step_ref
from borealis_server.domain.states import StepKind, StepPart

FULL_WEIGHT = 100


def plan_steps(setting: Setting, strategy: Canary | None) -> tuple[StepRun, ...]:
    """Steps `step-1`, `step-2` … of `strategy`, one a stage; the last weight always takes everything to 100 %.

    No strategy means one step: straight to 100 %.
    """
    steps = strategy.steps if strategy else ()
    weights = [step.weight_percent for step in steps if isinstance(step, SetWeight)]
    if not weights or weights[-1] != FULL_WEIGHT:
        steps = (*steps, SetWeight(weight_percent=FULL_WEIGHT))
    return tuple(_step(setting, number, step) for number, step in enumerate(steps, start=1))


def _step(setting: Setting, number: int, step: Step) -> StepRun:
    ref = step_ref(StepPart.STRATEGY, number)
    if isinstance(step, SetWeight):
        return StepRun(ref=ref, kind=StepKind.SET_WEIGHT, stage=number, weight_percent=step.weight_percent)
    return plan_condition(setting, step, ref, StepPart.STRATEGY, stage=number)
