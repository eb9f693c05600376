"""Blue/green, last: the old version goes. Until then there is a way back, and afterwards there is none."""

from dataclasses import replace

from borealis_server.domain import traffic
from borealis_server.domain.decision import Become, Circumstances, Decision
from borealis_server.domain.deployment import StepRun, TargetRun
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.states import EventKind, Phase
from borealis_server.domain.steps.executor import Started, StepExecutor
from borealis_server.domain.steps.redirect_traffic import redirect
from borealis_server.domain.transitions import StepEvent, move_step


def start(_run: TargetRun, step: StepRun, here: Circumstances) -> Started:
    """Nothing but its name: the old version is still there."""
    return Started(step=move_step(step, StepEvent.STARTED, here.now), message="shuts the old version down")


def decide(run: TargetRun, step: StepRun, seen: Observation, here: Circumstances) -> Decision:
    """See once more that the new version has all traffic, however long ago that was; then the run can only finish."""
    run = traffic.with_shares(run, seen)
    missing = redirect(run, step, seen, here)
    if missing:
        return missing
    note = Note(kind=EventKind.STEP_CHANGED, step=step.ref, message="the old version goes; there is no way back now")
    finishing = replace(run, phase=Phase.FINISHING, cursor=0, wait=None, intent="", ready_limit_at=None)
    return Become(run=finishing, notes=(note,))


EXECUTOR = StepExecutor(start=start, decide=decide, needs_cluster=True)
