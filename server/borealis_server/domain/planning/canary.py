"""A canary strategy as the steps of a run."""

from borealis_deployfile.model import Canary, Pause, SetWeight, Step
from borealis_server.domain.deployment import StepKind, StepRun

FULL_WEIGHT = 100


def plan_steps(strategy: Canary | None) -> tuple[StepRun, ...]:
    """Steps `step-1`, `step-2` … of `strategy`; the last one always takes everything to 100 %.

    No strategy means one step: straight to 100 %.
    """
    steps = strategy.steps if strategy else ()
    weights = [step.weight_percent for step in steps if isinstance(step, SetWeight)]
    if not weights or weights[-1] != FULL_WEIGHT:
        steps = (*steps, SetWeight(weight_percent=FULL_WEIGHT))
    return tuple(_step(number, step) for number, step in enumerate(steps, start=1))


def _step(number: int, step: Step) -> StepRun:
    ref = f"step-{number}"
    if isinstance(step, SetWeight):
        return StepRun(ref=ref, kind=StepKind.SET_WEIGHT, weight_percent=step.weight_percent)
    if not isinstance(step, Pause):
        raise ValueError(f"no engine for {type(step).__name__}")  # noqa: TRY004 - a start refuses it before
    return StepRun(
        ref=ref,
        kind=StepKind.PAUSE,
        duration_s=step.duration_s,
        until_approved=step.until_approved,
        expires_after_s=step.expires_after_s,
    )
