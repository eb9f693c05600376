"""The end of a run: the new version serves alone, and everything around it is left as the next run expects it."""

from collections.abc import Iterator
from dataclasses import replace

from borealis_server.domain import rollback
from borealis_server.domain.decision import Become, Circumstances, Decision
from borealis_server.domain.deployment import TargetRun
from borealis_server.domain.effects import DeleteReplicaSet, Effect, KeepDeployment, MarkLive, PlaceAutoscaler
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.routing import steering
from borealis_server.domain.states import EventKind, Phase, StepPart, StepState
from borealis_server.domain.transitions import StepEvent, TargetEvent, move_step, move_target


def finish(run: TargetRun, _seen: Observation, here: Circumstances) -> Decision:
    """Mark the new version as live, hand it to its Deployment and autoscaler, and remove the old one."""
    effects = tuple(_finishing(run, keeps_deployment=here.keeps_deployment_object))
    return rollback.in_turn(run, effects) or _finished(run, here)


def _finishing(run: TargetRun, *, keeps_deployment: bool) -> Iterator[Effect]:
    for load in run.workloads:
        yield MarkLive(namespace=load.namespace, name=load.new_name)
    for load in run.workloads:
        if keeps_deployment:
            yield KeepDeployment(namespace=load.namespace, name=load.name, replica_set=load.new_name)
    new_names = {(load.namespace, load.name): load.new_name for load in run.workloads}
    for one in run.autoscalers:
        replica_set = "" if keeps_deployment else new_names[one.namespace, one.workload]
        yield PlaceAutoscaler(autoscaler=one, replica_set=replica_set)
    yield from steering.let_go_first(run)
    for load in run.workloads:
        for name in (load.old_name, *(load.leftovers if load.native else ())):
            if name:
                yield DeleteReplicaSet(namespace=load.namespace, name=name)
    yield from steering.let_go(run, is_back=False)


def _finished(run: TargetRun, here: Circumstances) -> Become:
    # Shutting an old version down is a step that is over only now.
    for step in [step for step in run.steps if step.state is StepState.RUNNING]:
        done = run.with_step(move_step(step, StepEvent.SUCCEEDED, here.now))
        note = Note(kind=EventKind.STEP_CHANGED, step=step.ref, message="the old version is gone")
        return Become(run=done, notes=(note,))
    if any(step.part is StepPart.AFTER for step in run.steps):
        return Become(run=replace(run, phase=Phase.AFTER, cursor=0, wait=None, intent=""))
    return succeed(run, here)


def succeed(run: TargetRun, here: Circumstances) -> Become:
    """The end of a target whose conditions all hold."""
    ended = replace(move_target(run, TargetEvent.SUCCEEDED, here.now), phase=Phase.ENDED, wait=None, intent="")
    return Become(run=ended, notes=(Note(kind=EventKind.TARGET_CHANGED, message="succeeded"),))
