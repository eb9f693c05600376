"""Why a deployment or a target is as it is: one sentence that names what, since when, who or what ends it, and the way
out. Pure; for every state, the final ones included.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from borealis_server.domain.deployment import Deployment, StepRun, TargetRun, Wait
from borealis_server.domain.states import DeploymentState, EndReason, Phase, Rollback, StepKind, StepState, TargetState


class Action(StrEnum):
    """What a person can do about it; mirrors `borealis.deployment.v1.Explanation.Action`."""

    APPROVE = "APPROVE"
    SKIP = "SKIP"
    ROLL_BACK = "ROLL_BACK"
    CANCEL = "CANCEL"
    REDEPLOY = "REDEPLOY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why something is as it is."""

    sentence: str
    """Everything below in one sentence."""
    target: str
    """The target that it is about; empty when it is about the deployment itself."""
    what: str
    """What it waits for, does, or came to."""
    since: datetime | None
    """Since when; None before it began."""
    ended_by: str
    """Who or what ends it; empty for what is final."""
    limit_at: datetime | None
    at_limit: str
    advice: str
    """What to do, in words."""
    actions: tuple[Action, ...]
    """What a person may decide now that would change it."""


_URGENCY = {
    TargetState.AWAITING_APPROVAL: 0,
    TargetState.RUNNING: 2,
    TargetState.ROLLING_BACK: 3,
    TargetState.PAUSED: 4,
}
_URGENCY_OF_ENDS = {TargetState.FAILED: 6, TargetState.CANCELLED: 8, TargetState.SUCCEEDED: 10}

_WORK: Mapping[Phase, str] = {
    Phase.WAITING: "is about to start",
    Phase.BEFORE: "works through the conditions before its deployment",
    Phase.PREPARING: "reads what is live and changes nothing yet",
    Phase.APPLYING: "puts its manifests in place, before any pod moves",
    Phase.SETTLING: "waits until what it applied is ready, before any pod moves",
    Phase.HOLDING_TRAFFIC: "ties its routes to the old version, before there is a new one",
    Phase.TAKING_OVER: "takes over from what scaled its pods before, and creates the new version without pods",
    Phase.STEPPING: "works through the steps of its strategy",
    Phase.FINISHING: "marks the new version as the live one and removes the old one",
    Phase.AFTER: "works through the conditions after its deployment; the new version serves",
    Phase.RESTORING_TRAFFIC: "sends all traffic back to the old version",
    Phase.RESTORING_SETTINGS: "brings back the settings that its pods read",
    Phase.RESTORING_PODS: "brings the pods of the old version back",
    Phase.REMOVING_NEW: "removes the new version",
    Phase.RESTORING_OBJECTS: "brings its other objects back as they were",
}
"""What a target does in each phase that is not the end."""

_STEP_WORDS: Mapping[StepKind, str] = {
    StepKind.SET_WEIGHT: "the weight of {weight_percent} %",
    StepKind.PAUSE: "a pause",
    StepKind.DEPLOY_NEW_VERSION: "the new version beside the old one, without traffic",
    StepKind.REDIRECT_TRAFFIC: "all traffic to the new version",
    StepKind.SHUT_DOWN_OLD_VERSION: "the last look before the old version goes",
    StepKind.RUN_WEBHOOK: "a webhook",
    StepKind.EXPOSE_SERVICES: "temporary addresses of Services",
    StepKind.ANALYSIS: "an analysis by metrics",
}

_WAIT_ADVICE: Mapping[TargetState, tuple[str, tuple[Action, ...]]] = {
    TargetState.AWAITING_APPROVAL: ("approve it", (Action.APPROVE,)),
    TargetState.PAUSED: ("wait, skip the pause", (Action.SKIP,)),
}
"""What else than to stop can be done about a target that waits, by its state."""

_LOOK = "look at what it waits for in the cluster"

_ROLLBACK_WORDS: Mapping[Rollback, str] = {
    Rollback.NONE: "",
    Rollback.RUNNING: "; it is being rolled back",
    Rollback.DONE: "; everything is as it was before",
    Rollback.FAILED: "; the rollback failed",
}

_END_ADVICE: Mapping[EndReason, str] = {
    EndReason.USER_CANCELLED: "start again when it is time, or redeploy this one",
    EndReason.USER_ROLLED_BACK: "correct what was wrong and start again",
    EndReason.APPROVAL_EXPIRED: "start again or redeploy this one, and approve it in time",
    EndReason.APPLY_ERROR: "correct what the cluster did not take, and start again",
    EndReason.READINESS_TIMEOUT: "look at the pods that did not get ready, correct them, and start again",
    EndReason.AGENT_LOST: "see that the agent runs and reaches the server, and start again",
    EndReason.UPSTREAM_FAILED: "see why the targets before it did not succeed",
    EndReason.OBJECT_OWNED_BY: "rename the object, or remove it from the other application, and start again",
    EndReason.SERVICE_NOT_MATCHED: "correct the Services or the names of them in the deploy file, and start again",
    EndReason.UNRESOLVED_VARIABLE: "give the variables values, or take them out, and start again",
    EndReason.WEBHOOK_TRIGGER_FAILED: "see what the webhook answered, correct it or the call, and start again",
    EndReason.WEBHOOK_CALLBACK_FAILED: "see what the webhook reported, correct it, and start again",
    EndReason.WEBHOOK_TIMEOUT: "see whether the call has set anybody to work, and whether they can call back",
    EndReason.PREVIEW_FAILED: "correct the Service or what its agent lets through, and start again",
    EndReason.ANALYSIS_OUT_OF_LIMITS: "look at what the queries came to, correct the new version or the limits, and "
    "start again",
    EndReason.ANALYSIS_ERROR: "try the query and the integration out, correct them, and start again",
    EndReason.ROUTE_NOT_MATCHED: "correct the routes or the names of them in the deploy file, and start again",
    EndReason.REPLACED: "follow the newer deployment",
    EndReason.REJECTED: "connect the agent, or correct the account, and redeploy this one",
}
"""What to do after each bad end; has every reason."""

_QUEUE_ADVICE: Mapping[DeploymentState, tuple[str, tuple[Action, ...]]] = {
    DeploymentState.QUEUED: ("see what deployment {blocked_by} waits for, or cancel this one", (Action.CANCEL,)),
    DeploymentState.REPLACED: ("follow deployment {replaced_by}", (Action.REDEPLOY,)),
    DeploymentState.REJECTED: ("connect the agent, or correct the account, and redeploy this one", (Action.REDEPLOY,)),
}
"""States of deployments of which no target has started."""


def explain(deployment: Deployment) -> Explanation:
    """Why the deployment is as it is: by the target that needs somebody most, or that decided the end."""
    if deployment.state in _QUEUE_ADVICE:
        return _of_queue(deployment)
    runs = sorted(deployment.targets, key=_urgency)
    found = explain_target(deployment, runs[0].name)
    others = sum(not run.state.is_final for run in runs[1:])
    if not others:
        return found
    count = "1 other target has" if others == 1 else f"{others} other targets have"
    return replace(found, sentence=f"{found.sentence[:-1]} ({count} not ended either).")


def explain_target(deployment: Deployment, name: str) -> Explanation:
    """Why the target `name` is as it is. Errors: KeyError when there is none."""
    run = deployment.target(name)
    if deployment.state in _QUEUE_ADVICE:
        return replace(_of_queue(deployment), target=name)
    if run.state.is_final:
        return _of_end(deployment, run)
    if run.wait:
        return _of_wait(run, run.wait)
    return _of_work(run)


def _of_wait(run: TargetRun, wait: Wait) -> Explanation:
    because = f", since {run.message}" if run.state is TargetState.ROLLING_BACK else ""
    advice, actions = _wait_advice(run)
    return _explained(
        run.name,
        f"waits for {wait.what}{because}",
        since=wait.since,
        ended_by=wait.ended_by,
        limit_at=wait.limit_at,
        at_limit=wait.at_limit,
        advice=advice,
        actions=actions,
    )


def _wait_advice(run: TargetRun) -> tuple[str, tuple[Action, ...]]:
    agent = f"see that agent {run.account} runs and reaches the server" if run.agent_lost_at else ""
    if run.state is TargetState.ROLLING_BACK:
        return agent or "look at the pods of the old version, if they do not get ready", ()
    if run.phase is Phase.FINISHING:
        return agent or "see why the cluster does not take the change; the new version serves", ()
    if run.phase is Phase.WAITING:
        return "see what those targets wait for, or cancel the deployment", (Action.CANCEL,)
    has_way_back = run.phase not in (Phase.BEFORE, Phase.AFTER)
    usual = (f"see what the webhook {calling} does" if (calling := _webhook(run)) else _LOOK, ())
    advice, first = _WAIT_ADVICE.get(run.state, usual)
    back = (Action.ROLL_BACK, Action.CANCEL) if has_way_back else (Action.CANCEL,)
    return f"{agent or advice}, or {'roll back' if has_way_back else 'cancel'}", (*first, *back)


def _webhook(run: TargetRun) -> str:
    """The webhook that the target as a whole waits for; empty where it is something else."""
    names = (step.webhook.name for step in run.current_steps if step.webhook and step.wait == run.wait)
    return next(names, "")


def _of_work(run: TargetRun) -> Explanation:
    doing = f"{_WORK[run.phase]}{_steps_of(run)}" + (f" ({run.intent})" if run.intent else "")
    because = f", since {run.message}" if run.state is TargetState.ROLLING_BACK else ""
    is_bound = run.phase is Phase.FINISHING or run.state is TargetState.ROLLING_BACK
    return _explained(
        run.name,
        f"{doing}{because}",
        since=run.started_at,
        ended_by="borealis itself, with the cluster's answer",
        advice="nothing: it goes on by itself" if is_bound else "nothing: it goes on by itself; or cancel",
        actions=() if is_bound else (Action.CANCEL,),
    )


def _of_end(deployment: Deployment, run: TargetRun) -> Explanation:
    if run.end_reason is None:
        what, advice = "runs the new version", "nothing; redeploy an earlier deployment to get its version back"
    else:
        culprits = _culprits(deployment, run)
        advice = _END_ADVICE[run.end_reason] + (f" ({culprits})" if culprits else "")
        word = "failed" if run.state is TargetState.FAILED else "was cancelled"
        what = f"{word}: {run.message}{_ROLLBACK_WORDS[run.rollback]}"
        if run.rollback is Rollback.FAILED:
            advice = f"repair by hand what the message names, then {advice}"
    return _explained(run.name, what, since=run.ended_at, advice=advice, actions=(Action.REDEPLOY,))


def _of_queue(deployment: Deployment) -> Explanation:
    advice, actions = _QUEUE_ADVICE[deployment.state]
    is_waiting = deployment.state is DeploymentState.QUEUED
    told = _explained(
        deployment.application,
        deployment.message,
        since=deployment.started_at if is_waiting else deployment.ended_at,
        ended_by="the end of that deployment" if is_waiting else "",
        advice=advice.format(blocked_by=deployment.blocked_by, replaced_by=deployment.replaced_by),
        actions=actions,
    )
    return replace(told, target="")


def _explained(  # every part of an explanation
    name: str,
    what: str,
    *,
    since: datetime | None,
    ended_by: str = "",
    limit_at: datetime | None = None,
    at_limit: str = "",
    advice: str,
    actions: tuple[Action, ...],
) -> Explanation:
    parts = [
        f"{name} {what}" + (f" (since {_moment(since)})" if since else ""),
        f"ended by {ended_by}" if ended_by else "",
        f"at {_moment(limit_at)} {at_limit}" if limit_at else "",
        f"to do: {advice}",
    ]
    return Explanation(
        sentence="; ".join(part for part in parts if part) + ".",
        target=name,
        what=what,
        since=since,
        ended_by=ended_by,
        limit_at=limit_at,
        at_limit=at_limit,
        advice=advice,
        actions=actions,
    )


def _culprits(deployment: Deployment, run: TargetRun) -> str:
    """The targets because of which one never started."""
    lost = [
        name for name in run.depends_on if deployment.target(name).state in (TargetState.FAILED, TargetState.CANCELLED)
    ]
    return " and ".join(lost) if run.end_reason is EndReason.UPSTREAM_FAILED else ""


def _steps_of(run: TargetRun) -> str:
    steps = [step for step in run.current_steps if step.state is not StepState.NOT_STARTED] or run.current_steps
    return f": {' and '.join(_step(step) for step in steps)}" if steps else ""


def _step(step: StepRun) -> str:
    return f"{step.ref}, {_STEP_WORDS[step.kind].format(weight_percent=step.weight_percent)}"


def _urgency(run: TargetRun) -> int:
    """What needs a person first, then trouble, work, time, and waiting for others; of ended ones the worst."""
    if run.state.is_final:
        return _URGENCY_OF_ENDS[run.state] + (run.end_reason is EndReason.UPSTREAM_FAILED)
    if run.phase is Phase.WAITING:
        return 5
    if run.agent_lost_at and run.state is not TargetState.AWAITING_APPROVAL:
        return 1
    return _URGENCY.get(run.state, 2)


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
