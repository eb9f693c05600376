"""One target as text: its headline, and the lines below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_cli.render.analyses import analysis_text
from borealis_cli.render.glyphs import sign
from borealis_cli.render.text import Span, duration, elapsed, one_line, short_id, timestamp, word
from borealis_cli.render.webhook import answer_lines, webhook_text
from borealis_client import StepRunPart, StepRunState, TargetRunRollback, TargetRunState

if TYPE_CHECKING:
    from datetime import datetime

    from borealis_cli.render.glyphs import Glyphs
    from borealis_cli.render.text import Line
    from borealis_client import Deployment, Pause, StepRun, TargetRun, TrafficRoute, Wait, Workload

TROUBLE: Final = frozenset({TargetRunState.FAILED, TargetRunState.CANCELLED, TargetRunState.ROLLING_BACK})
ENDED: Final = frozenset({TargetRunState.SUCCEEDED, TargetRunState.FAILED, TargetRunState.CANCELLED})
_BEHIND: Final = frozenset({StepRunState.SUCCEEDED, StepRunState.SKIPPED})
_WORKS: Final = {
    "deploy_new_version": "deploy the new version beside the old one",
    "redirect_traffic": "redirect traffic to the new version",
    "shut_down_old_version": "shut down the old version",
}
_PART_WORDS: Final = {StepRunPart.BEFORE: "before: ", StepRunPart.AFTER: "after: "}
_ROLLBACK_WORDS: Final = {
    TargetRunRollback.RUNNING: "rolling back",
    TargetRunRollback.DONE: "rolled back",
    TargetRunRollback.FAILED: "ROLLBACK FAILED",
}


def headline(target: TargetRun, *, glyphs: Glyphs, now: datetime) -> Line:
    """Sign, name, state, step and time on one line."""
    mark, style = sign(target.state, glyphs)
    facts = [_dependence(target), _step_count(target), weights(target), _rollback(target)]
    return (
        Span(f"{mark} ", style),
        Span(one_line(target.name), "bold"),
        Span(f"  {word(target.state)}", style),
        Span("".join(f"  {fact}" for fact in facts if fact)),
        Span(f"  {elapsed(target.start_time, target.end_time, now)}", "quiet"),
    )


def details(deployment: Deployment, target: TargetRun, *, glyphs: Glyphs, now: datetime) -> list[Line]:
    """What is worth saying below the headline: steps, pods, the wait, what to type, what went wrong."""
    if target.state in {TargetRunState.NOT_STARTED, TargetRunState.SUCCEEDED}:
        return [line for step in target.steps for line in _links(step, now)] + _warnings(target, glyphs)
    lines: list[Line] = []
    for step in target.steps:
        lines += [_step(step, glyphs=glyphs, now=now), *answer_lines(step), *_links(step, now)]
    lines += [_pods(workload) for workload in target.workloads if pods(workload)]
    lines += [_route(route) for route in target.routes]
    if target.wait:
        lines.append(_wait(target.wait, now=now))
    if target.state is TargetRunState.AWAITING_APPROVAL:
        lines.append((Span(f"{glyphs.arrow} "), Span(approval_command(deployment, target), "bold")))
    if target.message and not (target.wait and target.wait.what == target.message):
        lines.append((Span(one_line(target.message), "bad" if target.state in TROUBLE else ""),))
    return lines + _warnings(target, glyphs)


def approval_command(deployment: Deployment, target: TargetRun) -> str:
    """What to type to approve what this target waits for."""
    return f"borealis approve {short_id(deployment.name)}/{one_line(target.name)}"


def weights(target: TargetRun) -> str:
    """Weight asked for and share of the pods, where the two say something."""
    if target.state in {TargetRunState.NOT_STARTED, TargetRunState.SUCCEEDED}:
        return ""
    pairs = {(one.asked_weight_percent, one.actual_weight_percent) for one in target.workloads if pods(one)}
    return ", ".join(f"{asked}% asked {actual}% actual" for asked, actual in sorted(pairs))


def pods(workload: Workload) -> str:
    """Available pods of both versions against those asked for; empty while there are none and none are asked for."""
    if not (workload.new_pods or workload.old_pods or workload.new_available or workload.old_available):
        return ""
    new = f"new {workload.new_available}/{workload.new_pods}"
    return f"{new} old {workload.old_available}/{workload.old_pods} ready"


def _route(route: TrafficRoute) -> Line:
    """A route by its name, with the weight asked for and the one that it really gives."""
    rule = f" ({route.rule})" if route.rule else ""
    actual = "unknown" if route.actual_weight_percent is None else f"{route.actual_weight_percent}%"
    text = f"{route.kind} {route.name}{rule}: {route.asked_weight_percent}% asked {actual} actual"
    return (Span(one_line(text), "quiet"),)


def _dependence(target: TargetRun) -> str:
    if target.state is not TargetRunState.NOT_STARTED or not target.depends_on:
        return ""
    return f"waits for {one_line(', '.join(target.depends_on))}"


def _step_count(target: TargetRun) -> str:
    if not target.steps or target.state in {TargetRunState.NOT_STARTED, TargetRunState.SUCCEEDED}:
        return ""
    stages: dict[tuple[object, int], bool] = {}
    for number, step in enumerate(target.steps):
        # Steps of one stage run together and count once; records of old knew no stages.
        key = (step.part, step.stage or -number)
        stages[key] = stages.get(key, True) and step.state in _BEHIND
    return f"step {min(sum(stages.values()) + 1, len(stages))}/{len(stages)}"


def _rollback(target: TargetRun) -> str:
    return _ROLLBACK_WORDS.get(target.rollback, "")


def _step(step: StepRun, *, glyphs: Glyphs, now: datetime) -> Line:
    mark, style = sign(step.state, glyphs)
    is_dull = step.state in {StepRunState.NOT_STARTED, StepRunState.SKIPPED}
    state = "" if step.state in {StepRunState.NOT_STARTED, StepRunState.SUCCEEDED} else f"  {word(step.state)}"
    time = "" if is_dull else elapsed(step.start_time, step.end_time, now)
    return (
        Span(f"{mark} ", style),
        Span(_PART_WORDS.get(step.part, "") + _step_text(step, now), "quiet" if is_dull else ""),
        Span(state, style),
        Span(f"  {time}" if time else "", "quiet"),
    )


def _step_text(step: StepRun, now: datetime) -> str:
    if step.set_weight:
        return f"setWeight {step.set_weight.weight_percent}"
    if step.expose_services is not None:
        return f"expose {one_line(', '.join(step.expose_services.services))}"
    if step.analysis is not None:
        return analysis_text(step.analysis)
    if step.run_webhook:
        return webhook_text(step.run_webhook, step.state, now)
    if step.pause is not None:
        return _pause_text(step, step.pause, now)
    return next((text for field, text in _WORKS.items() if getattr(step, field) is not None), one_line(step.ref))


def _pause_text(step: StepRun, pause: Pause, now: datetime) -> str:
    if pause.approval is None:
        skip = pause.skip
        ending = f", skipped by {_said(skip.decided_by, skip.comment)}" if skip else _rest(step, now)
        return f"pause {duration(pause.duration_s)}{ending}"
    given = pause.approval
    if given.decided_by:
        return f"approval by {_said(given.decided_by, given.comment)}"
    roles = " or ".join(given.requires_roles)
    return f"approval by the role {one_line(roles)}" if roles else "approval"


def _links(step: StepRun, now: datetime) -> list[Line]:
    """The addresses that a step has made, as long as they lead somewhere."""
    links = step.expose_services.links if step.expose_services else []
    return [
        (
            Span(f"  {one_line(link.service)}: "),
            Span(one_line(link.url), "bold"),
            Span(f"  {duration((link.expire_time - now).total_seconds())} left", "quiet"),
        )
        for link in links
        if link.expire_time and link.expire_time > now
    ]


def _said(who: str, comment: str) -> str:
    return one_line(f"{who}: {comment}" if comment else who)


def _rest(step: StepRun, now: datetime) -> str:
    resume_time = step.pause.resume_time if step.pause else None
    if resume_time is None or step.state is not StepRunState.RUNNING:
        return ""
    return f", {duration((resume_time - now).total_seconds())} left"


def _pods(workload: Workload) -> Line:
    return (Span(f"pods {one_line(workload.name)}: "), Span(pods(workload)))


def _wait(wait: Wait, *, now: datetime) -> Line:
    parts = [f"waits for {one_line(wait.what)}"]
    if wait.since_time:
        parts.append(f"since {elapsed(wait.since_time, None, now)}")
    if wait.ended_by:
        parts.append(f"ended by {one_line(wait.ended_by)}")
    if wait.limit_time:
        left = (wait.limit_time - now).total_seconds()
        outcome = f": {one_line(wait.at_limit)}" if wait.at_limit else ""
        parts.append(f"limit {timestamp(wait.limit_time)} (in {duration(left)}){outcome}")
    return (Span("; ".join(parts), "wait"),)


def _warnings(target: TargetRun, glyphs: Glyphs) -> list[Line]:
    return [(Span(f"{glyphs.warning} warning: ", "wait"), Span(one_line(text))) for text in target.warnings]
