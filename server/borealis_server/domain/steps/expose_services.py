"""The step that makes Services reachable under temporary addresses; it is over once they exist."""

from dataclasses import replace
from datetime import timedelta

from borealis_server.domain import rollback
from borealis_server.domain.decision import Become, Circumstances, Decision, Hold
from borealis_server.domain.deployment import StepRun, TargetRun, Wait
from borealis_server.domain.errand import Errand, ErrandReport
from borealis_server.domain.exposure import LIMIT_S, Exposed, Exposure, NotExposed
from borealis_server.domain.observation import Observation
from borealis_server.domain.record import Note
from borealis_server.domain.stages import followed
from borealis_server.domain.states import EndReason, ErrandKind, EventKind
from borealis_server.domain.steps.executor import Started, StepExecutor, always, fail, succeed
from borealis_server.domain.transitions import StepEvent, move_step

RETRY = timedelta(seconds=5)
"""How long after a try that came to nothing the next one comes."""


def start(_run: TargetRun, step: StepRun, here: Circumstances) -> Started:
    """The addresses as an errand that is due now."""
    errand = Errand(kind=ErrandKind.EXPOSE_SERVICES, due_at=here.now)
    limit_at = here.now + timedelta(seconds=LIMIT_S)
    started = replace(move_step(step, StepEvent.STARTED, here.now), errand=errand, limit_at=limit_at)
    return Started(step=_waiting(started, here), message=f"exposes {_names(exposure_of(step))}")


def decide(run: TargetRun, step: StepRun, _seen: Observation, here: Circumstances) -> Decision:
    """Wait for the addresses, within a limit."""
    exposure = exposure_of(step)
    if step.limit_at is not None and here.now >= step.limit_at:
        why = exposure.failure or "nobody answered"
        message = f"{_names(exposure)} could not be exposed within {LIMIT_S:g} s: {why}"
        return fail(run, step, EndReason.PREVIEW_FAILED, message, here)
    return Hold(run=followed(run.with_step(_waiting(step, here)), here.now), wake_at=step.limit_at)


def absorb(run: TargetRun, step: StepRun, report: ErrandReport, here: Circumstances) -> Become:
    """The addresses are there, are tried again later, or cannot be made."""
    exposure = exposure_of(step)
    match report:
        case Exposed(links=links):
            told = "; ".join(f"{link.service} at {link.url} until {link.expires_at:%H:%M:%S} UTC" for link in links)
            done = replace(step, exposure=replace(exposure, links=links, failure=""))
            return succeed(run, done, f"exposed {told}", here)
        case NotExposed(detail=detail, is_final=False):
            tried = replace(exposure, failure=detail, tried=exposure.tried + 1)
            return _later(run, replace(step, exposure=tried), here, is_news=detail != exposure.failure)
        case NotExposed(detail=detail):
            message = f"{_names(exposure)} could not be exposed: {detail}"
            return fail(run, step, EndReason.PREVIEW_FAILED, message, here)
    raise ValueError(f"{step.ref} exposes Services, and its report is {type(report).__name__}")


def exposure_of(step: StepRun) -> Exposure:
    """What a step exposes. Errors: ValueError for a step of another kind."""
    if step.exposure is None:
        raise ValueError(f"{step.ref} ({step.kind}) exposes nothing")
    return step.exposure


def _later(run: TargetRun, step: StepRun, here: Circumstances, *, is_news: bool) -> Become:
    exposure = exposure_of(step)
    errand = Errand(kind=ErrandKind.EXPOSE_SERVICES, due_at=here.now + RETRY, attempt=exposure.tried + 1)
    after = run.with_step(_waiting(replace(step, errand=errand), here))
    message = f"{_names(exposure)} cannot be exposed now: {exposure.failure}; tries again"
    notes = (Note(kind=EventKind.PROGRESS, step=step.ref, message=message),) if is_news else ()
    return Become(run=followed(after, here.now), notes=notes)


def _names(exposure: Exposure) -> str:
    return ", ".join(exposure.services)


def _waiting(step: StepRun, here: Circumstances) -> StepRun:
    exposure = exposure_of(step)
    why = f" (now: {exposure.failure})" if exposure.failure else ""
    wait = Wait(
        what=f"the addresses of {_names(exposure)}{why}",
        since=step.started_at or here.now,
        ended_by="the cluster and its agent, by answering",
        limit_at=step.limit_at,
        at_limit=rollback.WAY_OUT[step.part],
    )
    return replace(step, wait=wait)


EXECUTOR = StepExecutor(start=start, decide=decide, absorb=absorb, is_needed_at_first=always)
