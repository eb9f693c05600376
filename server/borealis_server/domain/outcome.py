"""What a target becomes when a change in its cluster succeeded, failed, or may have done either."""

from dataclasses import replace
from datetime import datetime, timedelta

from borealis_server.domain import decide, late, pods, rollback
from borealis_server.domain.decision import Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import TargetRun, Wait
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
    RestoreReplicaSet,
    Scale,
)
from borealis_server.domain.record import Note
from borealis_server.domain.states import EndReason, EventKind, Phase, TargetState

SHORTEST_RETRY = timedelta(seconds=0.5)
"""How long to leave a busy cluster alone at least; it may ask for more."""
LONGEST_RETRY = timedelta(seconds=30)
"""How long at most, whatever it asks for."""


def absorb(run: TargetRun, effect: Effect, outcome: Outcome, here: Circumstances) -> Become | Hold:
    """The record after `effect` came out as `outcome`: a Become, or a Hold where it must be tried again later."""
    is_lost = isinstance(outcome, AgentAway | Busy) and outcome.may_arrive
    run = late.unknown(run) if is_lost else late.learnt(run)
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
        effect_limit_at=None,
        workloads=found.workloads,
        saved=found.saved,
        autoscalers=found.autoscalers,
        services=found.services,
        routes=found.routes,
        warnings=(*run.warnings, *found.warnings),
    )
    return Become(run=ready, notes=tuple(Note(kind=EventKind.WARNING, message=text) for text in found.warnings))


def _done(run: TargetRun, effect: Effect, here: Circumstances) -> Become:
    """The next change has the whole limit for itself; after a scaling it is the pods that have it."""
    done = replace(run, intent="", wait=None, ready_limit_at=None, effect_limit_at=None)
    if isinstance(effect, Scale | RestoreReplicaSet):
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
    if run.phase in (Phase.RESTORING_SETTINGS, Phase.REMOVING_NEW, Phase.RESTORING_OBJECTS):
        note = Note(kind=EventKind.WARNING, message=f"could not {effect}: {refused.message}")
        return Become(run=rollback.skip_refused(run, refused), notes=(note,))
    if run.state is TargetState.ROLLING_BACK:
        return rollback.go_on_without_pods(run, f"could not {effect}: {refused.message}")
    return rollback.begin(run, refused.reason, f"could not {effect}: {refused.message}", here)


def _busy(run: TargetRun, effect: Effect, busy: Busy, here: Circumstances) -> Become | Hold:
    """Try again until the limit of this one change, whatever was waited for before it."""
    limit_at = run.effect_limit_at or here.now + timedelta(seconds=here.readiness_timeout_s)
    if here.now >= limit_at:
        return _refused(run, effect, Refused(reason=EndReason.APPLY_ERROR, message=busy.detail), here)
    return await_cluster(replace(run, effect_limit_at=limit_at), f"to {effect}", busy, limit_at, here)


def await_cluster(run: TargetRun, purpose: str, busy: Busy, limit_at: datetime, here: Circumstances) -> Hold:
    """Wait by name for a cluster that cannot answer now; the limit is judged when it is asked again."""
    what = f"the cluster, {purpose}: {busy.detail}"
    is_news = run.wait is None or run.wait.what != what
    wait = Wait(
        what=what,
        since=run.wait.since if run.wait else here.now,
        ended_by="the cluster",
        limit_at=limit_at,
        at_limit=decide.at_limit(run),
    )
    pause = min(max(SHORTEST_RETRY, timedelta(seconds=busy.retry_after_s)), LONGEST_RETRY)
    notes = (Note(kind=EventKind.PROGRESS, message=f"waits for {what}"),) if is_news else ()
    wake_at = min(here.now + pause, max(limit_at, here.now))
    return Hold(run=replace(run, wait=wait), wake_at=wake_at, is_spared=True, notes=notes)


def cannot_see(run: TargetRun, busy: Busy, here: Circumstances) -> Decision:
    """What to do when pods cannot be looked at: wait, and at the limit go back, or give the way back up.

    A run that only watches over its pods while something else holds it goes on without.
    """
    if not decide.needs_agent(run):
        return decide.decide(run, decide.NOTHING_SEEN, here)
    run = decide.with_agent_back(run, here)
    if not pods.is_overdue(run, here):
        limit_at = run.ready_limit_at or here.now + timedelta(seconds=here.readiness_timeout_s)
        waiting = replace(run, ready_limit_at=limit_at)
        purpose = "to look at objects" if run.phase is Phase.SETTLING else "to look at pods"
        return await_cluster(waiting, purpose, busy, limit_at, here)
    if run.state is TargetState.ROLLING_BACK:
        return rollback.go_on_without_pods(run, f"the cluster does not answer ({busy.detail})")
    return rollback.begin(run, EndReason.APPLY_ERROR, f"the cluster does not answer: {busy.detail}", here)
