"""Taking guards of the engine away: whoever trusts the checker wants to see it miss every one of them.

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


def row(guard: str, place: str, before: str, after: str, scenario: str, invariant: str) -> Mutation:
    """`scenario`: its name, what must go wrong for the guard to matter, and whether it matters on the way forward.

    For example `one-pod + crash and lost, forward`.
    """
    name, _, rest = scenario.partition(" + ")
    kinds, _, way = rest.partition(", ")
    found = next(each for each in SCENARIOS if each.name == name)
    wrong = frozenset(filter(None, kinds.split(" and ")))
    found = found.late() if kinds == "late" else replace(found, faults=len(wrong), kinds=wrong)
    found = replace(found, can_abort=way != "forward")
    return Mutation(guard=guard, place=place, before=before, after=after, scenario=found, invariant=invariant)
