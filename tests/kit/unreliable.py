"""The model cluster of `kit.delivery` on a bad day: it is busy, or cannot be looked at. Driven as the runner does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_server.domain import outcome
from borealis_server.domain.decide import NOTHING_SEEN, decide, needs_agent, needs_observation
from borealis_server.domain.decision import Act, Hold
from borealis_server.domain.effects import AgentAway, Busy
from kit.delivery import Drive, ModelCluster, a_deployment, a_target

if TYPE_CHECKING:
    from borealis_server.domain.decision import Decision
    from borealis_server.domain.deployment import StepRun
    from borealis_server.domain.effects import Effect, Outcome
    from borealis_server.domain.observation import Observation

TOO_MANY = Busy(detail="429 TooManyRequests: slow down")


@dataclass
class UnreliableCluster(ModelCluster):
    """Answers `busy` kinds of effects with Busy; while it `is_blind`, pods cannot be seen."""

    busy: tuple[type, ...] = ()
    is_blind: bool = False
    tries: int = 0

    def perform(self, effect: Effect) -> Outcome:
        """As the model, unless it is busy."""
        if isinstance(effect, self.busy) and not self.is_away:
            self.tries += 1
            return TOO_MANY
        return super().perform(effect)


@dataclass
class UnreliableDrive(Drive):
    """A drive that keeps what it learns from a busy cluster."""

    holding: Hold | None = None

    @property
    def bad(self) -> UnreliableCluster:
        """The cluster, to make it worse."""
        assert isinstance(self.cluster, UnreliableCluster)
        return self.cluster

    def once(self, *, crash_after_effect: bool = False, crash_after_intent: bool = False) -> bool:
        """One decision and its effect; False when the target holds or has ended."""
        if not self.run.is_active:
            return False
        decision = self._decided()
        if isinstance(decision, Act):
            self.keep(decision.run)
            if crash_after_intent:
                return True
            result = self.cluster.perform(decision.effect)
            if crash_after_effect:
                return True
            decision = outcome.absorb(self.run, decision.effect, result, self.here)
        self.keep(decision.run, decision.notes)
        self.holding = decision if isinstance(decision, Hold) else None
        return self.holding is None

    def until_hold(self) -> UnreliableDrive:
        """Decide until nothing is left to decide at this moment."""
        super().until_hold()
        return self

    def until_rest(self) -> UnreliableDrive:
        """Decide and let the cluster work until nothing changes any more."""
        super().until_rest()
        return self

    def later(self, seconds: float) -> UnreliableDrive:
        """Let time pass."""
        super().later(seconds)
        return self

    def tick_until_end(self, *, every_s: float, limit_s: float) -> float:
        """Decide whenever the target asks to be woken; seconds until it has ended, or `limit_s`."""
        for number in range(int(limit_s // every_s)):
            self.until_hold()
            if not self.run.is_active:
                return number * every_s
            self.later(every_s)
        return limit_s

    def _decided(self) -> Decision:
        run = self.run
        if needs_agent(run) and self.cluster.is_away:
            return decide(run, AgentAway(detail="it is not connected"), self.here)
        seen: Observation | AgentAway = NOTHING_SEEN
        if needs_observation(run):
            if self.bad.is_blind:
                return outcome.cannot_see(run, TOO_MANY, self.here)
            seen = self.cluster.observe()
        return decide(run, seen, self.here)


def an_unreliable_canary(*steps: StepRun, pods: int = 4) -> UnreliableDrive:
    """A canary over `pods` pods of an old version, in a cluster that can be made worse."""
    return UnreliableDrive(recorded=a_deployment(a_target("prod", *steps)), cluster=UnreliableCluster.running(pods))
