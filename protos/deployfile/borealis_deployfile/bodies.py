"""The bodies of webhooks: read from files where the deploy file names one, and judged like those that it writes.

A fault stands where it is: in the body's own file, or at the step that uses a variable without a value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code, Severity, fault_at
from borealis_deployfile.manifests import not_read
from borealis_deployfile.model import Origin, SecretUse
from borealis_deployfile.templates import SECRETS, neutral, parse_template
from borealis_deployfile.texts import is_secret, name_problem
from borealis_deployfile.variable_rules import Uses, variable_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.manifests import FileContent
    from borealis_deployfile.model import DeployFile, Webhook

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_TYPE_HEADER: Final = "content-type"
_KIND: Final = "webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyResult:
    """The verdict on the bodies."""

    file: DeployFile
    """The deploy file with every body in its place; complete only when there are no faults."""
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


def check_bodies(
    file: DeployFile, files: Mapping[str, tuple[FileContent, ...]], *, unread: Mapping[str, str] = _NOTHING
) -> BodyResult:
    """The deploy file with the bodies that `files` holds by their path, or every fault in them.

    `unread` says for paths that are missing why they could not be read.
    """
    faults: list[Fault] = []
    warnings: list[Fault] = []
    secrets: list[SecretUse] = list(file.secrets)
    webhooks = {}
    for name, webhook in file.webhooks.items():
        webhooks[name] = webhook
        body, source = webhook.body, None
        if webhook.body_path is not None:
            source = _content(webhook.body_path, webhook, files, unread, faults)
            body = _text(source, faults) if source else None
        if body is None:
            continue
        if source is not None:
            webhooks[name] = replace(webhook, body=body, body_path=None)
            faults += _template_faults(body, source.name)
            secrets += _secrets(body, source.name)
        warnings += _json_warnings(webhook, body, source.name if source else None)
    whole = replace(file, webhooks=webhooks, secrets=tuple(secrets))
    faults += _variable_faults(whole)
    return BodyResult(file=whole, faults=tuple(faults), warnings=tuple(warnings))


def _content(
    path: str,
    webhook: Webhook,
    files: Mapping[str, tuple[FileContent, ...]],
    unread: Mapping[str, str],
    faults: list[Fault],
) -> FileContent | None:
    place = webhook.body_origin or _start_of("")
    contents = files.get(path)
    if contents is None:
        faults.append(fault_at(place, Code.BODY_NOT_FOUND, *not_read(path, unread)))
        return None
    if len(contents) != 1:
        faults.append(fault_at(place, Code.BODY_NOT_FOUND, f'"{path}" is a folder', "a body is one file: name it"))
        return None
    return contents[0]


def _text(source: FileContent, faults: list[Fault]) -> str | None:
    try:
        return source.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the file is not UTF-8: byte {error.start + 1} is {source.content[error.start]:#04x}"
        faults.append(fault_at(_start_of(source.name), Code.ENCODING, message, "save it as UTF-8"))
        return None


def _template_faults(body: str, name: str) -> Iterator[Fault]:
    template = parse_template(body)
    for problem in template.problems:
        advice = "write a variable as {{context.name}}"
        yield fault_at(_place(body, problem.start, name), Code.TEMPLATE_INVALID, problem.message, advice)
    starts = {part.name: part.start for part in reversed(template.parts) if not isinstance(part, str)}
    for variable, start in reversed(starts.items()):
        wrong = name_problem(variable, _KIND)
        if wrong is not None:
            yield fault_at(_place(body, start, name), *wrong)


def _secrets(body: str, name: str) -> Iterator[SecretUse]:
    for part in parse_template(body).parts:
        if not isinstance(part, str) and is_secret(part.name):
            yield SecretUse(name=part.name.removeprefix(SECRETS), origin=_place(body, part.start, name))


def _json_warnings(webhook: Webhook, body: str, name: str | None) -> Iterator[Fault]:
    """What is sent as JSON should be JSON; a warning, since only the receiver knows how strict it is."""
    kinds = [value for key, value in webhook.headers if key.lower() == _TYPE_HEADER]
    if not body.strip() or any("json" not in kind.lower() for kind in kinds):
        return
    try:
        json.loads(neutral(body))
    except (ValueError, RecursionError) as error:
        where, what = "", "it is nested too deep"
        place = webhook.body_origin or _start_of("")
        if isinstance(error, json.JSONDecodeError):
            what = error.msg.lower()
            place = _place(body, error.pos, name) if name is not None else place
            where = f" at line {error.lineno}, column {error.colno} of it" if name is None else ""
        message = f'the body of the webhook "{webhook.name}" is sent as JSON and is none: {what}{where}'
        advice = "correct it, or say what it is by a header Content-Type"
        yield fault_at(place, Code.INVALID_VALUE, message, advice, Severity.WARNING)


def _variable_faults(file: DeployFile) -> Iterator[Fault]:
    uses = Uses(
        context=frozenset(file.context) | frozenset(file.given_context),
        strategies=file.strategies,
        targets=[(one.before, one.strategy, one.after) for one in file.targets],
        webhooks=file.webhooks,
        queries=file.queries,
    )
    for origin, message, advice in variable_problems(uses):
        yield fault_at(origin or _start_of(""), Code.UNRESOLVED_VARIABLE, message, advice)


def _place(text: str, start: int, name: str) -> Origin:
    """Where a character of a body stands, lines counted as editors do."""
    before = text[:start]
    line = before.count("\n") + 1
    column = start - (before.rfind("\n") + 1) + 1
    return Origin(file=name, line=line, column=column, end_column=column + 1)


def _start_of(name: str) -> Origin:
    return Origin(file=name, line=1, column=1, end_column=2)
