"""Changes whose outcome nobody has learnt, and which may still arrive in the cluster.

A request that was under way when its tunnel or this server was lost cannot be called back. It ends by itself: the API
server gives a request up after a minute. Until then a rollback keeps looking at its pods, so that a change that arrives
late is put right at once, and nothing counts as finished.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from borealis_server.domain.decision import Circumstances, Hold
from borealis_server.domain.deployment import TargetRun, Wait
from borealis_server.domain.pods import RESYNC
from borealis_server.domain.states import Phase, TargetState

SENT_WITHIN = timedelta(seconds=10)
"""How long after it was intended a change is still sent; later it is decided anew."""
LATEST_ARRIVAL = timedelta(seconds=90)
"""How long after it was intended a change can still arrive: until it is sent, what it reads first, and the API server's
own limit of 60 s for a request."""


def intended(run: TargetRun, now: datetime) -> TargetRun:
    """The run whose intent is about to be sent."""
    return replace(run, intent_limit_at=now + LATEST_ARRIVAL)


def may_be_sent(run: TargetRun, now: datetime) -> bool:
    """Whether the intent is young enough to be sent."""
    return run.intent_limit_at is None or now < run.intent_limit_at - LATEST_ARRIVAL + SENT_WITHIN


def learnt(run: TargetRun) -> TargetRun:
    """The run after its intent's outcome was learnt."""
    return replace(run, intent_limit_at=None)


def unknown(run: TargetRun) -> TargetRun:
    """The run after its intent's outcome was lost, if there is one: by a crash, with the tunnel, or by an abort.

    What a rollback does only leads further back: it may arrive whenever it likes. But where traffic is led back first
    to the old version alone, and then to where it was before, the first of the two must not come after the second.
    """
    is_final = run.state is TargetState.ROLLING_BACK and run.phase is not Phase.RESTORING_TRAFFIC
    if run.intent_limit_at is None or is_final:
        return learnt(run)
    limit_at = max(run.late_limit_at or run.intent_limit_at, run.intent_limit_at)
    return replace(run, intent_limit_at=None, late_limit_at=limit_at)


def learnt_after_all(run: TargetRun, sent: TargetRun, after: TargetRun, now: datetime) -> TargetRun:
    """The run when an outcome is learnt that an abort did not wait for: nothing more is waited for.

    Shape: `sent` is the record that held the intent, `after` what its outcome made of it, `run` what an abort made.
    """
    is_known = sent.intent_limit_at is not None and after.late_limit_at == sent.late_limit_at
    is_why = run.late_limit_at is not None and run.late_limit_at == sent.intent_limit_at
    return replace(run, late_limit_at=max(sent.late_limit_at or now, now)) if is_known and is_why else run


def await_arrival(run: TargetRun, here: Circumstances) -> Hold | None:
    """The wait for a change that may still arrive; None when none can."""
    if run.late_limit_at is None or here.now >= run.late_limit_at:
        return None
    what = "a change that may still arrive in the cluster: its outcome was lost on the way"
    since = run.wait.since if run.wait and run.wait.what == what else here.now
    wait = Wait(
        what=what,
        since=since,
        ended_by="time: the Kubernetes API gives a request up by itself",
        limit_at=run.late_limit_at,
        at_limit="the rollback goes on",
    )
    return Hold(run=replace(run, wait=wait, intent=""), wake_at=min(run.late_limit_at, here.now + RESYNC))
