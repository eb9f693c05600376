"""The `strategies` of a deploy file: canary steps, and what can be wrong with each by itself.

Pauses have their own module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code
from borealis_deployfile.model import SetWeight, Step, Strategy
from borealis_deployfile.nodes import Mapping, Sequence
from borealis_deployfile.pauses import read_pause
from borealis_deployfile.reader import Fields, entries_of, is_blank

if TYPE_CHECKING:
    from borealis_deployfile.reader import Place, Reader

_FULL_WEIGHT: Final = 100
_STRATEGY: Final = Fields(
    what="a strategy", known=frozenset({"canary"}), unsupported=frozenset({"blueGreen"}), is_choice=True
)
_CANARY: Final = Fields(what="a canary", known=frozenset({"steps"}))
_STEP: Final = Fields(
    what="a step",
    known=frozenset({"setWeight", "pause"}),
    unsupported=frozenset({"analysis", "runWebhook", "exposeServices"}),
    is_choice=True,
    hints={"runWebhooks": "write `runWebhook`"},
)
_WEIGHT: Final = Fields(what="setWeight", known=frozenset({"weight"}))


def read_strategies(reader: Reader, place: Place) -> dict[str, Strategy | None]:
    """Strategies by name; None for one with faults, so that others may still refer to it."""
    mapping = reader.mapping(place, "strategies")
    if mapping is None:
        return {}
    found: dict[str, Strategy | None] = {}
    for name, here in entries_of(place, mapping):
        if name.text in found:
            reader.fault(
                Code.DUPLICATE_KEY, name.place, f'the strategy "{name.text}" is written twice', "keep one of them"
            )
        elif reader.name(name.text, name.place, "the name of a strategy") is not None:
            found[name.text] = _strategy(reader, name.text, here)
    return found


def _strategy(reader: Reader, name: str, place: Place) -> Strategy | None:
    what = f'strategy "{name}"'
    if isinstance(place.node, Sequence):
        reader.fault(Code.WRONG_TYPE, place, f"{what} must be a map, not a list", "write `canary:` without a dash")
        return None
    fields = reader.fields(place, _STRATEGY)
    if fields is None:
        return None
    kinds = _named(place, _STRATEGY)
    if len(kinds) > 1:
        reader.fault(Code.INVALID_VALUE, place, f"{what} has both canary and blueGreen", "keep one of the two")
    if (kinds == ["canary"] and not fields) or is_blank(place.node):
        reader.missing(place, "canary", what, "a strategy is a canary or a blueGreen")
    canary = fields.get("canary")
    steps = _canary(reader, canary, what) if canary is not None else None
    return None if steps is None else Strategy(name=name, steps=steps)


def _canary(reader: Reader, place: Place, what: str) -> tuple[Step, ...] | None:
    fields = reader.fields(place, _CANARY)
    if fields is None:
        return None
    if "steps" not in fields:
        reader.missing(place, "steps", f"the canary of {what}", "write `steps: []` to go straight to 100 %")
        return None
    sequence = reader.sequence(fields["steps"], "steps", "put a dash before each step")
    if sequence is None:
        return None
    places = [fields["steps"].at(item, index) for index, item in enumerate(sequence.items)]
    steps = [(here, _step(reader, here)) for here in places]
    _warn_of_decreases(reader, steps)
    return tuple(step for _, step in steps if step is not None)


def _warn_of_decreases(reader: Reader, steps: list[tuple[Place, Step | None]]) -> None:
    last = 0
    for place, step in steps:
        if not isinstance(step, SetWeight):
            continue
        if step.weight_percent < last:
            message = f"the weight falls from {last} to {step.weight_percent}"
            reader.warn(Code.WEIGHT_DECREASES, place, message, "weights should rise along the list")
        last = step.weight_percent


def _step(reader: Reader, place: Place) -> Step | None:
    fields = reader.fields(place, _STEP)
    if fields is None:
        return None
    kinds = _named(place, _STEP)
    if not kinds and not is_blank(place.node):
        return None  # its fields are unknown, and noted as that
    if len(kinds) != 1:
        found = f"this one has {', '.join(kinds)}" if kinds else "this one has none"
        advice = "put a dash before each step" if kinds else "write setWeight or pause"
        reader.fault(Code.INVALID_VALUE, place, f"a step has exactly one kind; {found}", advice)
        return None
    if "setWeight" in fields:
        return _set_weight(reader, fields["setWeight"])
    if "pause" in fields:
        return read_pause(reader, fields["pause"])
    if kinds[0] in _STEP.known:
        reader.missing(place, kinds[0], "a step", "give it a value")
    return None


def _named(place: Place, fields: Fields) -> list[str]:
    """Fields of the language that the map names, whether supported or not, with a value or not."""
    entries = place.node.entries if isinstance(place.node, Mapping) else {}
    return [name for name in entries if name in fields.known | fields.unsupported]


def _set_weight(reader: Reader, place: Place) -> SetWeight | None:
    if isinstance(place.node, Mapping):
        fields = reader.fields(place, _WEIGHT)
        if not fields:
            reader.missing(place, "weight", "setWeight")
            return None
        place = fields["weight"]
    weight = reader.integer(place, "the weight", "write a number without a percent sign")
    if weight is None:
        return None
    if not 0 <= weight <= _FULL_WEIGHT:
        reader.fault(Code.WEIGHT_RANGE, place, f"the weight must be 0 to {_FULL_WEIGHT}, not {weight}")
        return None
    return SetWeight(weight_percent=weight)
