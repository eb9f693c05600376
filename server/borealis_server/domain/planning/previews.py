"""Which steps of a stage wait for another one of it: those that use the address of a Service which that one exposes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from borealis_deployfile.model import Analysis, Condition, DeployFile, RunWebhook
from borealis_deployfile.templates import parse_template
from borealis_deployfile.variables import CONTEXT, PREVIEW, own_name
from borealis_server.domain.deployment import StepRun
from borealis_server.domain.states import StepKind


def after_previews(file: DeployFile, planned: Sequence[tuple[StepRun, StepKind | Condition]]) -> tuple[StepRun, ...]:
    """The steps, each with those of its stage that it waits for; `planned` is each with what it was planned for."""
    return tuple(
        replace(step, awaits=_awaited(step, uses, planned)) if (uses := services_used(file, member)) else step
        for step, member in planned
    )


def services_used(file: DeployFile, member: StepKind | Condition) -> frozenset[str]:
    """Services whose addresses a step uses."""
    if not isinstance(member, RunWebhook | Analysis):
        return frozenset()
    return frozenset(_services(_texts(file, member)))


def _awaited(
    step: StepRun, uses: frozenset[str], planned: Sequence[tuple[StepRun, StepKind | Condition]]
) -> tuple[str, ...]:
    return tuple(
        other.ref
        for other, _ in planned
        if other.stage == step.stage and other.exposure and uses & set(other.exposure.services)
    )


def _texts(file: DeployFile, step: RunWebhook | Analysis) -> Iterator[str]:
    yield from step.context.values()
    if isinstance(step, RunWebhook):
        webhook = file.webhooks[step.name]
        yield webhook.uri
        yield webhook.body or ""
        for pair in webhook.headers:
            yield from pair
        return
    yield from (file.queries[name].template for name in step.queries if name in file.queries)


def _services(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for name in parse_template(text).names if "{{" in text else ():
            own = "" if name.startswith(CONTEXT) else own_name(name) or ""
            if own.startswith(PREVIEW):
                yield own.removeprefix(PREVIEW)
