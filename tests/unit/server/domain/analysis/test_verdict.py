"""What analyses come to: each rule, the documented cases, and what no analysis gets wrong."""

import math

import pytest

from borealis_server.domain.analysis.plan import Comparison, Outcome
from borealis_server.domain.analysis.verdict import AnalysisRun, Verdict, absorb, query_verdict
from kit.analyses import judged, judgement, plan, rule

PASSED, FAILED, INCONCLUSIVE, ERROR = Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.ERROR
NAN = "NaN"
DOWN = ConnectionError("it does not answer")


def test_st_15_the_average_of_all_runs_is_judged_and_limits_are_inclusive():
    run = judged(plan(rule(lower_limit=2, upper_limit=2)), 1, 2, 3)

    assert run.verdict is PASSED
    assert run.why == 'the query "q" averages 2, within 2 to 2'


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        pytest.param((10, 10, 10), PASSED, id="on-the-upper-limit"),
        pytest.param((0, 0, 0), PASSED, id="on-the-lower-limit"),
        pytest.param((10, 10, 10.01), FAILED, id="just-above"),
        pytest.param((0, 0, -0.01), FAILED, id="just-below"),
        pytest.param((-30, 30, 15), PASSED, id="no-run-inside-but-the-average"),
    ],
)
def test_st_15_average_at_the_limits(values, verdict):
    assert judged(plan(), *values).verdict is verdict


def test_an_average_of_equal_values_is_that_value():
    """0.1 + 0.1 + 0.1 is more than 0.3 in floats."""
    assert judged(plan(rule(upper_limit=0.1)), 0.1, 0.1, 0.1).verdict is PASSED


def test_only_one_limit_leaves_the_other_side_open():
    assert judged(plan(rule(upper_limit=1)), -1e300, 0, 1).verdict is PASSED
    assert judged(plan(rule(lower_limit=1)), 1e300, 1, 1).verdict is PASSED


def test_st_16_all_queries_must_pass():
    both = plan(rule("good"), rule("bad"), runs=1)

    run = absorb(AnalysisRun(plan=both), judgement(both, 1, 5, 11))

    assert run.verdict is FAILED
    assert run.why == 'the query "bad" averages 11 over 1 of 1 judgements, not 0 to 10'


def test_st_19_the_first_failed_judgement_ends_it_where_the_file_says_so():
    run = judged(plan(aborts_early=True, runs=5), 1, 11, 1)

    assert (run.verdict, run.judged) == (FAILED, 2)
    assert run.why == 'the query "q" failed at judgement 2: 11, not 0 to 10'


def test_st_19_without_that_word_all_judgements_are_made():
    run = judged(plan(runs=3), 1, 11, 1)

    assert (run.verdict, run.judged) == (PASSED, 3)


@pytest.mark.parametrize(
    ("said", "verdict", "why"),
    [
        pytest.param(None, FAILED, "no data", id="no-data"),
        pytest.param(NAN, FAILED, "not a number", id="nan"),
        pytest.param("+Inf", FAILED, "an infinite value", id="infinite"),
        pytest.param(("1", "2", "3"), ERROR, "3 values instead of one", id="several-series"),
        pytest.param(DOWN, ERROR, "it does not answer", id="error"),
        pytest.param("many", ERROR, '"many" is not a number', id="no-number"),
    ],
)
def test_st_20_a_judgement_without_a_value_fails_and_names_query_and_cause(said, verdict, why):
    run = judged(plan(), 1, said, 1)

    assert run.verdict is verdict
    assert run.why == f'the query "q" failed at judgement 2: {why}'


@pytest.mark.parametrize("said", [None, NAN], ids=["no-data", "nan"])
@pytest.mark.parametrize(
    ("rule_word", "verdict"),
    [(Outcome.FAILED, FAILED), (Outcome.INCONCLUSIVE, INCONCLUSIVE), (Outcome.PASSED, PASSED)],
)
def test_the_rule_for_missing_values_decides(said, rule_word, verdict):
    silent = plan(rule(on_no_data=rule_word, on_nan=rule_word, upper_limit=1))

    assert judged(silent, said, said, said).verdict is verdict
    assert judged(silent, 1, said, 1).verdict is verdict


def test_a_silent_pass_says_that_there_was_no_value():
    run = judged(plan(rule(on_no_data=Outcome.PASSED)), None, None, None)

    assert run.why == 'the query "q" had no value, which its rule lets pass'


def test_a_share_of_no_traffic_is_inconclusive_not_good():
    """Hard case 37: 0/0 is not a number, and NaN is within no limits."""
    run = judged(plan(rule(upper_limit=0.05, on_nan=Outcome.INCONCLUSIVE)), NAN, NAN, NAN)

    assert run.verdict is INCONCLUSIVE
    assert run.why == 'the query "q" is inconclusive by judgement 1: not a number'


def test_infinity_fails_even_where_no_limit_is_in_its_way():
    """Hard case 37."""
    run = judged(plan(rule(lower_limit=0, on_nan=Outcome.PASSED)), 1, "+Inf", 1)

    assert run.verdict is FAILED


def test_a_failure_weighs_more_than_an_inconclusive_judgement():
    run = judged(plan(rule(on_no_data=Outcome.INCONCLUSIVE, upper_limit=1)), None, 5, 5)

    assert run.verdict is FAILED


def test_errors_that_are_let_pass_do_not_count():
    run = judged(plan(errors_in_a_row=1), 5, DOWN, 5)

    assert run.verdict is PASSED
    assert run.tallies[0].average == 5


def test_more_errors_in_a_row_end_it():
    run = judged(plan(errors_in_a_row=1, runs=9), 5, DOWN, 5, DOWN, DOWN, 5)

    assert (run.verdict, run.judged) == (ERROR, 5)
    assert run.why == 'the query "q" had 2 errors in a row: it does not answer'


def test_nothing_but_errors_is_no_success():
    """Two failures and three errors passed elsewhere, since errors were not counted."""
    run = judged(plan(errors_in_a_row=9), DOWN, DOWN, DOWN)

    assert run.verdict is INCONCLUSIVE
    assert run.why == 'the query "q" had no value in any judgement: it does not answer'


def test_failures_among_errors_are_no_success():
    """Hard case 40."""
    run = judged(plan(rule(upper_limit=1), runs=5, errors_in_a_row=3), 9, DOWN, DOWN, DOWN, 9)

    assert run.verdict is FAILED


@pytest.mark.parametrize(("least", "verdict"), [(2, PASSED), (3, FAILED)])
def test_so_many_judgements_must_pass_one_by_one(least, verdict):
    assert judged(plan(min_passing=least), 0, 0, 11).verdict is verdict


def test_a_good_average_of_bad_judgements_can_be_refused():
    run = judged(plan(rule(lower_limit=4, upper_limit=6), runs=2, min_passing=1), 0, 10)

    assert run.verdict is FAILED
    assert run.why == 'the query "q" passed 0 of 2 judgements, not 1'


def test_a_dry_run_is_counted_and_decides_nothing():
    dry = plan(rule("good"), rule("dry", is_dry_run=True), runs=2, aborts_early=True)

    run = AnalysisRun(plan=dry)
    for number in (1, 2):
        run = absorb(run, judgement(dry, number, 1, 99))

    assert run.verdict is PASSED
    assert run.tallies[1].average == 99
    assert query_verdict(dry, dry.rules[1], run.tallies[1]) is FAILED


def test_nothing_but_dry_runs_passes():
    assert judged(plan(rule(is_dry_run=True)), 99, 99, 99).why == "every query is a dry run"


@pytest.mark.parametrize(
    ("by", "value", "baseline", "verdict"),
    [
        pytest.param(Comparison.DIFFERENCE, 105, 100, PASSED, id="so-much-more"),
        pytest.param(Comparison.DIFFERENCE, 111, 100, FAILED, id="too-much-more"),
        pytest.param(Comparison.RATIO, 900, 100, PASSED, id="so-many-times"),
        pytest.param(Comparison.RATIO, 1100, 100, FAILED, id="too-many-times"),
        pytest.param(Comparison.RATIO, 0, 0, PASSED, id="both-zero-are-alike"),
        pytest.param(Comparison.RATIO, 1, 0, FAILED, id="infinitely-more-than-nothing"),
        pytest.param(Comparison.DIFFERENCE, 5, None, FAILED, id="no-baseline"),
        pytest.param(Comparison.DIFFERENCE, 5, DOWN, ERROR, id="baseline-in-error"),
        pytest.param(Comparison.DIFFERENCE, 1.7e308, -1.7e308, FAILED, id="beyond-all-numbers"),
    ],
)
def test_the_limits_are_for_the_distance_from_the_baseline(by, value, baseline, verdict):
    compared = plan(rule(compare_by=by), runs=1)

    assert judged(compared, value, baseline=baseline).verdict is verdict


def test_a_missing_baseline_is_named():
    run = judged(plan(rule(compare_by=Comparison.DIFFERENCE), runs=1), 5, baseline=None)

    assert run.why == 'the query "q" failed at judgement 1: no data for the baseline'


def test_a_judgement_counts_once_and_in_order():
    three = plan()
    first = judgement(three, 1, 5)
    run = absorb(AnalysisRun(plan=three), first)

    for wrong in (first, judgement(three, 3, 5)):
        with pytest.raises(ValueError, match="not the next one"):
            absorb(run, wrong)
    with pytest.raises(ValueError, match="not the next one"):
        absorb(judged(three, 1, 1, 1), judgement(three, 4, 5))


def test_numbers_of_every_size_have_an_average():
    run = judged(plan(rule(lower_limit=-math.inf)), 1.7e308, 1.7e308, 1.7e308)

    assert run.tallies[0].average == 1.7e308
