"""Asking metric providers: integration and secrets at the moment of use, tries, and what is kept of it.

Nothing that comes out holds a secret.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from borealis_deployfile.templates import SECRETS, UnresolvedError, parse_template, render
from borealis_deployfile.variables import Values
from borealis_server.domain.analysis.evidence import Answer, Judgement, Sample, Window
from borealis_server.domain.analysis.questions import QueryTexts
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
    queries: tuple[QueryTexts, ...]
    number: int
    window: Window
    secrets: frozenset[str]
    """Secrets that variables of users name."""
    values: Callable[[Mapping[str, str]], Values]
    """What the names in the templates mean, by the secrets. Errors: UnresolvedError."""
    actor: str = ""
    """On whose behalf, for the audit of relayed calls."""


class Asker:
    """Puts the questions of analyses to metric providers."""

    def __init__(
        self,
        integrations: IntegrationStore,
        secrets: SecretValues,
        metrics: Metrics,
        clock: Clock,
        *,
        pause_s: float = PAUSE_S,
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
        async with asyncio.TaskGroup() as group:
            tasks = {
                question: group.create_task(self._answer(wanted, *question), name=f"ask {question[0]}")
                for query in wanted.queries
                for question in _questions(query)
            }
        unresolved = [name for task in tasks.values() for name in _names(task.result())]
        if unresolved:
            raise UnresolvedError(tuple(dict.fromkeys(unresolved)))
        answers = {question: task.result() for question, task in tasks.items()}
        samples = tuple(_sample(query, answers) for query in wanted.queries)
        return Judgement(number=wanted.number, window=wanted.window, asked_at=self._clock.now(), samples=samples)

    async def ask_once(self, integration: Integration, text: str, window: Window) -> Answer:
        """One question without variables, asked once. Errors: as `SecretValues.values`."""
        credentials = await self._secrets.values(integration.name.tenant, integration.secrets)
        question = Question(text=text, window=window, credentials=credentials)
        return _kept(text, await self._metrics.ask(integration, question), Redactor(credentials.values()))

    async def _answer(self, wanted: Wanted, provider: str, template: str) -> Answer | UnresolvedError:
        parsed = parse_template(template)
        named = {name.removeprefix(SECRETS) for name in parsed.names if name.startswith(SECRETS)}
        try:
            integration = await self._integrations.get_integration(IntegrationName(wanted.tenant, provider))
            secrets = await self._secrets.values(wanted.tenant, {*integration.secrets, *named, *wanted.secrets})
            rendered = render(parsed, wanted.values(secrets).get)
        except BorealisError as error:
            return Answer(question=template[:_KEPT_CHARACTERS], error=error.message)
        except UnresolvedError as error:
            return error
        question = Question(text=rendered.text, window=wanted.window, credentials=secrets, actor=wanted.actor)
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


def _questions(query: QueryTexts) -> tuple[tuple[str, str], ...]:
    own = (query.provider, query.template)
    return (own, (query.provider, query.baseline)) if query.baseline else (own,)


def _names(answer: Answer | UnresolvedError) -> tuple[str, ...]:
    return answer.names if isinstance(answer, UnresolvedError) else ()


def _sample(query: QueryTexts, answers: Mapping[tuple[str, str], Answer | UnresolvedError]) -> Sample:
    own, *baseline = (answers[question] for question in _questions(query))
    known = [one for one in (own, *baseline) if isinstance(one, Answer)]
    return Sample(query=query.name, answer=known[0], baseline=known[1] if baseline else None)


def _kept(shown: str, said: tuple[str, ...] | Unanswered, redactor: Redactor) -> Answer:
    """What is kept of a question and its answer."""
    question = shown[:_KEPT_CHARACTERS]
    if isinstance(said, Unanswered):
        return Answer(question=question, error=redactor.redact(said.why)[:_KEPT_CHARACTERS])
    values = tuple(redactor.redact(value) for value in said[:_KEPT_VALUES])
    return Answer(question=question, values=values, more=len(said[_KEPT_VALUES:]))
