"""What a target becomes when a change in its cluster succeeded, failed, or may have done either."""

from dataclasses import replace
from datetime import timedelta

from borealis_server.domain import decide, pods, rollback
from borealis_server.domain.decision import Become, Circumstances, Hold
from borealis_server.domain.deployment import EndReason, EventKind, Phase, TargetRun, TargetState, Wait
from borealis_server.domain.effects import (
    AgentAway,
    Busy,
    Done,
    Effect,
    Outcome,
    Outdated,
    Prepare,
    Prepared,
    Refused,
    Scale,
)
from borealis_server.domain.record import Note

RETRY = timedelta(seconds=2)
"""How long to leave a busy cluster alone."""


def absorb(run: TargetRun, effect: Effect, outcome: Outcome, here: Circumstances) -> Become | Hold:
    """The record after `effect` came out as `outcome`: a Become, or a Hold where it must be tried again later."""
    match outcome:
        case Prepared():
            return _prepared(run, outcome)
        case Done():
            return _done(run, effect, here)
        case Refused():
            return _refused(run, effect, outcome, here)
        case Outdated():
            return Become(run=replace(run, intent=""))
        case AgentAway():
            return decide.await_agent(replace(run, intent=""), outcome, here)
    return _busy(run, effect, outcome, here)


def _prepared(run: TargetRun, found: Prepared) -> Become:
    ready = replace(
        run,
        phase=Phase.APPLYING,
        cursor=0,
        intent="",
        wait=None,
        ready_limit_at=None,
        workloads=found.workloads,
        saved=found.saved,
        warnings=(*run.warnings, *found.warnings),
    )
    return Become(run=ready, notes=tuple(Note(kind=EventKind.WARNING, message=text) for text in found.warnings))


def _done(run: TargetRun, effect: Effect, here: Circumstances) -> Become:
    """The next change has the whole limit for itself; after a scaling it is the pods that have it."""
    done = replace(run, intent="", wait=None, ready_limit_at=None)
    if isinstance(effect, Scale):
        done = replace(done, ready_limit_at=here.now + timedelta(seconds=here.readiness_timeout_s))
    else:
        done = replace(done, cursor=run.cursor + 1)
    return Become(run=done, notes=(Note(kind=EventKind.EFFECT_DONE, message=str(effect)),))


def _refused(run: TargetRun, effect: Effect, refused: Refused, here: Circumstances) -> Become | Hold:
    if isinstance(effect, Prepare):
        return rollback.begin(run, refused.reason, refused.message, here)
    if run.phase is Phase.FINISHING:
        why = f"could not {effect}: {refused.message}; do it by hand"
        return rollback.leave(run, EndReason.APPLY_ERROR, why, here)
    if run.phase in (Phase.REMOVING_NEW, Phase.RESTORING_OBJECTS):
        note = Note(kind=EventKind.WARNING, message=f"could not {effect}: {refused.message}")
        return Become(run=rollback.skip_refused(run, refused), notes=(note,))
    if run.state is TargetState.ROLLING_BACK:
        return rollback.give_up(run, f"could not {effect}: {refused.message}", here)
    return rollback.begin(run, refused.reason, f"could not {effect}: {refused.message}", here)


def _busy(run: TargetRun, effect: Effect, busy: Busy, here: Circumstances) -> Become | Hold:
    """Try again until the readiness limit, which a busy cluster does not extend."""
    if pods.is_overdue(run, here):
        return _refused(run, effect, Refused(reason=EndReason.APPLY_ERROR, message=busy.detail), here)
    return await_cluster(run, f"to {effect}", busy, here)


def await_cluster(run: TargetRun, purpose: str, busy: Busy, here: Circumstances) -> Hold:
    """Wait by name for a cluster that cannot answer now; the limit is judged when it is asked again."""
    limit_at = run.ready_limit_at or here.now + timedelta(seconds=here.readiness_timeout_s)
    what = f"the cluster, {purpose}: {busy.detail}"
    is_news = run.wait is None or run.wait.what != what
    wait = Wait(
        what=what,
        since=run.wait.since if run.wait else here.now,
        ended_by="the cluster",
        limit_at=limit_at,
        at_limit="the rollback is given up" if run.state is TargetState.ROLLING_BACK else "the target is rolled back",
    )
    held = replace(run, wait=wait, ready_limit_at=limit_at)
    notes = (Note(kind=EventKind.PROGRESS, message=f"waits for {what}"),) if is_news else ()
    return Hold(run=held, wake_at=here.now + RETRY, notes=notes)


def cannot_see(run: TargetRun, busy: Busy, here: Circumstances) -> Become | Hold:
    """What to do when pods cannot be looked at: wait, and at the limit go back, or give the way back up."""
    run = decide.with_agent_back(run, here)
    if not pods.is_overdue(run, here):
        return await_cluster(run, "to look at pods", busy, here)
    if run.state is TargetState.ROLLING_BACK:
        return rollback.give_up(run, f"the cluster does not answer ({busy.detail})", here)
    return rollback.begin(run, EndReason.APPLY_ERROR, f"the cluster does not answer: {busy.detail}", here)
