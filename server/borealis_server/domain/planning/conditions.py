"""Conditions of a deploy file as steps of a run: the same wherever they stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from borealis_deployfile.model import Analysis, Condition, DeployFile, ExposeServices, Pause, RunWebhook, Target
from borealis_server.domain.analysis.verdict import AnalysisRun
from borealis_server.domain.deployment import StepRun
from borealis_server.domain.exposure import Exposure
from borealis_server.domain.planning.analyses import plan_analysis
from borealis_server.domain.states import StepKind, StepPart
from borealis_server.domain.webhook import DEFAULT_CALLBACK_LIMIT_S, WebhookRun

_PREFIXES = {StepPart.BEFORE: "before", StepPart.STRATEGY: "step", StepPart.AFTER: "after"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where steps are planned."""

    file: DeployFile
    target: Target


def step_ref(part: StepPart, number: int) -> str:
    """The name of step `number` of a part, from 1: `before-1`, `step-1`, `after-1`."""
    return f"{_PREFIXES[part]}-{number}"


def step_number(ref: str) -> int:
    """The number in the name of a step."""
    return int(ref.rpartition("-")[2])


def plan_together(setting: Setting, part: StepPart, conditions: Iterable[Condition]) -> tuple[StepRun, ...]:
    """Conditions that stand alone in a part, as one stage: they run at the same time."""
    return tuple(
        plan_condition(setting, one, step_ref(part, number), part, stage=1)
        for number, one in enumerate(conditions, start=1)
    )


def plan_condition(setting: Setting, condition: Condition, ref: str, part: StepPart, *, stage: int) -> StepRun:
    """The step for one condition."""
    match condition:
        case Pause():
            return _pause(condition, ref, part, stage)
        case RunWebhook():
            webhook = _webhook(setting, condition)
            return StepRun(ref=ref, kind=StepKind.RUN_WEBHOOK, part=part, stage=stage, webhook=webhook)
        case ExposeServices():
            exposure = Exposure(
                services=condition.services, ttl_s=condition.ttl_s, requires_login=condition.requires_login
            )
            return StepRun(ref=ref, kind=StepKind.EXPOSE_SERVICES, part=part, stage=stage, exposure=exposure)
        case Analysis():
            analysis = AnalysisRun(plan=plan_analysis(setting.file, condition))
            return StepRun(ref=ref, kind=StepKind.ANALYSIS, part=part, stage=stage, analysis=analysis)
    assert_never(condition)


def _webhook(setting: Setting, step: RunWebhook) -> WebhookRun:
    webhook = setting.file.webhooks[step.name]
    agent = (webhook.agent or setting.target.account) if webhook.is_through_agent else ""
    return WebhookRun(
        name=webhook.name,
        agent=agent,
        tries=webhook.retries + 1,
        has_callback=webhook.has_callback,
        callback_limit_s=webhook.callback_timeout_s or DEFAULT_CALLBACK_LIMIT_S,
    )


def _pause(condition: Pause, ref: str, part: StepPart, stage: int) -> StepRun:
    return StepRun(
        ref=ref,
        kind=StepKind.PAUSE,
        part=part,
        stage=stage,
        duration_s=condition.duration_s,
        until_approved=condition.until_approved,
        requires_roles=condition.requires_roles,
        expires_after_s=condition.expires_after_s,
    )
