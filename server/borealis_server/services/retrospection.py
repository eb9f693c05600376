"""Judging the past: the questions and the judge of deployments, over windows that are over. Nothing is kept."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from borealis_deployfile.templates import UnresolvedError
from borealis_deployfile.variables import Values, own_name
from borealis_server.domain.analysis.evidence import Judgement, Window
from borealis_server.domain.analysis.plan import AnalysisPlan
from borealis_server.domain.analysis.questions import QueryTexts
from borealis_server.domain.analysis.schedule import window
from borealis_server.domain.analysis.variables import window_values
from borealis_server.domain.analysis.verdict import AnalysisRun, absorb
from borealis_server.domain.errors import InvalidArgument, Violation
from borealis_server.ports.clock import Clock
from borealis_server.services.asking import Asker, Wanted

MOST_QUESTIONS = 500
LONGEST_S = 366 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrospect:
    """What somebody wants to know of the past."""

    tenant: str
    actor: str
    plan: AnalysisPlan
    queries: tuple[QueryTexts, ...]
    """In the order of the plan."""
    start: datetime
    context: Mapping[str, str] = field(default_factory=dict)
    """Variables of users; taken as they are."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables of the platform that only a deployment has, without `armory.`."""


class Retrospection:
    """Runs analyses over the past."""

    def __init__(self, asker: Asker, clock: Clock) -> None:
        self._asker = asker
        self._clock = clock

    async def run(self, wanted: Retrospect) -> AsyncIterator[Judgement | AnalysisRun]:
        """Each judgement as it is made; at last the analysis with its verdict. Errors: InvalidArgument."""
        violations = tuple(_faults(wanted, self._clock.now()))
        if violations:
            raise InvalidArgument(violations)
        run = AnalysisRun(plan=wanted.plan)
        while run.verdict is None:
            judgement = await self._judge(wanted, run.judged + 1)
            yield judgement
            run = absorb(run, judgement)
        yield run

    async def _judge(self, wanted: Retrospect, number: int) -> Judgement:
        here = window(wanted.plan, wanted.start, number)
        own = {own_name(f"armory.{name}") or name: value for name, value in wanted.variables.items()}
        own |= window_values(here)

        def values(secrets: Mapping[str, str]) -> Values:
            return Values(own=own, context=wanted.context, secrets=secrets)

        asked = Wanted(
            tenant=wanted.tenant,
            queries=wanted.queries,
            number=number,
            window=here,
            secrets=frozenset(),
            values=values,
            actor=wanted.actor,
        )
        try:
            return await self._asker.judge(asked)
        except UnresolvedError as error:
            raise InvalidArgument.of("variables", f"{error}: give each of them") from error


def _faults(wanted: Retrospect, now: datetime) -> Iterator[Violation]:
    plan = wanted.plan
    names = [rule.name for rule in plan.rules]
    if not names or len(set(names)) < len(names) or not all(names):
        yield Violation(field="plan.queries", description="must have at least one query, each with a name of its own")
    for rule, texts in zip(plan.rules, wanted.queries, strict=True):
        if not rule.provider or not texts.template:
            description = f'the query "{rule.name}" must name a provider and have a template'
            yield Violation(field="plan.queries", description=description)
        if rule.lower_limit is not None and rule.upper_limit is not None and rule.lower_limit > rule.upper_limit:
            description = f'the lower limit of the query "{rule.name}" is above the upper one'
            yield Violation(field="plan.queries", description=description)
    if not 1 <= plan.interval_s <= LONGEST_S:
        yield Violation(field="plan.interval_s", description=f"must be 1 to {LONGEST_S}, got {plan.interval_s:g}")
        return
    if plan.runs < 1 or plan.runs * max(len(names), 1) > MOST_QUESTIONS:
        description = f"must be at least 1, and at most {MOST_QUESTIONS} questions in all: raise the interval"
        yield Violation(field="plan.runs", description=description)
        return
    if _last(wanted).end > now:
        description = f"the last window must be over by now; it ends at {_last(wanted).end:%Y-%m-%dT%H:%M:%SZ}"
        yield Violation(field="start_time", description=description)
    for name in wanted.variables:
        if own_name(f"armory.{name}") is None:
            yield Violation(field="variables", description=f"there is no variable armory.{name}")


def _last(wanted: Retrospect) -> Window:
    try:
        return window(wanted.plan, wanted.start, wanted.plan.runs)
    except OverflowError:
        return Window(start=wanted.start, end=datetime.max.replace(tzinfo=wanted.start.tzinfo) - timedelta(days=1))
