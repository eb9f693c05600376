"""What must hold at every moment; the numbers are those of the verification page.

Each check returns, or raises `Violated` with the number and a sentence.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from borealis_server.domain import persons
from borealis_server.domain.effects import Prepare
from borealis_server.domain.states import Phase, Rollback, StepState, TargetState
from kit.checker import traffic
from kit.checker.moment import ARRIVED_LATE, DELETED, EDITED, INTENDED, PODS_FAILED, SCALED_OUTSIDE, STRANGER, Violated
from kit.checker.records import NOW

if TYPE_CHECKING:
    from borealis_server.domain.decision import Hold
    from borealis_server.domain.deployment import Deployment, TargetRun
    from borealis_server.domain.deployment import Workload as RunWorkload
    from kit.checker.cluster import Cluster, Workload
    from kit.checker.moment import Drive, State
    from kit.checker.scenarios import TargetPlan
    from kit.checker.world import World

ABORTS = (persons.ROLL_BACK, persons.CANCEL)
_ROUND = (TargetState.ROLLING_BACK, TargetState.FAILED, TargetState.CANCELLED)

_WAY_BACK = (Phase.RESTORING_TRAFFIC, Phase.RESTORING_PODS, Phase.REMOVING_NEW, Phase.RESTORING_OBJECTS)


def check_state(world: World, state: State) -> None:
    """The invariants of a moment: bounds, and that final means finished."""
    record = world.record(state)
    for target, run in enumerate(record.targets):
        key = ("checked", target, state.clusters[target], state.deployment, state.excuses, _busy(world, state, target))
        if key in world.memo:
            continue
        live = world.clusters[state.clusters[target]]
        _check_bounds(world, target, run, live, state.excuses)
        wanted = {load.name: load.pods for load in world.scenario.targets[target].workloads}
        traffic.check_endpoints(run, wanted, live, state.excuses)
        if run.phase is Phase.ENDED:
            if _busy(world, state, target):
                raise Violated(f"6 final means finished: {run.name} has ended, but a change in its cluster goes on")
            _check_end(world, target, run, live, state.excuses, f"run{state.number}")
        world.memo[key] = True


def _busy(world: World, state: State, target: int) -> bool:
    drive = state.drives[target]
    return drive is not None and drive.stage == INTENDED and not isinstance(world.effects[drive.what], Prepare)


def _check_bounds(world: World, target: int, run: TargetRun, live: Cluster, excuses: int) -> None:
    plans = {load.name: load for load in world.scenario.targets[target].workloads}
    is_given_up = run.rollback is Rollback.FAILED
    for load in run.workloads:
        wanted = max(plans[load.name].pods, load.old_replicas)
        floor = min(plans[load.name].pods, load.old_replicas) - load.bounds.max_unavailable if load.old_name else 0
        sets = [each for each in live.sets if each.workload == load.name]
        if run.service_pairs:
            wanted = plans[load.name].pods + load.old_replicas  # both versions at full size
        asked = sum(max(each.desired, each.pods) for each in sets)
        available = sum(min(each.ready, each.desired) for each in sets)
        others_scale = is_given_up and load.native  # its Deployment came back, and pods of the new version are left
        if asked > wanted + load.bounds.max_surge and not (excuses & (SCALED_OUTSIDE | ARRIVED_LATE) or others_scale):
            raise Violated(f"2 bounds: {asked} pods asked for or there, at most {wanted} + {load.bounds.max_surge}")
        if live.scaler(load.name) and run.phase is Phase.STEPPING and not excuses & DELETED:
            raise Violated(f"2 bounds: an autoscaler scales {load.name} while pods move")
        if available < floor and not excuses:
            raise Violated(f"2 bounds: {available} pods available, at least {floor} promised")


def _check_end(world: World, target: int, run: TargetRun, live: Cluster, excuses: int, ours: str) -> None:
    if run.state is TargetState.SUCCEEDED:
        _check_success(world, target, run, live, excuses, ours)
        return
    if not run.message and run.end_reason is None:
        raise Violated(f"6 final means finished: {run.name} ended as {run.state} without saying why")
    if run.rollback is Rollback.FAILED or (run.rollback is Rollback.NONE and run.workloads):
        return  # told by name; a person goes on from there
    left = [each.name for each in live.sets if each.maker == ours] + [each for each in live.objects if each == ours]
    if left:
        raise Violated(f"6 final means finished: {run.name} was rolled back, but {left} is left")
    if run.rollback is Rollback.DONE:
        traffic.check_restored(run, live, excuses)
        for load in run.workloads:
            _check_as_before(run, load, live, excuses)


def _check_as_before(run: TargetRun, load: RunWorkload, live: Cluster, excuses: int) -> None:
    """After a complete rollback: the old version at its size, its owner, and whoever scales it."""
    old = live.find(load.old_name) if load.old_name else None
    if load.old_name and old is None and not excuses & DELETED:
        raise Violated(f"6 final means finished: {load.old_name} is gone after a complete rollback")
    if old and old.desired != load.old_replicas and not excuses & SCALED_OUTSIDE:
        raise Violated(f"6 final means finished: {old.name} has {old.desired} pods, before {load.old_replicas}")
    native, scaler = live.native(load.name), live.scaler(load.name)
    if load.native and (native is None or native.is_going):
        raise Violated(f"6 final means finished: Deployment {load.name} did not come back")
    before = _scaled_before(run, load.name)
    if (scaler.scales if scaler else None) != before and not excuses & DELETED:
        raise Violated(f"6 final means finished: the autoscaler of {load.name} is {scaler}, before {before}")


def _scaled_before(run: TargetRun, workload: str) -> tuple[str, str] | None:
    """What the workload's autoscaler scaled before the run; None when there was none."""
    for one in run.autoscalers:
        if one.workload == workload and one.before:
            target = json.loads(one.before)["spec"]["scaleTargetRef"]
            return target["kind"], target["name"]
    return None


def _check_success(world: World, target: int, run: TargetRun, live: Cluster, excuses: int, ours: str) -> None:
    for plan in world.scenario.targets[target].workloads:
        sets = [each for each in live.sets if each.workload == plan.name]
        if [(each.maker, each.is_live) for each in sets] != [(ours, True)]:
            raise Violated(f"6 final means finished: {run.name} succeeded with {[each.name for each in sets]}")
        if sets[0].desired != plan.pods and not excuses & SCALED_OUTSIDE:
            raise Violated(f"6 final means finished: {run.name} succeeded with {sets[0].desired} pods asked for")
        if sets[0].ready < plan.pods and not excuses:
            raise Violated(f"1 capacity before traffic: {run.name} succeeded with {sets[0].ready} pods available")
        traffic.check_success(run, sets[0], live, excuses)
        _check_owner(world.scenario.targets[target], plan, live, sets[0].name, excuses)
    deleted = {""} if excuses & EDITED else set()
    if not set(live.objects) <= {ours, *deleted}:
        raise Violated(f"6 final means finished: {run.name} succeeded, but something old is still there")


def _check_owner(plan: TargetPlan, load: Workload, live: Cluster, new_name: str, excuses: int) -> None:
    """Who owns and who scales the new version: a Deployment where it is kept, and an autoscaler where there is one."""
    kept, scaler = live.native(load.name), live.scaler(load.name)
    if plan.keeps != bool(kept and not kept.is_going):
        raise Violated(f"6 final means finished: {load.name} succeeded, its Deployment is {kept}")
    scaled = ("Deployment", load.name) if plan.keeps else ("ReplicaSet", new_name)
    wanted = scaled if load.is_autoscaled or plan.applies_scalers else None
    if (scaler.scales if scaler else None) != wanted and not excuses & DELETED:
        raise Violated(f"6 final means finished: {load.name} succeeded, its autoscaler is {scaler}")


def check_hold(hold: Hold) -> None:
    """Every wait has a name, a way out, and a moment at which its limit is looked at."""
    wait = hold.run.wait
    if wait is None or not wait.what or not wait.ended_by:
        raise Violated(f"5 every wait has a name: {hold.run.phase} waits for nothing that is named")
    if bool(wait.limit_at) != bool(wait.at_limit):
        raise Violated(f"5 every wait has a name: limit and what happens at it do not go together: {wait}")
    if wait.limit_at and (hold.wake_at is None or hold.wake_at > wait.limit_at):
        raise Violated(f"5 every wait has a name: nobody looks at {hold.run.phase} when its limit comes")


def check_record(before: Deployment, after: Deployment) -> None:
    """What is decided stays decided, and nobody starts before those it depends on."""
    if before.state.is_final:
        raise Violated("6 final means finished: something is written down about a deployment that has ended")
    if after.state.is_final and not all(run.state.is_final for run in after.targets):
        raise Violated("6 final means finished: the deployment is final, a target is not")
    for old, new in zip(before.targets, after.targets, strict=True):
        _check_turn(old, new)
        for step in new.steps:
            if step.until_approved and step.state is StepState.SUCCEEDED and not step.approval:
                raise Violated(f"3 abort wins: {step.ref} counts as approved, and nobody did")
        if new.phase is not Phase.WAITING and new.is_active and new.depends_on:
            lacking = [name for name in new.depends_on if after.target(name).state is not TargetState.SUCCEEDED]
            if lacking:
                raise Violated(f"7 order: {new.name} has started before {lacking}")


def _check_turn(old: TargetRun, new: TargetRun) -> None:
    if old.state.is_final and (old.state, old.phase) != (new.state, new.phase):
        raise Violated(f"6 final means finished: {old.name} was {old.state} and is {new.state}")
    if old.end_reason is not None and (new.end_reason is not old.end_reason or new.state not in _ROUND):
        raise Violated(f"3 abort wins: {old.name} was turned round by {old.end_reason}, now it is {new.state}")
    if old.phase is Phase.FINISHING and new.phase in _WAY_BACK:
        raise Violated(f"1 capacity before traffic: {old.name} turns back while its old version is being removed")


def check_wish(before: Deployment, after: Deployment, by: str) -> None:
    """An approval comes in time or not at all, and from those who may."""
    for old, new in zip(before.targets, after.targets, strict=True):
        for step, given in zip(old.steps, new.steps, strict=True):
            if not given.approval or step.approval:
                continue
            if step.limit_at and step.limit_at <= NOW:
                raise Violated(f"3 abort wins: {step.ref} was approved after its limit")
            if step.requires_roles and by == STRANGER:
                raise Violated(f"8 authority: {step.ref} was approved by somebody who has none of its roles")


def check_write(world: World, state: State, target: int, drive: Drive) -> None:
    """A change that a server made which is thought dead comes in time for whoever goes on from there."""
    run = world.record(state).targets[target]
    if drive.number != state.number or run.phase is Phase.ENDED:
        effect = world.effects[drive.what]
        raise Violated(f"4 one effective write: {effect} of a dead server took effect after {run.name} had ended")


def excuses_of(record: Deployment) -> int:
    """What the next deployment cannot be held to after this one."""
    is_complete = all(run.rollback is not Rollback.FAILED and not _was_left(run) for run in record.targets)
    return 0 if is_complete else PODS_FAILED | SCALED_OUTSIDE


def _was_left(run: TargetRun) -> bool:
    return run.state is TargetState.FAILED and run.rollback is Rollback.NONE and bool(run.workloads)
