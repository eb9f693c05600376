"""The `strategies` of a deploy file: canary and blue/green."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_deployfile.faults import Code
from borealis_deployfile.language.steps import CONDITION
from borealis_deployfile.language.strategies import BLUE_GREEN, CANARY, STRATEGY
from borealis_deployfile.model import BlueGreen, Canary, Strategy
from borealis_deployfile.nodes import Sequence
from borealis_deployfile.reader import entries_of, is_blank
from borealis_deployfile.steps import named_in, read_conditions, read_steps

if TYPE_CHECKING:
    from borealis_deployfile.reader import Place, Reader


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
    fields = reader.fields(place, STRATEGY)
    if fields is None:
        return None
    kinds = named_in(place, STRATEGY)
    if len(kinds) > 1:
        reader.fault(Code.INVALID_VALUE, place, f"{what} has both canary and blueGreen", "keep one of the two")
    if (kinds == ["canary"] and not fields) or is_blank(place.node):
        reader.missing(place, "canary", what, "a strategy is a canary or a blueGreen")
    canary = _canary(reader, fields["canary"], name) if "canary" in fields else None
    is_blue_green = "blueGreen" in kinds
    blue_green = _blue_green(reader, fields.get("blueGreen"), name, place) if is_blue_green else None
    return canary if canary is not None else blue_green


def _canary(reader: Reader, place: Place, name: str) -> Canary | None:
    fields = reader.fields(place, CANARY)
    if fields is None:
        return None
    if "steps" not in fields:
        what = f'the canary of strategy "{name}"'
        reader.missing(place, "steps", what, "write `steps: []` to go straight to 100 %")
        return None
    return Canary(name=name, steps=read_steps(reader, fields["steps"]), origin=reader.origin(place))


def _blue_green(reader: Reader, place: Place | None, name: str, strategy: Place) -> BlueGreen | None:
    """The recipe; a `blueGreen:` without a value switches and shuts down at once."""
    fields = reader.fields(place, BLUE_GREEN) if place is not None else {}
    if fields is None:
        return None
    for legacy in ("activeService", "previewService"):
        if legacy in fields:
            message = f"`{legacy}` in a strategy is deprecated"
            reader.warn(Code.DEPRECATED, fields[legacy], message, f"write trafficManagement[].kubernetes[].{legacy}")
    active = reader.text(fields["activeService"], "`activeService`") if "activeService" in fields else None
    preview = reader.text(fields["previewService"], "`previewService`") if "previewService" in fields else None
    if active is not None and active == preview:
        message = f'the active and the preview Service are both "{active}"'
        reader.fault(Code.INVALID_VALUE, fields["previewService"], message, "name two different Services")
    redirect, shut_down = "redirectTrafficAfter", "shutDownOldVersionAfter"
    return BlueGreen(
        name=name,
        redirect_after=read_conditions(reader, fields.get(redirect), CONDITION, f"`{redirect}`"),
        shut_down_after=read_conditions(reader, fields.get(shut_down), CONDITION, f"`{shut_down}`"),
        active_service=active,
        preview_service=preview,
        origin=reader.origin(place or strategy),
    )
