"""Tables and laws of the pod arithmetic."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from borealis_server.domain.planning.pod_ratio import Bounds, Counts, Observed, goal, is_reached, next_counts

FENCE_POSTS = [("25%", 0), (0, 0), (1, 0), (0, 1), ("25%", "25%"), ("100%", 0), (3, 2), (0, "100%")]

simulated = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
a_weight = st.integers(0, 100)
a_size = st.integers(0, 40)
fence_posts = st.sampled_from(FENCE_POSTS)


def counts(new: int, old: int) -> Counts:
    return Counts(new=new, old=old)


def all_ready(new: int, old: int) -> Observed:
    return Observed(new_spec=new, new_available=new, old_spec=old, old_available=old)


# --- bounds ---


@pytest.mark.parametrize(
    ("replicas", "max_surge", "max_unavailable", "surge", "unavailable"),
    [
        pytest.param(10, "25%", "25%", 3, 2, id="surge-rounds-up-unavailable-down"),
        pytest.param(10, 2, "1", 2, 1, id="whole-pods"),
        pytest.param(10, "0%", "0%", 0, 1, id="both-zero-means-one-unavailable"),
        pytest.param(3, 0, "33%", 0, 1, id="both-round-to-zero-means-one-unavailable"),
        pytest.param(2, 1, 5, 1, 2, id="never-more-unavailable-than-pods"),
        pytest.param(0, "25%", 0, 0, 0, id="no-pods"),
        pytest.param(0, 1, 1, 1, 0, id="no-pods-cannot-be-unavailable"),
        pytest.param(4, "150%", "100%", 6, 4, id="more-than-all"),
    ],
)
def test_bounds_are_whole_pods(replicas, max_surge, max_unavailable, surge, unavailable):
    bounds = Bounds.of(replicas, max_surge, max_unavailable)

    assert bounds == Bounds(max_surge=surge, max_unavailable=unavailable)


def test_bounds_default_to_a_quarter_more_and_none_less():
    assert Bounds.of(4) == Bounds(max_surge=1, max_unavailable=0)


@pytest.mark.parametrize("value", [-1, "-1", "", "%", "2.5%", "a lot", "25 %", "\u0664"])
def test_bounds_refuse_what_is_neither_pods_nor_a_share(value):
    with pytest.raises(ValueError, match="expected pods like 2 or a share"):
        Bounds.of(4, value)


# --- goal ---


@pytest.mark.parametrize(
    ("replicas", "weight", "max_surge", "new", "old"),
    [
        pytest.param(4, 25, 1, 1, 3, id="the-documented-quarter"),
        pytest.param(4, 100, 1, 4, 0, id="all"),
        pytest.param(4, 0, 1, 0, 4, id="nothing"),
        pytest.param(10, 10, 0, 1, 9, id="exact"),
        pytest.param(10, 5, 0, 1, 9, id="asked-5-got-10"),
        pytest.param(10, 99, 0, 9, 1, id="the-old-side-keeps-one"),
        pytest.param(10, 25, 0, 3, 7, id="a-tie-gives-the-new-version-more"),
        pytest.param(3, 50, 1, 2, 2, id="one-pod-more-is-closer"),
        pytest.param(2, 75, 0, 1, 1, id="a-tie-just-below-all-pods-without-surge"),
        pytest.param(1, 49, 0, 0, 1, id="single-pod-without-surge-below-half"),
        pytest.param(1, 50, 0, 1, 0, id="single-pod-without-surge-from-half"),
        pytest.param(1, 1, 1, 1, 1, id="single-pod-with-surge-is-one-and-one"),
        pytest.param(1, 99, 1, 1, 1, id="single-pod-with-surge-is-always-one-and-one"),
        pytest.param(0, 50, 1, 0, 0, id="zero-replicas"),
        pytest.param(0, 100, 0, 0, 0, id="zero-replicas-at-full-weight"),
    ],
)
def test_goal_is_the_closest_split(replicas, weight, max_surge, new, old):
    assert goal(replicas, weight, max_surge) == counts(new, old)


@given(replicas=st.integers(0, 300), weight=a_weight, max_surge=st.integers(0, 3))
def test_goal_uses_all_pods_or_one_more_where_surge_permits(replicas, weight, max_surge):
    wanted = goal(replicas, weight, max_surge)

    extra = wanted.new + wanted.old - replicas
    assert extra in ({0, 1} if max_surge and replicas else {0})


@given(replicas=st.integers(2, 300), weight=st.integers(1, 99), max_surge=st.integers(0, 3))
def test_goal_never_empties_a_side_between_0_and_100(replicas, weight, max_surge):
    """Hard case 9."""
    wanted = goal(replicas, weight, max_surge)

    assert wanted.new >= 1
    assert wanted.old >= 1


@given(replicas=st.integers(1, 300), weight=a_weight, max_surge=st.integers(0, 3))
def test_goal_is_never_worse_than_any_split_of_all_pods(replicas, weight, max_surge):
    wanted = goal(replicas, weight, max_surge)

    error = abs(Fraction(wanted.new, wanted.new + wanted.old) - Fraction(weight, 100))
    splits = range(1, replicas) if 0 < weight < 100 and replicas > 1 else range(replicas + 1)
    is_forced = replicas == 1 and max_surge > 0 and 0 < weight < 100
    assert is_forced or all(error <= abs(Fraction(new, replicas) - Fraction(weight, 100)) for new in splits)


@given(replicas=st.integers(1, 120), max_surge=st.integers(0, 2))
def test_goal_rises_with_the_weight(replicas, max_surge):
    goals = [goal(replicas, weight, max_surge) for weight in range(101)]

    shares = [Fraction(wanted.new, wanted.new + wanted.old) for wanted in goals]
    assert shares == sorted(shares)
    assert [wanted.new for wanted in goals] == sorted(wanted.new for wanted in goals)


# --- steps: the cases of the study ---


def test_bounds_that_round_to_zero_still_let_a_pod_go():
    """Hard case 8."""
    bounds = Bounds.of(10, "0%", "0%")

    assert next_counts(goal(10, 10, bounds.max_surge), all_ready(0, 10), bounds, 10) == counts(0, 9)


def test_a_broken_old_version_does_not_stop_a_good_new_one():
    observed = Observed(new_spec=1, new_available=1, old_spec=4, old_available=1)

    assert next_counts(counts(4, 0), observed, Bounds(max_surge=1, max_unavailable=0), 4) == counts(1, 3)


def test_a_broken_new_version_never_takes_an_old_pod():
    observed = Observed(new_spec=1, new_available=0, old_spec=4, old_available=4)

    assert next_counts(counts(1, 3), observed, Bounds(max_surge=1, max_unavailable=0), 4) == counts(1, 4)


@pytest.mark.parametrize("weight", [0, 1, 50, 100])
def test_no_replicas_are_reached_at_once(weight):
    bounds = Bounds.of(0)
    wanted = goal(0, weight, bounds.max_surge)

    assert wanted == counts(0, 0)
    assert next_counts(wanted, all_ready(0, 0), bounds, 0) == counts(0, 0)
    assert is_reached(wanted, all_ready(0, 0))


def test_all_pods_go_at_once_when_none_are_wanted():
    assert next_counts(counts(0, 0), all_ready(2, 3), Bounds.of(0), 0) == counts(0, 0)


def test_a_new_wanted_number_keeps_the_share():
    """A quarter of 1, then of 8, then of 4 pods, as an autoscaler may ask."""
    seen = []
    state = counts(1, 1)
    for replicas in (8, 4):
        bounds = Bounds.of(replicas)
        wanted = goal(replicas, 25, bounds.max_surge)
        while not is_reached(wanted, all_ready(state.new, state.old)):
            state = next_counts(wanted, all_ready(state.new, state.old), bounds, replicas)
        seen.append(state)

    assert seen == [counts(2, 6), counts(1, 3)]


def test_nothing_is_drained_while_pods_of_other_versions_are_left():
    observed = dataclasses.replace(all_ready(1, 3), other_spec=1, other_available=1)

    assert next_counts(counts(4, 0), observed, Bounds(max_surge=2, max_unavailable=0), 4) == counts(2, 3)


def test_the_old_version_grows_before_the_new_one():
    observed = Observed(new_spec=0, new_available=0, old_spec=0, old_available=0)

    assert next_counts(counts(2, 3), observed, Bounds(max_surge=0, max_unavailable=4), 4) == counts(1, 3)


def test_a_fallen_wanted_number_brings_the_kept_side_within_the_limit_too():
    assert next_counts(counts(1, 3), all_ready(2, 6), Bounds.of(4), 4) == counts(1, 4)


def test_a_fallen_wanted_number_keeps_available_pods_of_the_kept_side():
    observed = Observed(new_spec=6, new_available=0, old_spec=6, old_available=4)

    after = next_counts(counts(1, 3), observed, Bounds(max_surge=1, max_unavailable=0), 4)

    assert after.old >= 4
    assert after.new + after.old <= 5


# --- reached ---


@pytest.mark.parametrize(
    ("change", "needs_old", "is_met"),
    [
        pytest.param({}, False, True, id="as-asked"),
        pytest.param({"new_spec": 0}, False, False, id="new-count-differs"),
        pytest.param({"old_spec": 4}, False, False, id="old-count-differs"),
        pytest.param({"new_available": 0}, False, False, id="new-not-available"),
        pytest.param({"old_available": 2}, False, True, id="old-may-be-broken-on-the-way-up"),
        pytest.param({"old_available": 2}, True, False, id="old-must-be-available-on-the-way-back"),
        pytest.param({}, True, True, id="as-asked-on-the-way-back"),
        pytest.param({"other_spec": 1}, False, False, id="other-pods-asked-for"),
        pytest.param({"other_available": 1}, False, False, id="other-pods-still-serving"),
    ],
)
def test_goal_is_reached_when_counts_and_pods_are_there(change, needs_old, is_met):
    assert is_reached(counts(1, 3), dataclasses.replace(all_ready(1, 3), **change), needs_old=needs_old) is is_met


# --- laws, by simulation ---


@simulated
@given(replicas=a_size, posts=fence_posts, weights=st.lists(a_weight, min_size=1, max_size=4))
def test_converges_within_twice_the_pods_and_four_steps(cluster_of, replicas, posts, weights):
    cluster = cluster_of(replicas, Bounds.of(replicas, *posts))
    for weight in weights:
        wanted = goal(replicas, weight, cluster.bounds.max_surge)
        steps = 0
        while not is_reached(wanted, cluster.observed, needs_old=True):
            cluster.step(wanted)
            cluster.assert_within_bounds()
            cluster.become_ready(replicas, replicas)
            steps += 1
            assert steps <= 2 * replicas + 4


@simulated
@given(replicas=a_size, posts=fence_posts, weight=a_weight, data=st.data())
def test_slow_pods_never_break_the_bounds_and_the_goal_is_reached(cluster_of, replicas, posts, weight, data):
    cluster = cluster_of(replicas, Bounds.of(replicas, *posts))
    wanted = goal(replicas, weight, cluster.bounds.max_surge)
    for _ in range(30):
        cluster.step(wanted)
        cluster.assert_within_bounds()
        cluster.become_ready(data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2)))
    settle(cluster, wanted)

    assert cluster.counts == wanted


@simulated
@given(replicas=a_size, posts=fence_posts, weight=a_weight, rounds=st.integers(0, 20), data=st.data())
def test_abort_at_any_moment_gives_back_all_old_pods(cluster_of, replicas, posts, weight, rounds, data):
    cluster = cluster_of(replicas, Bounds.of(replicas, *posts))
    wanted = goal(replicas, weight, cluster.bounds.max_surge)
    for _ in range(rounds):
        cluster.step(wanted)
        cluster.become_ready(data.draw(st.integers(0, 2)), replicas)
    settle(cluster, counts(0, replicas))

    assert cluster.counts == counts(0, replicas)
    assert cluster.old_ready == replicas


@simulated
@given(replicas=a_size, posts=fence_posts, weight=a_weight, rounds=st.integers(0, 20))
def test_abort_of_a_version_that_never_gets_ready_gives_back_all_old_pods(cluster_of, replicas, posts, weight, rounds):
    cluster = cluster_of(replicas, Bounds.of(replicas, *posts))
    wanted = goal(replicas, weight, cluster.bounds.max_surge)
    for _ in range(rounds):
        cluster.step(wanted)
        cluster.assert_within_bounds()
    while not is_reached(counts(0, replicas), cluster.observed, needs_old=True):
        before = cluster.observed
        cluster.step(counts(0, replicas))
        cluster.become_ready(0, replicas)
        cluster.assert_within_bounds()
        assert cluster.observed != before

    assert cluster.counts == counts(0, replicas)


@simulated
@given(replicas=a_size, posts=fence_posts, weight=a_weight, data=st.data())
def test_a_restart_between_any_two_writes_is_harmless(cluster_of, replicas, posts, weight, data):
    """A server may die after one of the two writes, or before both; the next one looks again and goes on."""
    cluster = cluster_of(replicas, Bounds.of(replicas, *posts))
    wanted = goal(replicas, weight, cluster.bounds.max_surge)
    for _ in range(30):
        planned = next_counts(wanted, cluster.observed, cluster.bounds, replicas)
        fate = data.draw(st.sampled_from(["both", "only_new", "only_old", "neither"]))
        if fate != "neither":
            cluster.write(planned, only_new=fate == "only_new", only_old=fate == "only_old")
        cluster.assert_within_bounds()
        cluster.become_ready(data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3)))
    settle(cluster, wanted)

    assert cluster.counts == wanted


@given(
    replicas=a_size,
    posts=fence_posts,
    weight=a_weight,
    specs=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    ready=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    other=st.integers(0, 3),
)
def test_any_observation_gives_counts_that_do_not_make_it_worse(replicas, posts, weight, specs, ready, other):
    bounds = Bounds.of(replicas, *posts)
    new, old = specs
    new_ready, old_ready = min(ready[0], new), min(ready[1], old)
    observed = Observed(
        new_spec=new,
        new_available=new_ready,
        old_spec=old,
        old_available=old_ready,
        other_spec=other,
        other_available=0,
    )

    after = next_counts(goal(replicas, weight, bounds.max_surge), observed, bounds, replicas)

    floor = replicas - bounds.max_unavailable
    assert after.new >= 0
    assert after.old >= 0
    assert after.new + after.old + other <= max(replicas + bounds.max_surge, new + old + other)
    assert min(after.new, new_ready) + min(after.old, old_ready) >= min(floor, new_ready + old_ready)


def settle(cluster, wanted: Counts) -> None:
    """Steps with pods that become ready at once, until nothing is left to do."""
    for _ in range(2 * cluster.replicas + 5):
        cluster.become_ready(cluster.replicas * 2, cluster.replicas * 2)
        if is_reached(wanted, cluster.observed, needs_old=True):
            return
        cluster.step(wanted)
        cluster.assert_within_bounds()
    raise AssertionError(f"not reached: {cluster}")
