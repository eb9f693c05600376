"""What holds for every analysis, whatever the provider says."""

import math
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.analysis.plan import AnalysisPlan, Comparison, Outcome, QueryRule
from borealis_server.domain.analysis.verdict import AnalysisRun, Verdict, absorb, recomputed
from kit.analyses import judgement, plan

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SAID = st.one_of(
    NUMBERS,
    st.integers(-20, 20),
    st.sampled_from(["NaN", "+Inf", "-Inf", None, "nonsense", (), ("1", "2"), ConnectionError("down")]),
)
OUTCOMES = st.sampled_from([Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE])
SEVERITY = [Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAILED]


@st.composite
def rules(draw, name):
    low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
    which = draw(st.sampled_from(["both", "low", "high"]))
    return QueryRule(
        name=name,
        provider="p",
        lower_limit=None if which == "high" else low,
        upper_limit=None if which == "low" else high,
        on_no_data=draw(OUTCOMES),
        on_nan=draw(OUTCOMES),
        is_dry_run=draw(st.booleans()),
        compare_by=draw(st.none() | st.sampled_from(Comparison)),
    )


@st.composite
def analyses(draw):
    """A plan, and what is said to each of its queries in each judgement."""
    count, runs = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    made = AnalysisPlan(
        rules=tuple(draw(rules(f"q{number}")) for number in range(count)),
        runs=runs,
        interval_s=30.0,
        aborts_early=draw(st.booleans()),
        min_passing=draw(st.integers(0, runs)),
        errors_in_a_row=draw(st.none() | st.integers(0, 3)),
    )
    said = [[draw(SAID) for _ in range(count)] for _ in range(runs)]
    return made, [judgement(made, number, *words) for number, words in enumerate(said, start=1)]


def carried_out(made, judgements):
    """The analysis as far as it goes, and the judgements that it took."""
    run = AnalysisRun(plan=made)
    for taken, one in enumerate(judgements):
        if run.verdict is not None:
            return run, judgements[:taken]
        run = absorb(run, one)
    return run, judgements


@given(analyses())
def test_every_analysis_ends_with_a_verdict_and_a_reason(given_one):
    run, taken = carried_out(*given_one)

    assert run.verdict is not None
    assert run.why
    assert run.judged == len(taken) <= run.plan.runs


@given(analyses())
def test_the_verdict_follows_from_the_evidence_alone(given_one):
    run, taken = carried_out(*given_one)

    assert recomputed(run.plan, taken) == run


@given(analyses())
def test_a_pass_has_something_to_stand_on(given_one):
    run, _ = carried_out(*given_one)

    if run.verdict is Verdict.PASSED:
        for rule, tally in zip(run.plan.rules, run.tallies, strict=True):
            assert rule.is_dry_run or tally.passed > 0 or tally.average is not None
            assert rule.is_dry_run or tally.average is None or within(rule, tally.average)
            assert rule.is_dry_run or tally.passed >= run.plan.min_passing


@given(analyses())
def test_every_judgement_is_counted_once(given_one):
    run, taken = carried_out(*given_one)

    for tally in run.tallies:
        assert tally.passed + tally.failed + tally.inconclusive + tally.ignored == len(taken)
        assert tally.values <= len(taken)
        assert tally.faults <= tally.without <= tally.failed


@given(analyses(), st.data())
def test_one_more_query_never_makes_a_verdict_better(given_one, data):
    made, judgements = given_one
    made = replace(made, aborts_early=False, errors_in_a_row=None)
    alone, _ = carried_out(made, judgements)
    more = data.draw(rules("more"))
    extended = replace(made, rules=(*made.rules, more))
    extra = [
        replace(one, samples=(*one.samples, judgement(plan(more), 1, data.draw(SAID)).samples[0])) for one in judgements
    ]
    together, _ = carried_out(extended, extra)

    assert SEVERITY.index(together.verdict) >= SEVERITY.index(alone.verdict)


@given(analyses())
def test_a_dry_run_decides_nothing(given_one):
    made, judgements = given_one
    dry = replace(made, rules=tuple(replace(rule, is_dry_run=True) for rule in made.rules))

    run, taken = carried_out(dry, judgements)

    assert run.verdict is Verdict.PASSED
    assert len(taken) == made.runs


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_average_depends_on_no_order_and_lies_between_its_values(values, chance):
    def average(numbers):
        made = plan(runs=len(numbers))
        run = recomputed(made, [judgement(made, number, one) for number, one in enumerate(numbers, start=1)])
        return run.tallies[0].average

    shuffled = list(values)
    chance.shuffle(shuffled)

    assert average(values) == average(shuffled)
    assert min(values) <= average(values) <= max(values)
    assert math.isclose(average(values), math.fsum(values) / len(values), abs_tol=1e-9)


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=9), st.integers(0, 50))
def test_wider_limits_never_fail_what_narrower_ones_pass(values, wider):
    def verdict(limit):
        made = plan(QueryRule(name="q", provider="p", upper_limit=limit), runs=len(values))
        return recomputed(made, [judgement(made, number, one) for number, one in enumerate(values, start=1)]).verdict

    order = [verdict(limit) for limit in (0.0, float(wider))]

    assert all(SEVERITY.index(after) <= SEVERITY.index(before) for before, after in pairwise(order))


def within(rule, value):
    return (rule.lower_limit is None or value >= rule.lower_limit) and (
        rule.upper_limit is None or value <= rule.upper_limit
    )
