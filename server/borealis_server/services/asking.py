"""Asking metric providers for an analysis: integration and secrets at the moment of use, tries, and what is kept of it."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from borealis_deployfile.templates import SECRETS, UnresolvedError, parse_template, render
from borealis_deployfile.variables import Values
from borealis_server.domain.analysis.evidence import Answer, Judgement, Sample, Window
from borealis_server.domain.analysis.plan import QueryRule
from borealis_server.domain.errors import BorealisError
from borealis_server.domain.integration import Integration, IntegrationName
from borealis_server.domain.redaction import Redactor
from borealis_server.ports.clock import Clock
from borealis_server.ports.integrations import IntegrationStore
from borealis_server.ports.metrics import PAUSE_S, TRIES, Metrics, Question, Unanswered

_KEPT_VALUES = 20
"""Of more values than one the first are kept: they say enough about what is wrong."""
_KEPT_CHARACTERS = 4000


class SecretValues(Protocol):
    """Gives secrets for use."""

    async def values(self, tenant: str, names: Collection[str]) -> Mapping[str, str]:
        """The values of the tenant's secrets. Errors: SecretNotFound, SecretUnreadable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A judgement to make."""

    tenant: str
    rules: tuple[QueryRule, ...]
    number: int
    window: Window
    own: Mapping[str, str]
    """Variables of the platform, without `armory.`."""
    context: Mapping[str, str]
    """Variables of users; may hold tags themselves."""


class Asker:
    """Puts the questions of analyses to metric providers."""

    def __init__(
        self, integrations: IntegrationStore, secrets: SecretValues, metrics: Metrics, clock: Clock, *, pause_s: float = PAUSE_S
    ) -> None:
        self._integrations = integrations
        self._secrets = secrets
        self._metrics = metrics
        self._clock = clock
        self._pause_s = pause_s

    async def judge(self, wanted: Wanted) -> Judgement:
        """Ask every query of a judgement at once. What cannot be asked is an answer too, with its error.

        Errors: UnresolvedError when a query names what has no value.
        """
        texts = [(rule.provider, rule.template) for rule in wanted.rules]
        texts += [(rule.provider, rule.baseline) for rule in wanted.rules if rule.baseline]
        check_variables(wanted, [text for _, text in texts])
        async with asyncio.TaskGroup() as group:
            tasks = {
                (provider, text): group.create_task(self._answer(wanted, provider, text), name=f"ask {provider}")
                for provider, text in dict.fromkeys(texts)
            }
        samples = tuple(
            Sample(
                query=rule.name,
                answer=tasks[rule.provider, rule.template].result(),
                baseline=tasks[rule.provider, rule.baseline].result() if rule.baseline else None,
            )
            for rule in wanted.rules
        )
        return Judgement(number=wanted.number, window=wanted.window, asked_at=self._clock.now(), samples=samples)

    async def ask_once(self, integration: Integration, text: str, window: Window) -> Answer:
        """One question without variables. Errors: as `SecretValues.values`."""
        credentials = await self._secrets.values(integration.name.tenant, integration.secrets)
        question = Question(text=text, window=window, credentials=credentials)
        return _kept(text, await self._metrics.ask(integration, question), Redactor(credentials.values()))

    async def _answer(self, wanted: Wanted, provider: str, template: str) -> Answer:
        try:
            integration = await self._integrations.get_integration(IntegrationName(wanted.tenant, provider))
            needed = {*integration.secrets, *secret_names((template, *wanted.context.values()))}
            secrets = await self._secrets.values(wanted.tenant, needed)
        except BorealisError as error:
            return Answer(question=template, error=error.message)
        rendered = render(parse_template(template), _values(wanted, secrets).get)
        question = Question(text=rendered.text, window=wanted.window, credentials=secrets)
        redactor = Redactor(secrets.values())
        return _kept(redactor.redact(rendered.shown), await self._ask(integration, question), redactor)

    async def _ask(self, integration: Integration, question: Question) -> tuple[str, ...] | Unanswered:
        """Ask until there is an answer, or a reason that stays; at most three times."""
        for _ in range(TRIES - 1):
            said = await self._metrics.ask(integration, question)
            if not isinstance(said, Unanswered) or not said.is_passing:
                return said
            await asyncio.sleep(self._pause_s)
        return await self._metrics.ask(integration, question)


def secret_names(texts: Collection[str]) -> frozenset[str]:
    """The secrets that templates name."""
    names = (name for text in texts for name in parse_template(text).names)
    return frozenset(name.removeprefix(SECRETS) for name in names if name.startswith(SECRETS))


def check_variables(wanted: Wanted, templates: Collection[str]) -> None:
    """Errors: UnresolvedError with every name but those of secrets that has no value."""
    values = _values(wanted, {})
    names = dict.fromkeys(name for text in templates for name in parse_template(text).names)
    missing = tuple(name for name in names if not name.startswith(SECRETS) and values.get(name) is None)
    if missing:
        raise UnresolvedError(missing)


def _values(wanted: Wanted, secrets: Mapping[str, str]) -> Values:
    """What names mean; tags in variables of users are filled in by everything else."""
    base = Values(own=wanted.own, secrets=secrets)
    placeholders = {name: "" for name in secret_names(tuple(wanted.context.values()))}
    inner = base if secrets else Values(own=wanted.own, secrets=placeholders)
    context = {name: render(parse_template(text), inner.get).text for name, text in wanted.context.items()}
    return Values(own=wanted.own, context=context, secrets=secrets)


def _kept(shown: str, said: tuple[str, ...] | Unanswered, redactor: Redactor) -> Answer:
    """What is kept of a question and its answer."""
    question = shown[:_KEPT_CHARACTERS]
    if isinstance(said, Unanswered):
        return Answer(question=question, error=redactor.redact(said.why)[:_KEPT_CHARACTERS])
    values = tuple(redactor.redact(value) for value in said)
    return Answer(question=question, values=values[:_KEPT_VALUES], more=len(values[_KEPT_VALUES:]))
