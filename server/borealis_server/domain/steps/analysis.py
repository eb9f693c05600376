"""The step that judges the new version by metrics: so many times, then by the average of each query."""

from dataclasses import replace

from borealis_server.domain import rollback
from borealis_server.domain.analysis.evidence import Judgement
from borealis_server.domain.analysis.plan import Mode
from borealis_server.domain.analysis.schedule import asks_at
from borealis_server.domain.analysis.verdict import AnalysisRun, Verdict, absorb
from borealis_server.domain.decision import Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import StepRun, TargetRun, Wait
from borealis_server.domain.errand import Errand, ErrandReport, Unresolved
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.stages import followed
from borealis_server.domain.states import EndReason, ErrandKind, EventKind, StepState
from borealis_server.domain.steps.executor import Started, StepExecutor, fail, succeed
from borealis_server.domain.transitions import StepEvent, move_step

_REASONS = {Verdict.FAILED: EndReason.ANALYSIS_OUT_OF_LIMITS, Verdict.ERROR: EndReason.ANALYSIS_ERROR}
_WORDS = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "failed",
    Verdict.ERROR: "could not be judged",
    Verdict.INCONCLUSIVE: "is inconclusive",
}


def start(_run: TargetRun, step: StepRun, here: Circumstances) -> Started:
    """The first judgement as an errand, due when its window is over."""
    plan = analysis_of(step).plan
    started = move_step(step, StepEvent.STARTED, here.now)
    names = ", ".join(rule.name for rule in plan.rules)
    return Started(
        step=_asking(started, here), message=f"judges {plan.runs} times, every {plan.interval_s:g} s: {names}"
    )


def decide(run: TargetRun, step: StepRun, _seen: Observation, here: Circumstances) -> Decision:
    """Wait: for the next judgement, which comes by itself, or for a person."""
    return Hold(run=followed(run.with_step(_waiting(step, here)), here.now))


def absorb_report(run: TargetRun, step: StepRun, report: ErrandReport, here: Circumstances) -> Become:
    """The judgement is counted: the next one is due, or the step has its verdict."""
    if isinstance(report, Unresolved):
        names = ", ".join(f"{{{{{name}}}}}" for name in report.names)
        return fail(run, step, EndReason.UNRESOLVED_VARIABLE, f"no query was asked: no value for {names}", here)
    if not isinstance(report, Judgement):
        raise TypeError(f"{step.ref} makes judgements, and got {type(report).__name__}")
    after = absorb(analysis_of(step), report)
    judged = replace(step, analysis=after)
    note = Note(kind=EventKind.JUDGED, step=step.ref, message=_told(after), judgement=report)
    if after.verdict is None:
        return Become(run=followed(run.with_step(_asking(judged, here)), here.now), notes=(note,))
    concluded = _concluded(run, judged, after, here)
    return replace(concluded, notes=(note, *concluded.notes))


def analysis_of(step: StepRun) -> AnalysisRun:
    """The analysis of a step that has one. Errors: ValueError for another step."""
    if step.analysis is None:
        raise ValueError(f"{step.ref} ({step.kind}) judges nothing")
    return step.analysis


def described(analysis: AnalysisRun) -> str:
    """The verdict and why it is so, in words that continue a sentence."""
    return f"{_WORDS[analysis.verdict]}: {analysis.why}" if analysis.verdict else _told(analysis)


def _concluded(run: TargetRun, step: StepRun, after: AnalysisRun, here: Circumstances) -> Become:
    """What follows from a verdict: a person where the file wants one, or where nobody else can know."""
    told, plan = f"the analysis {described(after)}", after.plan
    is_good = after.verdict is Verdict.PASSED
    mode = plan.roll_forward if is_good else plan.roll_back
    if after.verdict is Verdict.INCONCLUSIVE or mode is Mode.MANUAL:
        asked = _waiting(move_step(step, StepEvent.APPROVAL_WANTED, here.now), here)
        note = Note(kind=EventKind.STEP_CHANGED, step=step.ref, message=f"{told}; waits for a person")
        return Become(run=followed(run.with_step(asked), here.now), notes=(note,))
    if is_good:
        return succeed(run, step, told, here)
    return fail(run, step, _REASONS[after.verdict or Verdict.ERROR], told, here)


def _asking(step: StepRun, here: Circumstances) -> StepRun:
    """The step with the errand for its next judgement."""
    analysis, started_at = analysis_of(step), step.started_at or here.now
    number = analysis.judged + 1
    errand = Errand(kind=ErrandKind.ASK_METRICS, due_at=asks_at(analysis.plan, started_at, number), attempt=number)
    return _waiting(replace(step, errand=errand), here)


def _waiting(step: StepRun, here: Circumstances) -> StepRun:
    analysis, way_out = analysis_of(step), rollback.WAY_OUT[step.part]
    if step.state is StepState.AWAITING_APPROVAL:
        wait = Wait(
            what=f"approval, since the analysis {described(analysis)}",
            since=step.wait.since if step.wait and step.wait.limit_at is None else here.now,
            ended_by="a person who may approve deployments, or who rolls back",
        )
        return replace(step, wait=wait)
    number, runs = analysis.judged + 1, analysis.plan.runs
    is_last, started_at = number == runs, step.started_at or here.now
    automatic = f"the verdict; on a bad one {way_out}"
    wait = Wait(
        what=f"judgement {number} of {runs}{_so_far(analysis)}",
        since=started_at,
        ended_by=f"time, then {_providers(analysis)}",
        limit_at=asks_at(analysis.plan, started_at, number),
        at_limit=(automatic if is_last else "the next judgement is made"),
    )
    return replace(step, wait=wait)


def _providers(analysis: AnalysisRun) -> str:
    names = sorted({rule.provider for rule in analysis.plan.rules})
    return f"the metric provider{'s' if len(names) > 1 else ''} {' and '.join(names)}"


def _so_far(analysis: AnalysisRun) -> str:
    """What the queries came to, for people who wait."""
    if not analysis.tallies:
        return ""
    return f" ({'; '.join(f'{tally.query}: {tally.last}' for tally in analysis.tallies)})"


def _told(analysis: AnalysisRun) -> str:
    return f"judgement {analysis.judged} of {analysis.plan.runs}{_so_far(analysis)}"


EXECUTOR = StepExecutor(start=start, decide=decide, absorb=absorb_report)
