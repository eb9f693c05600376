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
from borealis_deployfile.variables import CONTEXT, PREVIEW, REPLICA_SET, REPLICA_SETS, own_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from borealis_deployfile.draft import Draft
    from borealis_deployfile.model import Step, Strategy, Webhook
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
        if not self.has_new_version and (own == REPLICA_SET or own.startswith((REPLICA_SETS, PREVIEW))):
            return "has no value before the deployment", "use it in the strategy or in `afterDeployment`"
        if own.startswith(PREVIEW) and own.removeprefix(PREVIEW) not in self.previews:
            service = own.removeprefix(PREVIEW)
            return "has no value here", f'expose the Service "{service}" before, with exposeServices'
        return None


def check_variables(reader: Reader, draft: Draft, given: Mapping[str, str]) -> None:
    """Note every use of a variable that can never have a value; `given` is what the start adds to all contexts."""
    base = _Situation(context=frozenset(draft.context) | frozenset(given))
    for strategy in draft.strategies.values():
        for steps, situation in _phases(strategy, base):
            _check_steps(reader, draft, steps, situation)
    for target in draft.targets:
        _check_steps(reader, draft, target.before, replace(base, has_new_version=False))
        strategy = draft.strategies.get(target.strategy.text) if target.strategy else None
        _check_steps(reader, draft, target.after, replace(base, previews=_exposed_by(_steps_of(strategy))))


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


def _check_steps(reader: Reader, draft: Draft, steps: Iterable[Step], situation: _Situation) -> None:
    for step in steps:
        if not isinstance(step, RunWebhook | Analysis):
            continue
        here = replace(situation, context=situation.context | frozenset(step.context))
        _check_texts(reader, step, "its context", step.context.values(), situation)
        if isinstance(step, RunWebhook):
            called = draft.webhooks.get(step.name)
            if called is not None and called.webhook is not None:
                _check_texts(reader, step, f'the webhook "{step.name}"', _texts_of(called.webhook), here)
            continue
        for name in step.queries:
            asked = draft.analysis.queries.get(name) if draft.analysis else None
            if asked is not None and asked.query is not None:
                _check_texts(reader, step, f'the query "{name}"', [asked.query.template], here)


def _texts_of(webhook: Webhook) -> Iterator[str]:
    yield webhook.uri
    for pair in webhook.headers:
        yield from pair
    yield webhook.body or ""


def _check_texts(
    reader: Reader, step: RunWebhook | Analysis, what: str, texts: Iterable[str], situation: _Situation
) -> None:
    names = dict.fromkeys(name for text in texts if "{{" in text for name in parse_template(text).names)
    for name in names:
        problem = situation.problem(name)
        if problem is not None:
            message = f"{{{{{name}}}}}, which {what} uses, {problem[0]}"
            reader.fault_at(Code.UNRESOLVED_VARIABLE, step.origin, message, problem[1])
