"""Guards of the engine, each taken away in turn: whoever trusts the checker wants to see it miss every one of them.

A mutation changes the text of one function and puts the code in its place, so that everybody who calls it is affected.
When a guard has moved, its row fails: say where it stands now.
"""

from __future__ import annotations

import importlib
import inspect
import textwrap
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kit.checker.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.checker.scenarios import Scenario

_DOMAIN = "borealis_server.domain"
_RATIO = "borealis_deployfile.planning.pod_ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One guard gone. `place` is `module:function`; `scenario` the one that must show it."""

    guard: str
    place: str
    before: str
    after: str
    scenario: Scenario
    invariant: str
    """Number or name of the invariant that notices."""

    @property
    def name(self) -> str:
        """For tests."""
        return self.guard.replace(" ", "-")

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The engine without this guard, inside the context."""
        function = _function(self.place)
        original = function.__code__
        function.__code__ = self._mutated(function).__code__
        try:
            yield
        finally:
            function.__code__ = original

    def _mutated(self, function: Any) -> Any:  # Any: functions of every signature
        source = textwrap.dedent(inspect.getsource(function))
        if source.count(self.before) != 1:
            raise AssertionError(f"the guard {self.guard!r} is no longer in {self.place}: say where it is now")
        found: dict[str, Any] = {}
        names = function.__globals__
        exec(compile(source.replace(self.before, self.after), self.place, "exec"), names, found)  # noqa: S102 - our own source
        return found[function.__name__]


def _function(place: str) -> Any:  # Any: functions of every signature
    module, _, path = place.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _row(guard: str, place: str, before: str, after: str, scenario: str, invariant: str) -> Mutation:
    """`scenario`: its name, what must go wrong for the guard to matter, and whether it matters on the way forward."""
    name, _, rest = scenario.partition(" + ")
    kinds, _, way = rest.partition(", ")
    found = next(each for each in SCENARIOS if each.name == name)
    found = found.late() if kinds == "late" else replace(found, faults=1 if kinds else 0, kinds=frozenset({kinds}))
    found = replace(found, can_abort=way != "forward")
    return Mutation(guard=guard, place=place, before=before, after=after, scenario=found, invariant=invariant)


MUTATIONS: tuple[Mutation, ...] = (
    _row(
        "a decision on an old record is dropped",
        "borealis_server.services.runner:Runner._keep",
        "newest.target(key.target).revision == base.revision",
        "newest is not None",
        "one-pod",
        "3",
    ),
    _row(
        "every change of a target is counted",
        f"{_DOMAIN}.record:Recorded.with_target",
        ".revision + 1",
        ".revision + 0",
        "one-pod",
        "3",
    ),
    _row(
        "a scaling is made only from the count that was seen",
        "kit.checker.performing:_scale",
        " or each.desired != effect.from_pods",
        "",
        "two-pods-half + crash, forward",
        "6",
    ),
    _row(
        "pods stay within the surge",
        f"{_RATIO}:next_counts",
        "replicas + bounds.max_surge",
        "replicas + bounds.max_surge + 1",
        "two-pods-half",
        "2",
    ),
    _row(
        "enough pods stay available",
        f"{_RATIO}:next_counts",
        "floor=replicas - bounds.max_unavailable",
        "floor=replicas - bounds.max_unavailable - 1",
        "two-pods-half",
        "2",
    ),
    _row(
        "a new pod counts when it is available",
        f"{_RATIO}:_drain",
        "new_safe = min(grown.new, observed.new_available) if drains_old else grown.new",
        "new_safe = grown.new",
        "two-pods-half",
        "2",
    ),
    _row(
        "an old pod counts when it is available again",
        f"{_RATIO}:_drain",
        "old_safe = grown.old if drains_old else min(grown.old, observed.old_available)",
        "old_safe = grown.old",
        "two-pods-half",
        "2",
    ),
    _row(
        "a weight is reached when its pods are available",
        f"{_RATIO}:is_reached",
        "is_asked and is_serving",
        "is_asked",
        "first-deployment",
        "1",
    ),
    _row(
        "a target waits for those that it depends on",
        f"{_DOMAIN}.record:_settle_waiting",
        "if open_names:",
        "if False:",
        "two-targets",
        "7",
    ),
    _row(
        "a target whose predecessor failed is cancelled",
        f"{_DOMAIN}.record:_settle_waiting",
        "if lost:",
        "if False:",
        "two-targets + refuse",
        "liveness",
    ),
    _row(
        "an approval after its limit is refused",
        f"{_DOMAIN}.persons:_open_steps",
        "(step.limit_at is None or wish.at < step.limit_at)",
        "True",
        "two-pods-approval",
        "3",
    ),
    _row(
        "an approval that nobody gave is none",
        f"{_DOMAIN}.steps.pause:decide",
        "if step.until_approved:",
        "if False:",
        "two-pods-approval",
        "3",
    ),
    _row(
        "an approval is for those who have the role",
        f"{_DOMAIN}.persons:_may_approve",
        "not step.requires_roles or ",
        "True or ",
        "two-pods-approval",
        "8",
    ),
    _row(
        "a pause ends at its limit",
        f"{_DOMAIN}.steps.pause:decide",
        "here.now < step.limit_at",
        "here.now <= step.limit_at",
        "three-pods-pause",
        "liveness",
    ),
    _row(
        "nobody turns back while the old version is being removed",
        f"{_DOMAIN}.persons:_is_stoppable",
        "run.phase is not Phase.FINISHING and ",
        "",
        "one-pod",
        "1",
    ),
    _row(
        "a change that fails at the end leaves the new version serving",
        f"{_DOMAIN}.outcome:_refused",
        "if run.phase is Phase.FINISHING:",
        "if False:",
        "one-pod + refuse",
        "1",
    ),
    _row("no change is left out", f"{_DOMAIN}.outcome:_done", "run.cursor + 1", "run.cursor + 2", "one-pod", "6"),
    _row(
        "what is changed was saved before",
        f"{_DOMAIN}.outcome:_prepared",
        "saved=found.saved",
        "saved=()",
        "one-pod",
        "6",
    ),
    _row(
        "the old version is whole before the new one goes",
        f"{_DOMAIN}.rollback:_old_at_full_size",
        "move = pods.move(run, seen, here, aim)",
        "move = None",
        "two-pods-half",
        "2",
    ),
    _row(
        "the way back leads to as many pods as before",
        f"{_DOMAIN}.rollback:_as_before",
        "replicas=load.old_replicas if load.old_name else 0",
        "replicas=load.replicas if load.old_name else 0",
        "grows",
        "6",
    ),
    _row(
        "the way back removes the new version",
        f"{_DOMAIN}.rollback:remove_new",
        "name=load.new_name) for load in run.workloads)",
        "name=load.new_name) for load in ())",
        "one-pod",
        "6",
    ),
    _row(
        "a native Deployment is let go before pods move",
        f"{_DOMAIN}.applying:_taking_over",
        "        if load.native:\n",
        "        if not load.native:\n",
        "native",
        "liveness",
    ),
    _row(
        "a Deployment on its way out is not taken for restored",
        "kit.checker.performing:_restore_deployment",
        "if there.is_going:",
        "if False:",
        "native",
        "6",
    ),
    _row(
        "the old version is removed at the end",
        f"{_DOMAIN}.finishing:_finishing",
        "            if name:\n",
        "            if name and load.native:\n",
        "one-pod",
        "6",
    ),
    _row(
        "the limit for pods is looked at",
        f"{_DOMAIN}.pods:is_overdue",
        "run.ready_limit_at is not None and here.now >= run.ready_limit_at",
        "False",
        "never-ready",
        "liveness",
    ),
    _row(
        "somebody looks again when a limit comes",
        f"{_DOMAIN}.pods:_hold",
        "wake_at=earliest(limit_at, here.now + RESYNC, confirmed_at)",
        "wake_at=None",
        "one-pod",
        "5",
    ),
    _row(
        "what happens at a limit is said",
        f"{_DOMAIN}.pods:_hold",
        'at_limit="the rollback is given up" if rolls_back else "the target is rolled back"',
        'at_limit=""',
        "one-pod",
        "5",
    ),
    _row(
        "nothing is written down after the end",
        "borealis_server.services.runner:Runner._keep",
        "newest.state.is_final",
        "newest is None",
        "one-pod + busy",
        "6",
    ),
    _row(
        "a change that may still arrive is waited out",
        f"{_DOMAIN}.late:await_arrival",
        "run.late_limit_at is None or here.now >= run.late_limit_at",
        "True",
        "one-pod + late",
        "6",
    ),
    _row(
        "an intent without its outcome is remembered",
        f"{_DOMAIN}.late:unknown",
        "run.intent_limit_at is None or run.state is TargetState.ROLLING_BACK",
        "True",
        "one-pod + late",
        "6",
    ),
    _row(
        "an autoscaler is deleted only as it was found",
        "kit.checker.performing:_remove_scaler",
        'str(there.uid) != json.loads(effect.autoscaler.before)["metadata"]["uid"]',
        "False",
        "autoscaled + late, forward",
        "6",
    ),
    _row(
        "an autoscaler is away while pods move",
        f"{_DOMAIN}.applying:_taking_over",
        "        if one.before:\n",
        "        if not one.before:\n",
        "autoscaled",
        "2",
    ),
    _row(
        "an autoscaler is placed for the new version",
        f"{_DOMAIN}.finishing:_finishing",
        "for one in run.autoscalers:",
        "for one in ():",
        "autoscaled",
        "6",
    ),
    _row(
        "an autoscaler comes back with the old version",
        f"{_DOMAIN}.rollback:restore_objects",
        "for one in scalers]",
        "for one in ()]",
        "autoscaled",
        "6",
    ),
    _row(
        "pods that are given up but still exist take room",
        f"{_DOMAIN}.pods:_has_room",
        "existing + more <= load.replicas + load.bounds.max_surge",
        "True",
        "two-pods-half",
        "2",
    ),
)
