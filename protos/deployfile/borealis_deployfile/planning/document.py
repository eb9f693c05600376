"""The plan as JSON, and the JSON Schema of that: a promise to scripts. Fields may be added, none change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from borealis_deployfile.language.json_schema import DIALECT, Schema
from borealis_deployfile.planning.plan import StepKind

if TYPE_CHECKING:
    from borealis_deployfile.planning.plan import Plan, PlannedDeployment, PlannedStep, PlannedTarget
    from borealis_deployfile.planning.pod_ratio import Counts

Json = dict[str, Any]  # Any: JSON of every shape
"""A JSON object."""

API_VERSION: Final = "borealis/v1"
"""Version of the document."""

_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number", "minimum": 0}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def to_document(plan: Plan) -> Json:
    """The plan as JSON; steps that move no pods have no `weight_percent` and no `pods`; `live` is there where asked."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Plan",
        "application": plan.application,
        "waves": [list(wave) for wave in plan.waves],
        "earliest_finish_s": plan.earliest_finish_s,
        "targets": [_target(one) for one in plan.targets],
        "notes": list(plan.notes),
    }


def plan_schema() -> Schema:
    """The schema of `to_document`."""
    root = _object(
        {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": "Plan"},
            "application": _TEXT,
            "waves": _list(_list(_TEXT)),
            "earliest_finish_s": _NUMBER,
            "targets": _list(_reference("target")),
            "notes": _list(_TEXT),
        },
    )
    definitions = {
        "deployment": _deployment_schema(),
        "pods": _object({"new": _COUNT, "old": _COUNT}),
        "step": _step_schema(),
        "target": _target_schema(),
    }
    head = {"$schema": DIALECT, "$id": "urn:borealis:schema:plan:v1", "title": "Borealis plan"}
    return {**head, **root, "$defs": definitions}


def _target_schema() -> Schema:
    return _object(
        {
            "name": _TEXT,
            "account": _TEXT,
            "namespace": {"type": ["string", "null"]},
            "wave": {"type": "integer", "minimum": 1},
            "depends_on": _list(_TEXT),
            "strategy": {"type": ["string", "null"]},
            "strategy_kind": {"enum": ["canary", "blue_green", "none"]},
            "objects": _COUNT,
            "deployments": _list(_reference("deployment")),
            **{name: _list(_reference("step")) for name in ("before", "steps", "after")},
            "least_duration_s": _NUMBER,
            "earliest_start_s": _NUMBER,
            "earliest_finish_s": _NUMBER,
            "extra_pods": _COUNT,
        },
    )


def _deployment_schema() -> Schema:
    return _object(
        {
            "name": _TEXT,
            "namespace": _TEXT,
            "replicas": _COUNT,
            "replicas_from": {"enum": ["given", "manifest", "live", "assumed"]},
            "max_surge": _COUNT,
            "max_unavailable": _COUNT,
        },
        {
            "live": _object(
                {
                    "replicas": {"type": ["integer", "null"], "minimum": 0},
                    "autoscaler": {"type": ["string", "null"]},
                    "unknown": {"type": ["string", "null"]},
                }
            )
        },
    )


def _step_schema() -> Schema:
    kinds = {"enum": [str(kind) for kind in StepKind]}
    return _object(
        {"ref": _TEXT, "kind": kinds, "summary": _TEXT, "least_duration_s": _NUMBER},
        {
            "phase": {"enum": ["redirect", "shut_down"]},
            "weight_percent": {"type": "integer", "minimum": 0, "maximum": 100},
            "pods": _reference("pods"),
            "most_pods": _COUNT,
            "extra_pods": _COUNT,
            "deployments": _list(_object({"name": _TEXT, "namespace": _TEXT, "pods": _reference("pods")})),
            "approval": _object({"roles": _list(_TEXT), "expires_after_s": {"type": ["number", "null"]}}),
        },
    )


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _object(required: Json, optional: Json | None = None) -> Schema:
    # Fields may be added, so others are allowed.
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


def _list(item: Json) -> Schema:
    return {"type": "array", "items": item}


def _target(target: PlannedTarget) -> Json:
    return {
        "name": target.name,
        "account": target.account,
        "namespace": target.namespace,
        "wave": target.wave,
        "depends_on": list(target.depends_on),
        "strategy": target.strategy,
        "strategy_kind": target.strategy_kind,
        "objects": target.objects,
        "deployments": [_deployment(one) for one in target.deployments],
        "before": [_step(one) for one in target.before],
        "steps": [_step(one) for one in target.steps],
        "after": [_step(one) for one in target.after],
        "least_duration_s": target.least_duration_s,
        "earliest_start_s": target.earliest_start_s,
        "earliest_finish_s": target.earliest_finish_s,
        "extra_pods": target.extra_pods,
    }


def _deployment(one: PlannedDeployment) -> Json:
    document: Json = {
        "name": one.name,
        "namespace": one.namespace,
        "replicas": one.replicas,
        "replicas_from": one.source,
        "max_surge": one.max_surge,
        "max_unavailable": one.max_unavailable,
    }
    if one.live is not None:
        live = one.live
        document["live"] = {
            "replicas": live.replicas,
            "autoscaler": live.autoscaler or None,
            "unknown": live.unknown or None,
        }
    return document


def _step(step: PlannedStep) -> Json:
    document: Json = {
        "ref": step.ref,
        "kind": str(step.kind),
        "summary": step.summary,
        "least_duration_s": step.least_duration_s,
    }
    if step.phase != "strategy":
        document["phase"] = step.phase
    if step.pods is not None:
        document |= {
            "weight_percent": step.weight_percent,
            "pods": _pods(step.pods),
            "most_pods": step.most_pods,
            "extra_pods": step.extra_pods,
            "deployments": [
                {"name": one.name, "namespace": one.namespace, "pods": _pods(one.pods)} for one in step.deployments
            ],
        }
    if step.approval is not None:
        document["approval"] = {"roles": list(step.approval.roles), "expires_after_s": step.approval.expires_after_s}
    return document


def _pods(pods: Counts) -> Json:
    return {"new": pods.new, "old": pods.old}
