"""Moving traffic for a step: one object of a route after the other, what somebody else changed told and put right."""

from dataclasses import replace

from borealis_server.domain import rollback
from borealis_server.domain.decision import Act, Become, Circumstances, Decision
from borealis_server.domain.deployment import StepRun, TargetRun
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.routing.provider import Misfit
from borealis_server.domain.routing.steering import Change, next_change, with_asked, with_repair_told
from borealis_server.domain.stages import followed
from borealis_server.domain.states import EndReason, EventKind
from borealis_server.domain.steps.executor import fail


def steer(
    run: TargetRun, step: StepRun | None, seen: Observation, here: Circumstances, percent: int
) -> Decision | None:
    """What has to be done until every route gives the new version its share; None when all do.

    `step` is the one that asks for it; None where the share is only held while steps wait for something else.
    """
    change = next_change(run, seen, percent)
    if isinstance(change, Misfit):
        if step is None:
            return rollback.begin(run, EndReason.APPLY_ERROR, change.message, here)
        return fail(run, step, EndReason.APPLY_ERROR, change.message, here)
    if change is None:
        return None
    # What the step waited for is there.
    return act_on(followed(run.with_step(replace(step, wait=None)), here.now) if step else run, change)


def act_on(run: TargetRun, change: Change) -> Decision:
    """The change, told first where it repairs what somebody else has done."""
    if change.is_repair:
        message = f"{change.effect.part}: somebody else changed it during the run; {change.effect.route} is put right"
        return Become(run=with_repair_told(run, change), notes=(Note(kind=EventKind.WARNING, message=message),))
    return Act(effect=change.effect, run=replace(with_asked(run, change.effect), intent=str(change.effect)))
