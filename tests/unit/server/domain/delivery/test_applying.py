"""What is put in place before pods move, and the wait for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_server.domain import applying
from borealis_server.domain.autoscaler import Autoscaler
from borealis_server.domain.decide import decide, needs_observation
from borealis_server.domain.decision import Act, Become, Hold
from borealis_server.domain.deployment import SavedObject, Workload
from borealis_server.domain.effects import KeepDeployment, MarkLive, PlaceAutoscaler, RemoveAutoscaler
from borealis_server.domain.observation import ObjectView, Observation, PodProblem, Readiness, Watched
from borealis_server.domain.planning.pod_ratio import Bounds
from borealis_server.domain.states import EndReason, Phase, TargetState
from kit.delivery import START, Drive, ModelCluster, a_deployment, a_target, set_weight

HERE = replace(
    Drive(recorded=a_deployment(), cluster=ModelCluster.running(1)).here,
    objects=("Namespace shop", "CustomResourceDefinition w", "HorizontalPodAutoscaler h", "StatefulSet db"),
)
SAVED = (
    SavedObject(api_version="v1", kind="Namespace", name="shop", is_awaited=True),
    SavedObject(api_version="x/v1", kind="CustomResourceDefinition", name="w", is_awaited=True),
    SavedObject(api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", name="h"),
    SavedObject(api_version="apps/v1", kind="StatefulSet", name="db", namespace="shop", is_awaited=True),
)
SCALER = Autoscaler(namespace="shop", name="h", workload="shop", before="{}", index=2)
LOAD = Workload(
    name="shop", namespace="shop", replicas=1, bounds=Bounds(max_surge=1, max_unavailable=0), new_name="shop-new"
)
PENDING = Readiness.pending("1 of 2 pods ready")


def a_run(phase=Phase.APPLYING, **fields):
    run = replace(a_target("prod", set_weight(50)), state=TargetState.RUNNING, phase=phase, workloads=(LOAD,))
    return replace(run, saved=SAVED, autoscalers=(SCALER,), **fields)


def seen(*readiness):
    views = [ObjectView(label=f"StatefulSet db{number}", readiness=one) for number, one in enumerate(readiness)]
    return Observation(workloads={}, objects=tuple(views))


def test_definitions_are_in_place_before_what_they_define_and_autoscalers_are_held_back():
    first = decide(a_run(), seen(), HERE)
    after_definitions = decide(a_run(cursor=2), seen(), HERE)
    settled = decide(a_run(Phase.SETTLING, cursor=2), seen(Readiness()), HERE)
    next_one = decide(settled.run, seen(), HERE)

    assert isinstance(first, Act)
    assert first.effect.index == 0
    assert isinstance(after_definitions, Become)
    assert (after_definitions.run.phase, applying.awaited(after_definitions.run)) == (Phase.SETTLING, SAVED[:2])
    assert needs_observation(after_definitions.run)
    assert (settled.run.phase, settled.run.settled) == (Phase.APPLYING, 2)
    assert isinstance(next_one, Act)
    assert (next_one.effect.index, str(next_one.effect)) == (3, "apply StatefulSet db")


def test_after_the_last_object_pods_are_taken_over_once_it_is_ready():
    last = decide(a_run(cursor=4, settled=2), seen(), HERE)
    ready = decide(last.run, seen(Readiness()), HERE)

    assert last.run.phase is Phase.SETTLING
    assert (ready.run.phase, ready.run.has_taken_over, ready.run.cursor) == (Phase.TAKING_OVER, True, 0)
    assert isinstance(decide(ready.run, seen(), HERE).effect, RemoveAutoscaler)


def test_what_needs_no_wait_costs_none():
    nothing = tuple(replace(saved, is_awaited=False) for saved in SAVED)

    after = decide(replace(a_run(cursor=4, settled=2), saved=nothing), seen(), HERE)

    assert after.run.phase is Phase.TAKING_OVER


def test_the_wait_names_the_objects_and_the_first_failing_pod_and_is_told_once():
    run = a_run(Phase.SETTLING, cursor=4, settled=2, ready_limit_at=START + timedelta(seconds=600))
    view = ObjectView(label="StatefulSet db", readiness=PENDING, problem=PodProblem(pod="db-1", reason="Unschedulable"))

    held = decide(run, Observation(workloads={}, objects=(view,)), HERE)
    again = decide(held.run, Observation(workloads={}, objects=(view,)), HERE)

    assert isinstance(held, Hold)
    assert held.run.wait.what == "StatefulSet db: 1 of 2 pods ready; pod db-1: Unschedulable"
    assert (held.run.wait.limit_at, held.wake_at) == (run.ready_limit_at, START + timedelta(seconds=5))
    assert [note.message for note in held.notes] == [f"waits for {held.run.wait.what}"]
    assert again.notes == ()


def test_many_open_objects_are_counted_after_the_first_three():
    run = a_run(Phase.SETTLING, cursor=4, settled=2, ready_limit_at=START + timedelta(seconds=600))

    held = decide(run, seen(*[PENDING] * 5), HERE)

    assert held.run.wait.what.count("pods ready") == 3
    assert held.run.wait.what.endswith("; 2 more")


def test_at_the_limit_the_target_goes_back_and_no_pod_is_touched():
    run = a_run(Phase.SETTLING, cursor=4, settled=2, ready_limit_at=START)

    turned = decide(run, seen(PENDING), HERE)
    settings = decide(replace(turned.run, phase=Phase.RESTORING_SETTINGS), seen(), HERE)

    assert (turned.run.end_reason, turned.run.state) == (EndReason.READINESS_TIMEOUT, TargetState.ROLLING_BACK)
    assert turned.run.message == "not ready within 600 s: StatefulSet db0: 1 of 2 pods ready"
    assert settings.run.phase is Phase.RESTORING_OBJECTS


def test_what_failed_for_good_ends_the_wait_at_once():
    run = a_run(Phase.SETTLING, cursor=4, settled=2, ready_limit_at=START + timedelta(seconds=600))

    turned = decide(run, seen(PENDING, Readiness.failed("it failed")), HERE)

    assert (turned.run.end_reason, turned.run.message) == (EndReason.APPLY_ERROR, "StatefulSet db1: it failed")


def test_what_may_end_a_wait_is_watched():
    assert applying.watched(a_run(Phase.SETTLING, cursor=4, settled=2)) == {
        Watched(api_version="apps/v1", kind="StatefulSet", namespace="shop")
    }
    assert applying.watched(a_run(Phase.STEPPING)) == {
        Watched(api_version="apps/v1", kind="ReplicaSet", namespace="shop")
    }
    assert [str(Watched(api_version="v1", kind="Pod", namespace=place)) for place in ("n", "")] == ["n/Pod", "Pod"]


@pytest.mark.parametrize(
    ("keeps", "words"),
    [(False, "scale shop-new"), (True, "scale Deployment shop")],
)
def test_at_the_end_the_autoscaler_scales_whatever_owns_the_pods(keeps, words):
    here = replace(HERE, keeps_deployment_object=keeps)
    run = a_run(Phase.FINISHING)
    effects = []
    while isinstance(decision := decide(run, seen(), here), Act):
        effects.append(decision.effect)
        run = replace(run, cursor=run.cursor + 1)

    kinds = [type(effect) for effect in effects]
    assert kinds == ([MarkLive, KeepDeployment, PlaceAutoscaler] if keeps else [MarkLive, PlaceAutoscaler])
    assert str(effects[-1]) == f"let HorizontalPodAutoscaler h {words}"


def test_leftovers_autoscalers_and_native_deployments_make_way_before_the_new_version_comes():
    ended = replace(LOAD, name="api", new_name="api-new", leftovers=("api-ended",))
    native = replace(LOAD, native="{}", leftovers=("shop-older",))
    brought = replace(SCALER, before="")
    run = replace(a_run(Phase.TAKING_OVER), workloads=(ended, native), autoscalers=(brought, SCALER))
    told = []
    while isinstance(decision := decide(run, seen(), HERE), Act):
        told.append(str(decision.effect))
        run = replace(run, cursor=run.cursor + 1)

    assert told == [
        "delete ReplicaSet api-ended",
        "remove HorizontalPodAutoscaler h for the time of the run",
        "take over Deployment shop, its pods keep running",
        "create ReplicaSet api-new",
        "create ReplicaSet shop-new",
    ]
    assert decide(run, seen(), HERE).run.phase is Phase.STEPPING
    assert str(SAVED[3]) == "StatefulSet db"
