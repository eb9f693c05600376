"""Moving pods between two versions: the next scaling, or the wait for the pods it brings.

Decides for all workloads of a target together. The arithmetic is `planning/pod_ratio.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from borealis_server.domain.decision import Act, Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import TargetRun, Wait, Workload
from borealis_server.domain.effects import Scale
from borealis_server.domain.observation import Observation, ReplicaSetView, WorkloadView
from borealis_server.domain.planning.pod_ratio import (
    Bounds,
    Counts,
    Observed,
    goal,
    is_reached,
    next_counts,
)
from borealis_server.domain.record import Note
from borealis_server.domain.states import EventKind

FULL_WEIGHT = 100
RESYNC = timedelta(seconds=5)
"""How often to look again although no watch has spoken."""
RESYNC_WHILE_HELD = timedelta(seconds=30)
"""How often to look while something else holds the run, and no watch does: such waits are many, and may take days."""
REFUSAL_CONFIRMED = timedelta(seconds=15)
"""How long the cluster must refuse to create pods before that counts: a quota may be about to be raised or freed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """Where pods are to move."""

    weight_percent: int
    """Share of the new version in what is asked for."""
    is_beside: bool = False
    """Whether both versions have their full size, whatever the share: then it is Services that move the traffic."""
    follows_routes: bool = False
    """Whether a workload that routes lead to stands beside, and any other one shares."""
    needs_old: bool = False
    """Whether the old version has to be available: on the way back."""
    keeps_new: bool = False
    """Whether the new version stays as large as it is, and workloads that share stay as they are: on the way back."""

    def stands_beside(self, load: Workload) -> bool:
        """Whether both versions of the workload are to have their full size."""
        return self.is_beside or (self.follows_routes and load.is_routed)

    def counts(self, load: Workload, observed: Observed) -> Counts:
        """Pods wanted of each version."""
        if not self.stands_beside(load):
            is_kept = self.keeps_new and self.follows_routes
            seen = Counts(new=observed.new_spec, old=observed.old_spec)
            return seen if is_kept else goal_of(load, self.weight_percent)
        new = observed.new_spec if self.keeps_new else load.replicas
        return Counts(new=new, old=load.old_replicas if load.old_name else 0)

    def needs_old_pods(self, load: Workload) -> bool:
        """Whether the old version keeps pods."""
        return self.stands_beside(load) or goal_of(load, self.weight_percent).old > 0


BESIDE: Final = Aim(weight_percent=0, is_beside=True)
"""The new version at full size beside the old one, without traffic."""
BESIDE_WITH_TRAFFIC: Final = Aim(weight_percent=FULL_WEIGHT, is_beside=True)
BACK_BESIDE: Final = Aim(weight_percent=0, is_beside=True, needs_old=True, keeps_new=True)
"""The old version at full size, while traffic still goes to the new one."""
BACK_BY_ROUTES: Final = Aim(weight_percent=0, follows_routes=True, needs_old=True, keeps_new=True)
"""The same, for the workloads that routes lead to."""


def aim_at(weight_percent: int) -> Aim:
    """A share of the pods; the way back is the share of none."""
    return Aim(weight_percent=weight_percent, needs_old=weight_percent == 0)


def weight_of(run: TargetRun, weight_percent: int) -> Aim:
    """What a weight of the strategy means for pods: a share of them, or full size where routes divide the traffic.

    The old version has to be available where it is to have more of the traffic than now.
    """
    gets_more = any(route.asked_percent > weight_percent for route in run.routes)
    return Aim(weight_percent=weight_percent, follows_routes=True, needs_old=weight_percent == 0 or gets_more)


def goal_of(load: Workload, weight_percent: int) -> Counts:
    """Pods wanted of each version at `weight_percent`; with no old version the new one gets everything."""
    if load.old_name:
        return goal(load.replicas, weight_percent, load.bounds.max_surge)
    return Counts(new=load.replicas if weight_percent else 0, old=0)


def move(run: TargetRun, seen: Observation, here: Circumstances, aim: Aim) -> Act | Become | Hold | None:
    """The next scaling towards `aim`, or the wait for pods; None when it is reached everywhere."""
    resized = _follow_others(run, seen)
    if resized:
        return resized
    run = with_counts(run, seen, aim.weight_percent)
    scalings = [(load, scale) for load in run.workloads for scale in _scalings(load, _view(seen, load), aim)]
    if scalings:
        # Growing first: capacity comes before anything is taken away.
        load, scale = min(scalings, key=lambda pair: pair[1].to_pods < pair[1].from_pods)
        wanted = run.with_workload(_as_asked(load, scale))
        return Act(effect=scale, run=replace(wanted, intent=str(scale), ready_limit_at=_limit(run, here)))
    if all(_is_there(load, _view(seen, load), aim) for load in run.workloads):
        return None
    return _hold(run, seen, here, aim)


def follow(held: Hold, seen: Observation, here: Circumstances, *, weight_percent: int) -> Decision:
    """What to do about pods while the run is held at a weight by something else.

    They follow whoever changes their number; what the run waits for, and until when, stays as it is.
    """
    moving = move(held.run, seen, here, weight_of(held.run, weight_percent))
    if isinstance(moving, Act | Become):
        return moving
    look_at = here.now + (RESYNC if moving else RESYNC_WHILE_HELD)
    return replace(held, run=with_counts(held.run, seen, weight_percent), wake_at=earliest(held.wake_at, look_at))


def is_overdue(run: TargetRun, here: Circumstances) -> bool:
    """Whether the limit for pods to become ready has passed."""
    return run.ready_limit_at is not None and here.now >= run.ready_limit_at


def is_refused(run: TargetRun, here: Circumstances) -> bool:
    """Whether the cluster has refused to create pods for so long that waiting will not help."""
    return run.refused_since is not None and here.now >= run.refused_since + REFUSAL_CONFIRMED


def describe_wait(run: TargetRun, seen: Observation, aim: Aim) -> str:
    """What is missing, with the first pod that is not ready and its reason."""
    waits = [
        text
        for load in run.workloads
        if not _is_there(load, _view(seen, load), aim)
        for text in _missing(load, _view(seen, load), aim)
    ]
    return "; ".join(waits)


def _view(seen: Observation, load: Workload) -> WorkloadView:
    return seen.workloads[load.namespace, load.name]


def _observed(view: WorkloadView) -> Observed:
    new, old = view.new, view.old
    return Observed(
        new_spec=new.desired if new else 0,
        new_available=new.available if new else 0,
        old_spec=old.desired if old else 0,
        old_available=old.available if old else 0,
    )


def _scalings(load: Workload, view: WorkloadView, aim: Aim) -> Iterator[Scale]:
    observed = _observed(view)
    counts = aim.counts(load, observed)
    is_beside = aim.stands_beside(load)
    if load.old_name and not is_beside:
        counts = next_counts(counts, observed, load.bounds, load.replicas)
    for live, pods in ((view.new, counts.new), (view.old, counts.old)):
        more = pods - live.desired if live else 0
        if live and more and (more < 0 or is_beside or _has_room(load, view, more)):
            yield Scale(namespace=load.namespace, name=live.name, uid=live.uid, from_pods=live.desired, to_pods=pods)


def _has_room(load: Workload, view: WorkloadView, more: int) -> bool:
    """Whether so many pods more stay within the surge, counting those that were given up but still exist."""
    sets = [live for live in (view.new, view.old) if live]
    existing = sum(max(live.desired, live.total) for live in sets)
    return existing + more <= load.replicas + load.bounds.max_surge or not any(map(_has_surplus, sets))


def _has_surplus(live: ReplicaSetView) -> bool:
    return live.total > live.desired


def _is_there(load: Workload, view: WorkloadView, aim: Aim) -> bool:
    observed = _observed(view)
    if not is_reached(aim.counts(load, observed), observed, needs_old=aim.needs_old):
        return False
    return all(_is_calm(live) for live in (view.new, view.old) if live)


def _is_calm(live: ReplicaSetView) -> bool:
    """Whether reported counts are current and no pod beyond the wanted ones is left."""
    return live.is_settled and live.total <= live.desired


def _missing(load: Workload, view: WorkloadView, aim: Aim) -> Iterator[str]:
    wanted = aim.counts(load, _observed(view))
    for word, live, pods in (("new", view.new, wanted.new), ("old", view.old, wanted.old)):
        if live is None:
            if pods:
                yield f"{load.name}: the ReplicaSet of the {word} version does not exist"
        elif live.failure:
            yield f"{load.name}: pods of the {word} version cannot be created: {live.failure}"
        elif live.available < pods:
            yield f"{load.name}: {live.available} of {pods} pods of the {word} version available"
        elif not _is_calm(live):
            yield f"{load.name}: {max(live.total - live.desired, 0)} surplus pods of the {word} version to go"
    if view.problems:
        yield str(view.problems[0])


def _hold(run: TargetRun, seen: Observation, here: Circumstances, aim: Aim) -> Hold:
    limit_at = _limit(run, here)
    rolls_back = run.end_reason is not None
    what = describe_wait(run, seen, aim)
    wait = Wait(
        what=what,
        since=run.wait.since if run.wait else here.now,
        ended_by="the cluster, as pods become available",
        limit_at=limit_at,
        at_limit="the rollback is given up" if rolls_back else "the target is rolled back",
    )
    is_refused = not rolls_back and any(_refuses_pods(_view(seen, load)) for load in run.workloads)
    refused_since = (run.refused_since or here.now) if is_refused else None
    held = replace(run, wait=wait, intent="", ready_limit_at=limit_at, refused_since=refused_since)
    is_news = run.wait is None or run.wait.what != what
    notes = (Note(kind=EventKind.PROGRESS, message=what),) if is_news else ()
    confirmed_at = refused_since + REFUSAL_CONFIRMED if refused_since else None
    return Hold(run=held, wake_at=earliest(limit_at, here.now + RESYNC, confirmed_at), notes=notes)


def _refuses_pods(view: WorkloadView) -> bool:
    """Whether pods of the new version are refused although no other pod is about to make room for them."""
    return bool(view.new and view.new.failure) and not view.is_making_room


def _limit(run: TargetRun, here: Circumstances) -> datetime:
    """When pods must be ready; every scaling that is made starts it anew."""
    return run.ready_limit_at or here.now + timedelta(seconds=here.readiness_timeout_s)


def _follow_others(run: TargetRun, seen: Observation) -> Become | None:
    """The run with another number of pods, where somebody else has changed it; the weight stays as it is."""
    notes = []
    for load in run.workloads:
        resized = _resized(load, _view(seen, load), is_going_back=run.end_reason is not None)
        if resized is not load and resized.replicas != load.replicas:
            message = f"{load.name}: somebody else changed its pods, from {load.replicas} to {resized.replicas}"
            notes.append(Note(kind=EventKind.WARNING, message=f"{message}; both versions follow"))
        run = run.with_workload(resized)
    return Become(run=run, notes=tuple(notes)) if notes else None


def _resized(load: Workload, view: WorkloadView, *, is_going_back: bool) -> Workload:
    """The workload with as many pods more or fewer as somebody else has asked for since we last looked.

    On the way back only the old version counts: the other one goes, whatever its size.
    """
    if view.new is None or view.old is None:
        return load
    new_wanted = load.new_pods if load.new_wanted is None else load.new_wanted
    old_wanted = load.old_pods if load.old_wanted is None else load.old_wanted
    is_news = not is_going_back and view.new.desired not in (load.new_pods, new_wanted)
    new_more = view.new.desired - new_wanted if is_news else 0
    old_more = 0 if view.old.desired in (load.old_pods, old_wanted) else view.old.desired - old_wanted
    is_untouched = load.new_wanted is None and load.old_wanted is None
    if not new_more + old_more or (is_untouched and not load.is_autoscaled):
        return load
    replicas = max(load.replicas + new_more + old_more, 0)
    return replace(
        load,
        replicas=replicas,
        bounds=Bounds.of(replicas, load.max_surge, load.max_unavailable),
        old_replicas=max(load.old_replicas + new_more + old_more, 0),
        new_pods=view.new.desired,
        old_pods=view.old.desired,
        new_wanted=view.new.desired,
        old_wanted=view.old.desired,
    )


def _as_asked(load: Workload, scale: Scale) -> Workload:
    """The workload with the scaling in it that is about to be asked for."""
    if scale.name == load.new_name:
        return replace(load, new_wanted=scale.to_pods, old_wanted=load.old_pods)
    return replace(load, new_wanted=load.new_pods, old_wanted=scale.to_pods)


def earliest(*moments: datetime | None) -> datetime | None:
    """The first of the moments that are set."""
    return min((moment for moment in moments if moment is not None), default=None)


def with_counts(run: TargetRun, seen: Observation, weight_percent: int) -> TargetRun:
    """The run with the pods that were seen, and the weight asked for."""
    for load in run.workloads:
        observed = _observed(_view(seen, load))
        run = run.with_workload(
            replace(
                load,
                new_pods=observed.new_spec,
                old_pods=observed.old_spec,
                new_available=observed.new_available,
                old_available=observed.old_available,
                asked_weight_percent=weight_percent,
            )
        )
    return run
