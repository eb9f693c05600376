"""Plans: their counts are the engine's, their steps are the engine's, and their JSON is what its schema promises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_deployfile.manifests import check_manifests
from borealis_deployfile.model import Canary, Pause, SetWeight
from borealis_deployfile.parse import check
from borealis_deployfile.planning.document import plan_schema, to_document
from borealis_deployfile.planning.plan import PlannedDeployment, StepKind
from borealis_deployfile.planning.planner import make_plan
from borealis_deployfile.planning.pod_ratio import Bounds, Counts, goal
from borealis_deployfile.planning.steps import plan_strategy
from borealis_server.domain.planning.canary import plan_steps
from kit.corpus import GOOD, manifest_files
from kit.json_schema import errors_of
from kit.planning import SETTING

STEPS = st.lists(
    st.one_of(
        st.integers(0, 100).map(lambda percent: SetWeight(weight_percent=percent)),
        st.integers(1, 1000).map(lambda seconds: Pause(duration_s=float(seconds))),
        st.just(Pause(until_approved=True)),
    ),
    max_size=6,
)
DEPLOYMENTS = st.builds(
    lambda replicas, surge, unavailable: (replicas, Bounds.of(replicas, surge, unavailable)),
    st.integers(0, 60),
    st.sampled_from([0, 1, 3, "25%", "100%"]),
    st.sampled_from([0, 1, "25%"]),
).map(
    lambda pair: PlannedDeployment(
        name="web",
        namespace="shop",
        replicas=pair[0],
        source="manifest",
        max_surge=pair[1].max_surge,
        max_unavailable=pair[1].max_unavailable,
    )
)


def plan_of(stem, **options):
    path = next(file for file in GOOD if file.stem == stem)
    file = check(path.read_bytes(), file_name=path.name).file
    assert file is not None
    manifests = check_manifests(file, manifest_files(file, path.parent))
    return make_plan(file, manifests.objects_by_target, **options)


@given(STEPS, st.lists(DEPLOYMENTS, min_size=1, max_size=3))
def test_steps_are_those_of_the_engine_and_counts_are_its_arithmetic(steps, deployments):
    strategy = Canary(name="s", steps=tuple(steps))

    planned = plan_strategy(strategy, deployments, ())

    run = plan_steps(SETTING, strategy)
    assert [step.ref for step in planned] == [step.ref for step in run]
    assert [step.weight_percent or 0 for step in planned] == [step.weight_percent for step in run]
    for step in planned:
        if step.pods is None:
            continue
        goals = [goal(one.replicas, step.weight_percent or 0, one.max_surge) for one in deployments]
        assert step.pods == Counts(new=sum(one.new for one in goals), old=sum(one.old for one in goals))
        assert [part.pods for part in step.deployments] == goals


@given(STEPS, DEPLOYMENTS)
def test_room_on_the_way_stays_within_the_surge(steps, deployment):
    for step in plan_strategy(Canary(name="s", steps=tuple(steps)), [deployment], ()):
        if step.pods is not None:
            assert step.pods.new + step.pods.old <= (step.most_pods or 0) <= deployment.replicas + deployment.max_surge
            assert step.extra_pods == max(0, (step.most_pods or 0) - deployment.replicas)


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_the_document_is_what_its_schema_promises(file):
    document = to_document(plan_of(file.stem))

    assert errors_of(plan_schema(), document) == []
    for target in document["targets"]:
        for step in target["steps"]:
            assert ("pods" in step) == ("weight_percent" in step)
            assert "pods" in step or step["kind"] not in {"set_weight", "redirect_traffic"}


def test_the_schema_refuses_what_is_no_plan():
    document = to_document(plan_of("two-targets"))

    assert errors_of(plan_schema(), {**document, "waves": None})
    assert errors_of(plan_schema(), {**document, "targets": [{}]})


def test_targets_wait_for_the_longest_way_before_them():
    targets = {one.name: one for one in plan_of("golden").targets}

    assert (targets["dev"].earliest_start_s, targets["dev"].earliest_finish_s) == (0, 0)
    assert targets["stage"].least_duration_s == 900 + 120
    assert targets["live"].earliest_start_s == 1020
    assert targets["live"].earliest_finish_s == 1020 + 300
    assert plan_of("golden").earliest_finish_s == 1320


def test_conditions_of_one_phase_run_together_and_steps_of_a_canary_do_not():
    (together,) = plan_of("blue-green-all-conditions").targets
    (one_by_one,) = plan_of("all-pauses").targets

    assert together.least_duration_s == max(30 * 4, 300)
    assert one_by_one.least_duration_s == 90 + 300


def test_a_plan_names_who_must_approve_and_until_when():
    before = next(one for one in plan_of("golden").targets if one.name == "live").before[0]

    assert before.kind is StepKind.APPROVAL
    assert before.approval is not None
    assert (before.approval.roles, before.approval.expires_after_s) == (("Release Manager",), 7200.0)


def test_an_analysis_with_a_manual_way_forward_waits_for_a_person():
    (target,) = plan_of("analysis-all-fields").targets

    assert target.steps[1].approval is not None


@pytest.mark.parametrize("name", ["facts", "qa/facts"])
def test_live_pods_go_before_what_the_manifest_leaves_out(name):
    (assumed,) = plan_of("replicas-not-written").targets
    (target,) = plan_of("replicas-not-written", replicas={name: 12, "live/facts": 5}).targets

    assert (assumed.deployments[0].replicas, assumed.deployments[0].source) == (1, "assumed")
    assert (target.deployments[0].replicas, target.deployments[0].source) == (12, "given")
    assert target.steps[0].pods == goal(12, 25, 3)
    assert "count as one pod" in plan_of("replicas-not-written").notes[1]


def test_a_target_without_deployments_only_applies_its_manifests():
    (target,) = plan_of("no-strategy-needed").targets

    assert (target.strategy_kind, target.steps, target.extra_pods, target.objects) == ("none", (), 0, 1)


def test_two_files_that_mean_the_same_have_the_same_plan():
    """DF-07, DF-09"""
    assert plan_of("analysis-aliases") == plan_of("analysis-canonical")


def test_bounds_are_those_of_the_manifest():
    front, back = plan_of("two-deployments").targets[0].deployments

    assert (front.max_surge, front.max_unavailable) == (0, 1)
    assert (back.max_surge, back.max_unavailable) == (1, 0)
    assert replace(front, name="back") != back
