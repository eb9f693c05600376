"""A plan as lines of text: waves, targets, steps with their pods, and who must approve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_cli.render.text import counted, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.planning.plan import Plan, PlannedDeployment, PlannedStep, PlannedTarget

_PHASES: Final = {"redirect": "before traffic is redirected", "shut_down": "before the old version is shut down"}
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"))


def plan_lines(plan: Plan) -> list[str]:
    """The plan for people."""
    by_name = {target.name: target for target in plan.targets}
    lines = [f"plan for {one_line(plan.application)}"]
    for number, names in enumerate(plan.waves, start=1):
        lines += ["", f"wave {number}" + (" (together)" if len(names) > 1 else "")]
        for name in names:
            lines += _target_lines(by_name[name])
    lines += ["", f"earliest finish: {_duration(plan.earliest_finish_s)} after the start, plus what is waited for"]
    return [*lines, *(f"note: {note}" for note in plan.notes)]


def not_supported_lines(faults: Sequence[Fault]) -> list[str]:
    """That a start would be refused, and why."""
    if not faults:
        return []
    places = [f"  {fault.file}:{fault.line}:{fault.column}: {one_line(fault.message)}" for fault in faults]
    return ["", "a start of this file is refused for now:", *places]


def _target_lines(target: PlannedTarget) -> Iterator[str]:
    where = f"{target.account}/{target.namespace}" if target.namespace else target.account
    after = f", after {', '.join(map(one_line, target.depends_on))}" if target.depends_on else ""
    strategy = f", {one_line(target.strategy)}" if target.strategy and target.deployments else ""
    yield f"  {one_line(target.name)}  ({one_line(where)}{strategy}{after})"
    for deployment in target.deployments:
        yield f"    Deployment {one_line(deployment.name)}: {counted(deployment.replicas, 'pod')}{_origin(deployment)}"
    groups = (("before", target.before), ("", target.steps), ("after", target.after))
    for label, steps in groups:
        if label and steps:
            yield f"    {label} the deployment, together:"
        yield from _step_lines(steps, "      " if label else "    ")
    if not target.steps:
        yield f"    apply {target.objects} objects"
    yield f"    room needed: {counted(target.extra_pods, 'more pod')} at most" if target.deployments else ""


def _step_lines(steps: Sequence[PlannedStep], indent: str) -> Iterator[str]:
    """Steps in their order; the conditions of a blue/green phase below a line that says so."""
    phase = "strategy"
    for step in steps:
        if step.phase not in (phase, "strategy"):
            yield f"{indent}{_PHASES[step.phase]}, together:"
        phase = step.phase
        yield _step_line(step, indent if phase == "strategy" else f"{indent}  ")


def _origin(deployment: PlannedDeployment) -> str:
    """Where the number comes from, as far as that is not what one expects."""
    live = deployment.live
    if deployment.source == "live" and live and live.autoscaler:
        return f" (live, by the HorizontalPodAutoscaler {one_line(live.autoscaler)})"
    if deployment.source != "manifest":
        return f" ({deployment.source})"
    if live is None:
        return ""
    return (
        " (written; live unknown)"
        if live.unknown
        else f" (written; live: {'none' if live.replicas is None else live.replicas})"
    )


def _step_line(step: PlannedStep, indent: str) -> str:
    text = f"{indent}{step.ref:<10} {one_line(step.summary)}"
    if step.pods is not None:
        text += f": {step.pods.new} new, {step.pods.old} old"
        text += f" (at most {step.most_pods} on the way)" if step.extra_pods else ""
    if step.least_duration_s:
        text += f", {_duration(step.least_duration_s)}"
    if step.approval is not None:
        roles = " or ".join(map(one_line, step.approval.roles)) or "anybody who sees it"
        limit = step.approval.expires_after_s
        text += f", by {roles}" + (f", within {_duration(limit)}" if limit else "")
    return text


def _duration(seconds: float) -> str:
    """Short words for a length of time: `1h 30m`."""
    left, parts = round(seconds), []
    for size, unit in _UNITS:
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    if left or not parts:
        parts.append(f"{left}s")
    return " ".join(parts)
