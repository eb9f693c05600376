"""The delivery invariants, over a model cluster, with anything between any two steps."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from borealis_server.domain import persons
from borealis_server.domain.deployment import PersonsDecision
from borealis_server.domain.errors import BorealisError
from borealis_server.domain.states import DeploymentState, Rollback, TargetState
from kit.delivery import NEW, OLD, Drive, ModelCluster, a_deployment, a_target, approval, set_weight, timed_pause

STEPS = st.lists(
    st.one_of(
        st.integers(0, 100).map(set_weight),
        st.just(timed_pause(10)),
        st.just(approval()),
    ),
    max_size=5,
)
ACTIONS = st.lists(
    st.sampled_from(
        [
            "decide",
            "decide",
            "decide",
            "pods",
            "pods",
            "crash-intent",
            "crash-effect",
            "away",
            "back",
            "wait",
            "approve",
            "abort",
        ]
    ),
    max_size=80,
)


def start(steps, pods, surge, unavailable):
    target = a_target("prod", *steps, set_weight(100))
    return Drive(
        recorded=a_deployment(target),
        cluster=ModelCluster.running(pods, surge=surge, unavailable=unavailable),
    )


def within_bounds(drive):
    cluster = drive.cluster
    assert cluster.total <= cluster.replicas + cluster.bounds.max_surge
    assert cluster.available >= cluster.replicas - cluster.bounds.max_unavailable


def take(drive, action):
    match action:
        case "decide":
            drive.once()
        case "pods":
            drive.cluster.advance()
        case "crash-intent":
            drive.once(crash_after_intent=True)
        case "crash-effect":
            drive.once(crash_after_effect=True)
        case "away" | "back":
            drive.cluster.is_away = action == "away"
        case "wait":
            drive.later(11)
        case "approve" | "abort":
            say(drive, action)


def say(drive, action):
    kind = persons.APPROVE if action == "approve" else persons.CANCEL
    wish = PersonsDecision(kind=kind, by="ana", at=drive.now)
    try:
        drive.recorded = (persons.approve if kind == persons.APPROVE else persons.cancel)(drive.deployment, wish)
    except BorealisError:
        return


def finish(drive):
    """Everybody behaves from now on: the run must come to its end."""
    drive.cluster.is_away = False
    for _ in range(12):
        drive.until_rest()
        if drive.deployment.state is DeploymentState.AWAITING_APPROVAL:
            say(drive, "approve")
        drive.later(11)


@settings(max_examples=300)
@given(STEPS, st.integers(1, 7), st.sampled_from([0, 1, "25%", "100%"]), st.sampled_from([0, 1, "25%"]), ACTIONS)
def test_bounds_hold_at_every_instant_and_every_run_ends_clean(steps, pods, surge, unavailable, actions):
    drive = start(steps, pods, surge, unavailable)

    for action in actions:
        take(drive, action)
        within_bounds(drive)
    finish(drive)

    within_bounds(drive)
    is_cancelled = any(wish.kind == persons.CANCEL for wish in drive.deployment.decisions)
    if is_cancelled:
        assert drive.deployment.state is DeploymentState.CANCELLED
        assert drive.run.rollback is (Rollback.DONE if drive.run.workloads else Rollback.NONE)
        assert {name: each.desired for name, each in drive.cluster.sets.items()} == {OLD: pods}
    else:
        assert drive.deployment.state is DeploymentState.SUCCEEDED
        assert {name: each.desired for name, each in drive.cluster.sets.items()} == {NEW: pods}


@settings(max_examples=200)
@given(STEPS, st.integers(1, 5), ACTIONS)
def test_a_run_with_crashes_ends_as_the_undisturbed_one(steps, pods, actions):
    undisturbed, disturbed = start(steps, pods, "25%", 0), start(steps, pods, "25%", 0)
    finish(undisturbed)

    for action in actions:
        if action not in ("abort", "away"):
            take(disturbed, action)
    finish(disturbed)

    assert disturbed.deployment.state is undisturbed.deployment.state
    assert {name: each.desired for name, each in disturbed.cluster.sets.items()} == {NEW: pods}


@settings(max_examples=200)
@given(STEPS, st.integers(1, 5), ACTIONS)
def test_every_wait_has_a_name(steps, pods, actions):
    drive = start(steps, pods, "25%", 0)

    for action in actions:
        take(drive, action)
        if not drive.once() and drive.run.is_active:
            wait = drive.run.wait
            assert wait is not None
            assert wait.what
            assert wait.ended_by
            assert bool(wait.limit_at) == bool(wait.at_limit)
        assert drive.run.state is not TargetState.SUCCEEDED or list(drive.cluster.sets) == [NEW]


def test_a_stale_scaling_is_refused_and_looked_at_again():
    drive = start([], 4, "25%", 0)
    while not drive.run.ready_limit_at:
        drive.once()
    seen = drive.cluster.observe()
    drive.cluster.sets[NEW].desired = 3
    drive.cluster.observe = lambda: seen  # a view from before somebody else scaled

    drive.once()

    assert drive.cluster.sets[NEW].desired == 3
    assert replace(drive.run, revision=0).intent == ""
