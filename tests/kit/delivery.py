"""A deployment's target driven against a model of a cluster, without time, network or asyncio.

The model does what Kubernetes' own controllers do, one small step at a time, so that a test can put anything between
any two steps.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from borealis_server.domain import outcome
from borealis_server.domain.decide import NOTHING_SEEN, decide, needs_agent, needs_observation
from borealis_server.domain.decision import Act, Circumstances, Hold
from borealis_server.domain.deployment import Deployment, DeploymentKey, Event, StepRun, TargetRun, Workload
from borealis_server.domain.effects import (
    AgentAway,
    Busy,
    CreateReplicaSet,
    DeleteReplicaSet,
    Done,
    Effect,
    MarkLive,
    Outcome,
    Outdated,
    Prepare,
    Prepared,
    Refused,
    Scale,
)
from borealis_server.domain.observation import Observation, PodProblem, ReplicaSetView, WorkloadView
from borealis_server.domain.planning.pod_ratio import Bounds
from borealis_server.domain.record import Note, Recorded, settle
from borealis_server.domain.states import EndReason, StepKind

START = datetime(2026, 1, 1, tzinfo=UTC)
NEW, OLD = "shop-new", "shop-old"


def set_weight(percent: int, ref: str = "step-1") -> StepRun:
    return StepRun(ref=ref, kind=StepKind.SET_WEIGHT, weight_percent=percent)


def timed_pause(seconds: float, ref: str = "step-1") -> StepRun:
    return StepRun(ref=ref, kind=StepKind.PAUSE, duration_s=seconds)


def approval(ref: str = "step-1", expires_after_s: float | None = None) -> StepRun:
    return StepRun(ref=ref, kind=StepKind.PAUSE, until_approved=True, expires_after_s=expires_after_s)


def numbered(*steps: StepRun) -> tuple[StepRun, ...]:
    return tuple(replace(step, ref=f"step-{number}", stage=number) for number, step in enumerate(steps, start=1))


def a_target(name: str = "prod", *steps: StepRun, depends_on: tuple[str, ...] = ()) -> TargetRun:
    return TargetRun(
        name=name,
        account="cluster",
        namespace="shop",
        depends_on=depends_on,
        steps=numbered(*steps) or numbered(set_weight(100)),
    )


def a_deployment(*targets: TargetRun) -> Recorded:
    deployment = Deployment(
        key=DeploymentKey(tenant="main", id="abc"),
        application="shop",
        targets=targets or (a_target(),),
        started_by="ana",
        started_at=START,
        readiness_timeout_s=600,
    )
    return settle(Recorded(deployment=deployment), START)


@dataclass
class ModelSet:
    """A ReplicaSet: pods asked for, pods there, pods available."""

    desired: int
    available: int
    is_broken: bool = False

    def advance(self) -> None:
        """One pod gets available, or all surplus ones go."""
        if self.available > self.desired:
            self.available = self.desired
        elif self.available < self.desired and not self.is_broken:
            self.available += 1


@dataclass
class ModelCluster:
    """The cluster behind a target: its ReplicaSets, and every write that came."""

    replicas: int
    bounds: Bounds
    sets: dict[str, ModelSet] = field(default_factory=dict)
    live: str = ""
    writes: list[Effect] = field(default_factory=list)
    is_away: bool = False
    new_is_broken: bool = False
    refuses: type[Effect] | None = None

    @classmethod
    def running(cls, pods: int, *, surge: int | str = "25%", unavailable: int | str = 0) -> "ModelCluster":
        """A cluster where the old version runs with `pods` pods."""
        bounds = Bounds.of(pods, surge, unavailable)
        return cls(replicas=pods, bounds=bounds, sets={OLD: ModelSet(desired=pods, available=pods)}, live=OLD)

    @property
    def total(self) -> int:
        return sum(each.desired for each in self.sets.values())

    @property
    def available(self) -> int:
        return sum(min(each.available, each.desired) for each in self.sets.values())

    def advance(self) -> None:
        for each in self.sets.values():
            each.advance()

    def observe(self) -> Observation | AgentAway:
        if self.is_away:
            return AgentAway(detail="it is not connected")
        problems = (PodProblem(pod=f"{NEW}-x", reason="CrashLoopBackOff"),) if self.new_is_broken else ()
        view = WorkloadView(new=self._view(NEW), old=self._view(OLD), problems=problems)
        return Observation(workloads={("shop", "shop"): view})

    def _view(self, name: str) -> ReplicaSetView | None:
        each = self.sets.get(name)
        if each is None:
            return None
        shown = min(each.available, each.desired)
        return ReplicaSetView(
            name=name,
            uid=f"uid-{name}",
            desired=each.desired,
            total=max(each.available, shown),
            available=shown,
            is_settled=True,
        )

    def perform(self, effect: Effect) -> Outcome:
        if self.is_away:
            return AgentAway(detail="it is not connected")
        if self.refuses is not None and isinstance(effect, self.refuses):
            return Refused(reason=EndReason.APPLY_ERROR, message="the cluster said no")
        if isinstance(effect, Prepare):
            return Prepared(workloads=(self._workload(),), saved=())
        self.writes.append(effect)
        match effect:
            case CreateReplicaSet(name=name):
                self.sets.setdefault(name, ModelSet(desired=0, available=0, is_broken=self.new_is_broken))
            case Scale(name=name, from_pods=before, to_pods=after):
                if name not in self.sets or self.sets[name].desired != before:
                    self.writes.pop()
                    return Outdated()
                self.sets[name].desired = after
            case DeleteReplicaSet(name=name):
                self.sets.pop(name, None)
            case MarkLive(name=name):
                self.live = name
        return Done()

    def _workload(self) -> Workload:
        old = self.sets.get(OLD)
        return Workload(
            name="shop",
            namespace="shop",
            replicas=self.replicas,
            bounds=self.bounds,
            new_name=NEW,
            old_name=OLD if old else "",
            old_replicas=old.desired if old else 0,
        )


@dataclass
class Drive:
    """One target of a deployment, driven step by step as the runner drives it."""

    recorded: Recorded
    cluster: ModelCluster
    target: str = "prod"
    now: datetime = START
    intent_only: bool = False

    @property
    def deployment(self) -> Deployment:
        return self.recorded.deployment

    @property
    def run(self) -> TargetRun:
        return self.deployment.target(self.target)

    @property
    def events(self) -> tuple[Event, ...]:
        return self.recorded.events

    @property
    def here(self) -> Circumstances:
        return Circumstances(now=self.now, readiness_timeout_s=self.deployment.readiness_timeout_s, objects=())

    def keep(self, run: TargetRun, notes: tuple[Note, ...] = ()) -> None:
        if run != self.run or notes:
            self.recorded = settle(self.recorded.with_target(run, notes, self.now), self.now)

    def once(self, *, crash_after_effect: bool = False, crash_after_intent: bool = False) -> bool:
        """One decision and its effect; False when the target holds or has ended."""
        run = self.run
        if not run.is_active:
            return False
        seen: Observation | AgentAway = NOTHING_SEEN
        if needs_observation(run) or (needs_agent(run) and self.cluster.is_away):
            seen = self.cluster.observe()
        decision = decide(run, seen, self.here)
        if isinstance(decision, Act):
            self.keep(decision.run)
            if crash_after_intent:
                return True
            result = self.cluster.perform(decision.effect)
            if crash_after_effect:
                return True
            decision = outcome.absorb(self.run, decision.effect, result, self.here)
            if isinstance(result, Busy):
                return False
        self.keep(decision.run, decision.notes)
        return not isinstance(decision, Hold)

    def until_hold(self) -> "Drive":
        """Decide until nothing is left to decide at this moment."""
        for _ in range(200):
            if not self.once():
                return self
        raise AssertionError("the target never comes to rest")

    def until_rest(self) -> "Drive":
        """Decide, let the cluster work, decide again … until even a patient cluster changes nothing."""
        for _ in range(400):
            self.until_hold()
            before = self.recorded
            self.cluster.advance()
            self.until_hold()
            if self.recorded == before and all(
                each.is_broken or each.available == each.desired for each in self.cluster.sets.values()
            ):
                return self
        raise AssertionError("the target never comes to rest")

    def later(self, seconds: float) -> "Drive":
        self.now += timedelta(seconds=seconds)
        return self
