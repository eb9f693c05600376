"""Whether each variable has a value where it is used: contexts that nobody sets, previews that nobody opens.

Judges each use: the same webhook may be fine after a deployment and wrong before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from borealis_deployfile.faults import Code
from borealis_deployfile.hints import did_you_mean
from borealis_deployfile.model import Analysis, BlueGreen, Canary, ExposeServices, RunWebhook
from borealis_deployfile.templates import parse_template
from borealis_deployfile.variables import CONTEXT, OLD_REPLICA_SET, PREVIEW, REPLICA_SET, REPLICA_SETS, own_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from borealis_deployfile.draft import Draft
    from borealis_deployfile.model import Origin, Query, Step, Strategy, Webhook
    from borealis_deployfile.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class _Situation:
    """What has a value at one point of a deployment."""

    context: frozenset[str]
    has_new_version: bool = True
    previews: frozenset[str] = field(default_factory=frozenset)

    def problem(self, name: str) -> tuple[str, str] | None:
        """What is wrong with using the name here, and what to do; None if it has a value."""
        if name.startswith(CONTEXT):
            wanted = name.removeprefix(CONTEXT)
            if wanted in self.context:
                return None
            advice = did_you_mean(wanted, sorted(self.context)) or f"add `{wanted}` to `context`"
            return "is not set in any `context`", advice
        own = own_name(name) or ""
        if not self.has_new_version and (
            own in (REPLICA_SET, OLD_REPLICA_SET) or own.startswith((REPLICA_SETS, PREVIEW))
        ):
            return "has no value before the deployment", "use it in the strategy or in `afterDeployment`"
        if own.startswith(PREVIEW) and own.removeprefix(PREVIEW) not in self.previews:
            service = own.removeprefix(PREVIEW)
            return "has no value here", f'expose the Service "{service}" before, with exposeServices'
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """Everything that uses variables, of a draft or of a whole file."""

    context: frozenset[str]
    """Names that every step sees."""
    strategies: Mapping[str, Strategy | None]
    targets: Sequence[tuple[Sequence[Step], str | None, Sequence[Step]]]
    """What runs before, the name of the strategy, and what runs after."""
    webhooks: Mapping[str, Webhook]
    queries: Mapping[str, Query]


Problem = tuple["Origin | None", str, str]
"""The step that uses a variable without a value, what is wrong, and what to do."""


def check_variables(reader: Reader, draft: Draft) -> None:
    """Note every use of a variable that can never have a value."""
    analysis = draft.analysis.queries if draft.analysis else {}
    uses = Uses(
        context=frozenset(draft.context) | frozenset(draft.given_context),
        strategies=draft.strategies,
        targets=[(one.before, one.strategy.text if one.strategy else None, one.after) for one in draft.targets],
        webhooks={name: one.webhook for name, one in draft.webhooks.items() if one.webhook is not None},
        queries={name: one.query for name, one in analysis.items() if one.query is not None},
    )
    for origin, message, advice in variable_problems(uses):
        reader.fault_at(Code.UNRESOLVED_VARIABLE, origin, message, advice)


def variable_problems(uses: Uses) -> Iterator[Problem]:
    """Every use of a variable that can never have a value."""
    base = _Situation(context=uses.context)
    for strategy in uses.strategies.values():
        for steps, situation in _phases(strategy, base):
            yield from _of_steps(uses, steps, situation)
    for before, name, after in uses.targets:
        yield from _of_steps(uses, before, replace(base, has_new_version=False))
        strategy = uses.strategies.get(name) if name else None
        yield from _of_steps(uses, after, replace(base, previews=_exposed_by(_steps_of(strategy))))


def _phases(strategy: Strategy | None, base: _Situation) -> Iterator[tuple[tuple[Step, ...], _Situation]]:
    """Steps with what has a value for them: in a canary one after the other, in a blue/green group all together."""
    if isinstance(strategy, Canary):
        for index, step in enumerate(strategy.steps):
            yield (step,), replace(base, previews=_exposed_by(strategy.steps[:index]))
    elif isinstance(strategy, BlueGreen):
        redirect, shut_down = strategy.redirect_after, strategy.shut_down_after
        yield redirect, replace(base, previews=_exposed_by(redirect))
        yield shut_down, replace(base, previews=_exposed_by((*redirect, *shut_down)))


def _steps_of(strategy: Strategy | None) -> tuple[Step, ...]:
    if isinstance(strategy, Canary):
        return strategy.steps
    return (*strategy.redirect_after, *strategy.shut_down_after) if isinstance(strategy, BlueGreen) else ()


def _exposed_by(steps: Iterable[Step]) -> frozenset[str]:
    return frozenset(service for step in steps if isinstance(step, ExposeServices) for service in step.services)


def _of_steps(uses: Uses, steps: Iterable[Step], situation: _Situation) -> Iterator[Problem]:
    for step in steps:
        if not isinstance(step, RunWebhook | Analysis):
            continue
        here = replace(situation, context=situation.context | frozenset(step.context))
        yield from _of_texts(step, "its context", step.context.values(), situation)
        if isinstance(step, RunWebhook):
            if step.name in uses.webhooks:
                yield from _of_texts(step, f'the webhook "{step.name}"', _texts_of(uses.webhooks[step.name]), here)
            continue
        for name in step.queries:
            if name in uses.queries:
                query = uses.queries[name]
                yield from _of_texts(step, f'the query "{name}"', [query.template, query.baseline], here)


def _texts_of(webhook: Webhook) -> Iterator[str]:
    yield webhook.uri
    for pair in webhook.headers:
        yield from pair
    yield webhook.body or ""


def _of_texts(step: RunWebhook | Analysis, what: str, texts: Iterable[str], situation: _Situation) -> Iterator[Problem]:
    names = dict.fromkeys(name for text in texts if "{{" in text for name in parse_template(text).names)
    for name in names:
        problem = situation.problem(name)
        if problem is not None:
            yield step.origin, f"{{{{{name}}}}}, which {what} uses, {problem[0]}", problem[1]
