"""The plan of a deploy file as data: what will happen, in which order, with how many pods."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from borealis_deployfile.planning.pod_ratio import Counts


class StepKind(StrEnum):
    """What a planned step does."""

    SET_WEIGHT = "set_weight"
    PAUSE = "pause"
    APPROVAL = "approval"
    ANALYSIS = "analysis"
    RUN_WEBHOOK = "run_webhook"
    EXPOSE_SERVICES = "expose_services"
    DEPLOY_NEW_VERSION = "deploy_new_version"
    REDIRECT_TRAFFIC = "redirect_traffic"
    SHUT_DOWN_OLD_VERSION = "shut_down_old_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A wait for a person."""

    roles: tuple[str, ...]
    """One of these is needed; empty means everybody who may see the deployment."""
    expires_after_s: float | None
    """The deployment is cancelled after this time; None waits for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPods:
    """Pods of one Deployment at the end of a step."""

    name: str
    namespace: str
    pods: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step of a target, or a condition of it."""

    ref: str
    """Name within the target; the one that a run gives it too."""
    kind: StepKind
    summary: str
    """For people, as in `25 % to the new version`."""
    least_duration_s: float = 0.0
    """It takes at least this long; pods, webhooks and people come on top."""
    weight_percent: int | None = None
    """Share of the new version; only for steps that move pods or traffic."""
    pods: Counts | None = None
    """Pods of all Deployments at the end of the step; only for steps that move pods or traffic."""
    most_pods: int | None = None
    """Most pods of both versions at any moment of the step."""
    extra_pods: int | None = None
    """How many of them are above what runs without a deployment: the room that the cluster must have."""
    deployments: tuple[DeploymentPods, ...] = ()
    approval: Approval | None = None
    phase: Literal["strategy", "redirect", "shut_down"] = "strategy"
    """Conditions of one phase run at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePods:
    """What is live of a Deployment."""

    replicas: int | None = None
    """Pods that the live version is to have; None when there is none, or nobody knows."""
    unknown: str = ""
    """Why nobody knows; empty when it is known."""
    autoscaler: str = ""
    """HorizontalPodAutoscaler that decides on the number; empty when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDeployment:
    """A Deployment of a target, and how many pods the plan counts with."""

    name: str
    namespace: str
    replicas: int
    source: Literal["given", "manifest", "live", "assumed"]
    """Where the number comes from: what was given goes first, then what the manifest writes, then what is live, as in a
    deployment; `assumed` is one pod, where nothing says more."""
    max_surge: int
    max_unavailable: int
    live: LivePods | None = None
    """What is live; None where nobody was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTarget:
    """What happens for one target."""

    name: str
    account: str
    namespace: str | None
    wave: int
    """Targets of a wave may run at the same time; counts from 1."""
    depends_on: tuple[str, ...]
    strategy: str | None
    strategy_kind: Literal["canary", "blue_green", "none"]
    """`none`: there is no Deployment, so the manifests are applied and that is all."""
    objects: int
    """Manifests that are applied."""
    deployments: tuple[PlannedDeployment, ...]
    before: tuple[PlannedStep, ...] = ()
    steps: tuple[PlannedStep, ...] = ()
    after: tuple[PlannedStep, ...] = ()
    least_duration_s: float = 0.0
    earliest_start_s: float = 0.0
    """Counted from the start of the deployment."""
    earliest_finish_s: float = 0.0
    extra_pods: int = 0
    """Most pods above what runs without a deployment, over all steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a deploy file will do."""

    application: str
    waves: tuple[tuple[str, ...], ...]
    targets: tuple[PlannedTarget, ...]
    """In the order of the file."""
    earliest_finish_s: float = 0.0
    """Nobody waits, pods start at once, webhooks answer at once: it takes longer."""
    notes: tuple[str, ...] = field(default=())
    """What the plan takes for granted."""
