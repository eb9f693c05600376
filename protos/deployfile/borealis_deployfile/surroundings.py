"""Names that a deploy file uses and that exist elsewhere: agents, secrets, metric providers, roles.

Only a server knows which there are; the rules for them are here, so that their faults read like all others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from borealis_deployfile.faults import Code, Severity, fault_at
from borealis_deployfile.hints import listed, nearest_name
from borealis_deployfile.model import Analysis, BlueGreen, Canary, Origin, Pause

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.model import DeployFile, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What exists. None means that it is not known, so that nothing is judged by it."""

    accounts: Collection[str] | None = None
    secrets: Collection[str] | None = None
    providers: Collection[str] | None = None
    roles: Collection[str] | None = None
    away: Mapping[str, str] = field(default_factory=dict)
    """Agents that exist and are not connected, each with when it was last seen, in words."""


def check_surroundings(file: DeployFile, known: Surroundings) -> tuple[Fault, ...]:
    """A fault for each name that does not exist; unknown roles and agents that are away are warnings: both may come."""
    faults = [
        *_unknown_accounts(file, known.accounts),
        *_unknown_secrets(file, known.secrets),
        *_unknown_providers(file, known.providers),
        *_unknown_roles(file, known.roles),
        *_away(file, known.away),
    ]
    return tuple(sorted(faults, key=lambda fault: (fault.line, fault.column)))


def _unknown_accounts(file: DeployFile, known: Collection[str] | None) -> Iterator[Fault]:
    for target in file.targets:
        if known is None or target.account in known or "{{" in target.account:
            continue  # what a secret says is known only when it is used
        message = f"target '{target.name}': account '{target.account}' does not exist"
        near = nearest_name(target.account, sorted(known))
        agents = ", ".join(sorted(known)) or "none yet"
        advice = f"known agents: {agents}; make one with: borealis agent create NAME"
        place = _place(target.account_origin)
        yield fault_at(place, Code.UNKNOWN_ACCOUNT, message, f"did you mean '{near}'?" if near else advice)


def _unknown_secrets(file: DeployFile, known: Collection[str] | None) -> Iterator[Fault]:
    for use in file.secrets:
        if known is not None and use.name not in known:
            # The names of other secrets are nobody's business, except for the one that was meant.
            near = nearest_name(use.name, sorted(known))
            advice = f'did you mean "{near}"?' if near else ""
            yield fault_at(use.origin, Code.UNKNOWN_SECRET, f'the secret "{use.name}" does not exist', advice)


def _unknown_providers(file: DeployFile, known: Collection[str] | None) -> Iterator[Fault]:
    told = set()
    for step in _steps(file):
        if not isinstance(step, Analysis) or known is None:
            continue
        for name in step.queries:
            provider = file.queries[name].provider or step.provider or file.default_provider or ""
            if provider in known or (step.origin, provider) in told:
                continue
            told.add((step.origin, provider))
            message = f'the metric provider "{provider}" does not exist; the query "{name}" asks it'
            yield fault_at(_place(step.origin), Code.UNKNOWN_PROVIDER, message, _advice(provider, known))


def _unknown_roles(file: DeployFile, known: Collection[str] | None) -> Iterator[Fault]:
    if known is None:
        return
    roles = {role.lower() for role in known}
    for step in _steps(file):
        if not isinstance(step, Pause):
            continue
        for role in step.requires_roles:
            if role.lower() not in roles:
                message = f'the role "{role}" does not exist'
                place = _place(step.roles_origin)
                yield fault_at(place, Code.UNKNOWN_ROLE, message, _advice(role, known), Severity.WARNING)


def _away(file: DeployFile, away: Mapping[str, str]) -> Iterator[Fault]:
    for target in file.targets:
        if target.account in away:
            message = f"target '{target.name}': the agent '{target.account}' is not connected ({away[target.account]})"
            advice = "the target waits for it when its turn comes"
            place = _place(target.account_origin)
            yield fault_at(place, Code.AGENT_DISCONNECTED, message, advice, Severity.WARNING)


def _steps(file: DeployFile) -> Iterator[Step]:
    for strategy in file.strategies.values():
        if isinstance(strategy, Canary):
            yield from strategy.steps
        elif isinstance(strategy, BlueGreen):
            yield from (*strategy.redirect_after, *strategy.shut_down_after)
    for target in file.targets:
        yield from (*target.before, *target.after)


def _advice(name: str, known: Collection[str]) -> str:
    near = nearest_name(name, sorted(known))
    if near is not None:
        return f'did you mean "{near}"?'
    return f"there is: {listed(sorted(known))}" if known else ""


def _place(origin: Origin | None) -> Origin:
    return origin or Origin(file="", line=1, column=1, end_column=2)
