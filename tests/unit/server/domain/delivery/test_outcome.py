"""What a target becomes for every way in which a change of its cluster can come out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from borealis_server.domain import outcome, rollback
from borealis_server.domain.autoscaler import Autoscaler
from borealis_server.domain.decide import NOTHING_SEEN, decide
from borealis_server.domain.decision import Become, Hold
from borealis_server.domain.deployment import SavedObject, Workload
from borealis_server.domain.effects import (
    AgentAway,
    ApplyObject,
    Busy,
    CreateReplicaSet,
    DeleteReplicaSet,
    Done,
    KeepDeployment,
    MarkLive,
    OrphanDeployment,
    Outdated,
    PlaceAutoscaler,
    Prepare,
    Prepared,
    Refused,
    RemoveAutoscaler,
    RestoreAutoscaler,
    RestoreDeployment,
    RestoreObject,
    RestoreReplicaSet,
    Scale,
)
from borealis_server.domain.planning.pod_ratio import Bounds
from borealis_server.domain.states import EndReason, EventKind, Phase, Rollback, TargetState
from kit.delivery import START, Drive, ModelCluster, a_deployment, a_target, set_weight

LOAD = Workload(
    name="shop",
    namespace="shop",
    replicas=4,
    bounds=Bounds(max_surge=1, max_unavailable=0),
    new_name="shop-new",
    old_name="shop-old",
    old_replicas=4,
)
SCALE = Scale(namespace="shop", name="shop-new", uid="u", from_pods=0, to_pods=1)
CREATE = CreateReplicaSet(namespace="shop", workload="shop", name="shop-new")
DELETE = DeleteReplicaSet(namespace="shop", name="shop-new")
SAVED = SavedObject(api_version="v1", kind="ConfigMap", name="settings", before="{}")
SCALER = Autoscaler(namespace="n", name="h", workload="shop")
NO = Refused(reason=EndReason.APPLY_ERROR, message="the cluster said no")

HERE = Drive(recorded=a_deployment(), cluster=ModelCluster.running(1)).here


def a_run(phase, state=TargetState.RUNNING, **fields):
    is_going_back = state is TargetState.ROLLING_BACK
    run = replace(a_target("prod", set_weight(50)), state=state, phase=phase, workloads=(LOAD,), intent="x")
    if is_going_back:
        run = replace(run, end_reason=EndReason.USER_CANCELLED, rollback=Rollback.RUNNING)
    return replace(run, **fields)


def going_back(phase, **fields):
    return a_run(phase, TargetState.ROLLING_BACK, message="cancelled by ana", **fields)


def test_what_was_found_is_kept_and_every_warning_is_told():
    found = Prepared(workloads=(LOAD,), saved=(SAVED,), warnings=("removes web-b",))

    after = outcome.absorb(a_run(Phase.PREPARING, workloads=(), warnings=("old",)), Prepare(), found, HERE)

    assert (after.run.phase, after.run.workloads, after.run.saved) == (Phase.APPLYING, (LOAD,), (SAVED,))
    assert after.run.warnings == ("old", "removes web-b")
    assert [(note.kind, note.message) for note in after.notes] == [(EventKind.WARNING, "removes web-b")]


@pytest.mark.parametrize(
    ("run", "effect", "cursor"),
    [
        pytest.param(a_run(Phase.APPLYING, cursor=1), CREATE, 2, id="applying"),
        pytest.param(a_run(Phase.FINISHING), MarkLive(namespace="shop", name="shop-new"), 1, id="finishing"),
        pytest.param(going_back(Phase.REMOVING_NEW), DELETE, 1, id="removing"),
        pytest.param(going_back(Phase.RESTORING_OBJECTS, cursor=2), RestoreObject(saved=SAVED), 3, id="restoring"),
        pytest.param(a_run(Phase.STEPPING), SCALE, 0, id="scaling-has-no-order"),
        pytest.param(going_back(Phase.RESTORING_PODS), SCALE, 0, id="nor-on-the-way-back"),
    ],
)
def test_a_change_that_is_done_is_told_and_the_next_one_has_its_turn(run, effect, cursor):
    after = outcome.absorb(run, effect, Done(), HERE)

    assert (after.run.cursor, after.run.intent, after.run.wait) == (cursor, "", None)
    assert [(note.kind, note.message) for note in after.notes] == [(EventKind.EFFECT_DONE, str(effect))]


def test_a_view_that_was_outdated_only_means_to_look_again():
    run = a_run(Phase.STEPPING, ready_limit_at=START)

    assert outcome.absorb(run, SCALE, Outdated(), HERE) == Become(run=replace(run, intent=""))


@pytest.mark.parametrize(
    ("run", "effect", "end"),
    [
        pytest.param(
            a_run(Phase.PREPARING), Prepare(), (Phase.ENDED, TargetState.FAILED, Rollback.NONE), id="nothing-touched"
        ),
        pytest.param(
            a_run(Phase.APPLYING),
            CREATE,
            (Phase.RESTORING_TRAFFIC, TargetState.ROLLING_BACK, Rollback.RUNNING),
            id="on-the-way-up",
        ),
        pytest.param(
            a_run(Phase.FINISHING), DELETE, (Phase.ENDED, TargetState.FAILED, Rollback.NONE), id="no-way-back"
        ),
        pytest.param(
            going_back(Phase.RESTORING_PODS),
            SCALE,
            (Phase.RESTORING_OBJECTS, TargetState.ROLLING_BACK, Rollback.FAILED),
            id="goes-on-without-pods",
        ),
        pytest.param(
            going_back(Phase.RESTORING_SETTINGS),
            RestoreObject(saved=SAVED),
            (Phase.RESTORING_SETTINGS, TargetState.ROLLING_BACK, Rollback.FAILED),
            id="and-with-settings",
        ),
        pytest.param(
            going_back(Phase.REMOVING_NEW),
            DELETE,
            (Phase.REMOVING_NEW, TargetState.ROLLING_BACK, Rollback.FAILED),
            id="goes-on-with-the-rest",
        ),
        pytest.param(
            going_back(Phase.RESTORING_OBJECTS),
            RestoreObject(saved=SAVED),
            (Phase.RESTORING_OBJECTS, TargetState.ROLLING_BACK, Rollback.FAILED),
            id="as-do-objects",
        ),
    ],
)
def test_a_refusal_ends_each_phase_in_its_own_way_and_in_the_clusters_words(run, effect, end):
    after = outcome.absorb(run, effect, NO, HERE)

    assert (after.run.phase, after.run.state, after.run.rollback) == end
    assert after.run.intent == ""
    assert "the cluster said no" in after.run.message
    assert any("the cluster said no" in note.message for note in after.notes)


def test_an_object_that_cannot_be_restored_does_not_keep_the_others_from_it():
    after = outcome.absorb(going_back(Phase.RESTORING_OBJECTS, cursor=1), RestoreObject(saved=SAVED), NO, HERE)

    assert after.run.cursor == 2
    assert [note.kind for note in after.notes] == [EventKind.WARNING]


def test_an_agent_lost_on_the_way_leaves_the_change_undecided():
    after = outcome.absorb(a_run(Phase.APPLYING), CREATE, AgentAway(detail="its tunnel was lost"), HERE)

    assert isinstance(after, Hold)
    assert (after.run.phase, after.run.cursor, after.run.intent) == (Phase.APPLYING, 0, "")
    assert after.run.agent_lost_at == HERE.now
    assert after.run.wait.what == "agent cluster: its tunnel was lost"


@pytest.mark.parametrize(
    ("run", "at_limit"),
    [
        (a_run(Phase.APPLYING), "the target is rolled back"),
        (going_back(Phase.RESTORING_OBJECTS), "the rollback is given up"),
    ],
    ids=["up", "back"],
)
def test_a_busy_cluster_is_waited_for_by_name(run, at_limit):
    after = outcome.absorb(run, CREATE, Busy(detail="503 starting"), HERE)

    assert isinstance(after, Hold)
    assert after.run.wait.what == "the cluster, to create ReplicaSet shop-new: 503 starting"
    assert (after.run.wait.ended_by, after.run.wait.at_limit) == ("the cluster", at_limit)


def test_the_end_of_a_rollback_that_was_only_partly_possible_says_so():
    run = replace(going_back(Phase.RESTORING_OBJECTS), rollback=Rollback.FAILED)

    after = decide(run, NOTHING_SEEN, HERE)

    assert (after.run.phase, after.run.rollback) == (Phase.ENDED, Rollback.FAILED)


@pytest.mark.parametrize("phase", [Phase.WAITING, Phase.ENDED])
def test_a_target_that_waits_for_others_or_has_ended_has_nothing_to_decide(phase):
    run = replace(a_target(), phase=phase)

    assert decide(run, NOTHING_SEEN, HERE) == Hold(run=run)


@pytest.mark.parametrize(
    ("effect", "text"),
    [
        (Prepare(), "read what is live"),
        (ApplyObject(index=0, label="Service shop"), "apply Service shop"),
        (OrphanDeployment(namespace="n", name="shop", uid="u"), "take over Deployment shop, its pods keep running"),
        (CREATE, "create ReplicaSet shop-new"),
        (SCALE, "scale shop-new from 0 to 1"),
        (MarkLive(namespace="n", name="shop-new"), "mark shop-new as live"),
        (DELETE, "delete ReplicaSet shop-new"),
        (RestoreObject(saved=SAVED), "restore ConfigMap settings"),
        (RestoreObject(saved=replace(SAVED, before="")), "delete ConfigMap settings"),
        (RestoreDeployment(namespace="n", name="shop", document="{}"), "restore Deployment shop"),
        (RemoveAutoscaler(autoscaler=SCALER), "remove HorizontalPodAutoscaler h for the time of the run"),
        (PlaceAutoscaler(autoscaler=SCALER, replica_set="shop-new"), "let HorizontalPodAutoscaler h scale shop-new"),
        (RestoreAutoscaler(autoscaler=SCALER), "restore HorizontalPodAutoscaler h"),
        (KeepDeployment(namespace="n", name="shop", replica_set="shop-new"), "hand shop-new to Deployment shop"),
        (
            RestoreReplicaSet(namespace="n", name="shop-old", document="{}"),
            "create ReplicaSet shop-old again, which somebody else has deleted",
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_every_change_has_words_for_people(effect, text):
    assert str(effect) == text


def test_every_change_has_a_limit_of_its_own_whatever_was_waited_for_before():
    late = a_run(Phase.STEPPING, ready_limit_at=START + timedelta(seconds=1))
    busy = Busy(detail="429", retry_after_s=9)

    held = outcome.absorb(late, SCALE, busy, HERE)
    at_limit = outcome.absorb(replace(held.run, effect_limit_at=START), SCALE, busy, HERE)
    done = outcome.absorb(held.run, SCALE, Done(), HERE)

    assert isinstance(held, Hold)
    assert held.run.wait.limit_at == held.run.effect_limit_at == START + timedelta(seconds=600)
    assert held.wake_at == START + timedelta(seconds=9)
    assert at_limit.run.state is TargetState.ROLLING_BACK
    assert done.run.effect_limit_at is None


def test_a_cluster_that_asks_for_a_very_long_pause_is_asked_again_before():
    held = outcome.absorb(a_run(Phase.STEPPING), SCALE, Busy(detail="429", retry_after_s=3600), HERE)

    assert held.wake_at == START + outcome.LONGEST_RETRY


def test_a_rollback_that_cannot_be_completed_says_which_autoscaler_is_away():
    scaler = replace(SCALER, before="{}")
    run = going_back(Phase.RESTORING_PODS, autoscalers=(scaler,), has_taken_over=True)

    ended = rollback.give_up(run, "the agent is gone", HERE)

    assert "apply HorizontalPodAutoscaler h again" in ended.run.message


def test_settings_go_back_before_the_pods_and_only_once():
    changed = replace(SAVED, name="changed")
    created = SavedObject(api_version="v1", kind="ConfigMap", name="created")
    service = SavedObject(api_version="v1", kind="Service", name="s", before="{}")
    run = going_back(Phase.RESTORING_SETTINGS, saved=(changed, created, service), has_taken_over=True)
    settings = decide(run, NOTHING_SEEN, HERE)
    pods = decide(replace(run, cursor=1), NOTHING_SEEN, HERE)
    rest = [
        decide(replace(run, phase=Phase.RESTORING_OBJECTS, cursor=number), NOTHING_SEEN, HERE) for number in range(2)
    ]

    assert str(settings.effect) == "restore ConfigMap changed"
    assert pods.run.phase is Phase.RESTORING_PODS
    assert [str(decision.effect) for decision in rest] == ["restore Service s", "delete ConfigMap created"]


def test_at_the_end_of_the_way_back_deployments_and_autoscalers_own_their_pods_again():
    load = replace(LOAD, native="{}")
    scaler = replace(SCALER, before="{}", index=0)
    run = going_back(
        Phase.RESTORING_OBJECTS, workloads=(load,), autoscalers=(scaler,), saved=(SAVED,), has_taken_over=True
    )

    effects = [decide(replace(run, cursor=number), NOTHING_SEEN, HERE).effect for number in range(2)]

    assert effects == [
        RestoreDeployment(namespace="shop", name="shop", document="{}", replica_set="shop-old"),
        RestoreAutoscaler(autoscaler=scaler),
    ]
