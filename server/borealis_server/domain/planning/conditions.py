"""Conditions of a deploy file as steps of a run: the same wherever they stand."""

from collections.abc import Iterable

from borealis_deployfile.model import Condition, Pause
from borealis_server.domain.deployment import StepRun
from borealis_server.domain.states import StepKind, StepPart

_PREFIXES = {StepPart.BEFORE: "before", StepPart.STRATEGY: "step", StepPart.AFTER: "after"}


def step_ref(part: StepPart, number: int) -> str:
    """The name of step `number` of a part, from 1: `before-1`, `step-1`, `after-1`."""
    return f"{_PREFIXES[part]}-{number}"


def plan_together(part: StepPart, conditions: Iterable[Condition]) -> tuple[StepRun, ...]:
    """Conditions that stand alone in a part, as one stage: they run at the same time."""
    return tuple(
        plan_condition(one, step_ref(part, number), part, stage=1) for number, one in enumerate(conditions, start=1)
    )


def plan_condition(condition: Condition, ref: str, part: StepPart, *, stage: int) -> StepRun:
    """The step for one condition. Errors: ValueError for one that the engine does not know; a start refuses it."""
    if not isinstance(condition, Pause):
        raise ValueError(f"no engine for {type(condition).__name__}")  # noqa: TRY004 - a start refuses it before
    return StepRun(
        ref=ref,
        kind=StepKind.PAUSE,
        part=part,
        stage=stage,
        duration_s=condition.duration_s,
        until_approved=condition.until_approved,
        requires_roles=condition.requires_roles,
        expires_after_s=condition.expires_after_s,
    )
