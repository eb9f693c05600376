"""Steps, conditions and constraints: which kind one is; weights and exposed Services are read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.analysis import read_analysis_step
from borealis_deployfile.durations import read_duration
from borealis_deployfile.faults import Code
from borealis_deployfile.language.steps import EXPOSE_SERVICES, SET_WEIGHT, STEP
from borealis_deployfile.model import DEFAULT_TTL_S, ExposeServices, SetWeight
from borealis_deployfile.nodes import Mapping
from borealis_deployfile.pauses import read_pause
from borealis_deployfile.reader import is_blank
from borealis_deployfile.webhooks import read_run_webhook

if TYPE_CHECKING:
    from borealis_deployfile.language.shapes import Shape
    from borealis_deployfile.model import Condition, Origin, Step
    from borealis_deployfile.reader import Place, Reader

FULL_WEIGHT: Final = 100
LEAST_TTL_S: Final = 60.0
LONGEST_TTL_S: Final = 24 * 3600.0


def read_steps(reader: Reader, place: Place) -> tuple[Step, ...]:
    """The steps of a canary; those with faults are left out."""
    places = reader.items(place, "steps", "put a dash before each step")
    steps = [(here, _step(reader, here, STEP)) for here in places]
    _warn_of_decreases(reader, steps)
    return tuple(step for _, step in steps if step is not None)


def read_conditions(reader: Reader, place: Place | None, shape: Shape, what: str) -> tuple[Condition, ...]:
    """What a list of conditions or constraints waits for; those with faults are left out."""
    if place is None:
        return ()
    steps = [_step(reader, here, shape) for here in reader.items(place, what, f"put a dash before {shape.what}")]
    return tuple(step for step in steps if step is not None and not isinstance(step, SetWeight))


def named_in(place: Place, shape: Shape) -> list[str]:
    """Fields of the shape that the map names, with a value or not."""
    entries = place.node.entries if isinstance(place.node, Mapping) else {}
    names = {one.name for one in shape.fields}
    return [name for name in entries if name in names]


def _warn_of_decreases(reader: Reader, steps: list[tuple[Place, Step | None]]) -> None:
    last = 0
    for place, step in steps:
        if not isinstance(step, SetWeight):
            continue
        if step.weight_percent < last:
            message = f"the weight falls from {last} to {step.weight_percent}"
            reader.warn(Code.WEIGHT_DECREASES, place, message, "weights should rise along the list")
        last = step.weight_percent


def _step(reader: Reader, place: Place, shape: Shape) -> Step | None:
    fields = reader.fields(place, shape)
    if fields is None:
        return None
    kinds = named_in(place, shape)
    if not kinds and not is_blank(place.node):
        return None  # its fields are unknown, and noted as that
    if len(kinds) != 1:
        found = f"this one has {', '.join(kinds)}" if kinds else "this one has none"
        advice = "put a dash before each step" if kinds else f"write {shape.fields[0].name} or {shape.fields[1].name}"
        reader.fault(Code.INVALID_VALUE, place, f"{shape.what} has exactly one kind; {found}", advice)
        return None
    if not fields:
        reader.missing(place, kinds[0], shape.what, "give it a value")
        return None
    return _read_kind(reader, kinds[0], fields[kinds[0]], reader.origin(place))


def _read_kind(reader: Reader, kind: str, place: Place, origin: Origin) -> Step | None:
    match kind:
        case "setWeight":
            return _set_weight(reader, place, origin)
        case "pause":
            return read_pause(reader, place, origin)
        case "analysis":
            return read_analysis_step(reader, place, origin)
        case "runWebhook":
            return read_run_webhook(reader, place, origin)
        case _:
            return _expose_services(reader, place, origin)


def _set_weight(reader: Reader, place: Place, origin: Origin) -> SetWeight | None:
    if isinstance(place.node, Mapping):
        fields = reader.fields(place, SET_WEIGHT)
        if not fields:
            reader.missing(place, "weight", "setWeight")
            return None
        place = fields["weight"]
    weight = reader.integer(place, "the weight", "write a number without a percent sign")
    if weight is None:
        return None
    if not 0 <= weight <= FULL_WEIGHT:
        reader.fault(Code.WEIGHT_RANGE, place, f"the weight must be 0 to {FULL_WEIGHT}, not {weight}")
        return None
    return SetWeight(weight_percent=weight, origin=origin)


def _expose_services(reader: Reader, place: Place, origin: Origin) -> ExposeServices | None:
    fields = reader.fields(place, EXPOSE_SERVICES)
    if fields is None:
        return None
    errors_before = reader.errors
    reader.require(place, fields, EXPOSE_SERVICES, "exposeServices")
    services = fields.get("services")
    if services is not None and is_blank(services.node):
        reader.fault(Code.MISSING_FIELD, services, "exposeServices needs at least one Service", "name a Service")
    words = reader.words(services, "`services`") if services is not None else ()
    ttl_s = _ttl_s(reader, fields["ttl"]) if "ttl" in fields else DEFAULT_TTL_S
    login = "requiresLogin" in fields and reader.boolean(fields["requiresLogin"], "requiresLogin")
    if ttl_s is None or reader.errors > errors_before:
        return None
    names = tuple(dict.fromkeys(word.text for word in words))
    return ExposeServices(services=names, ttl_s=ttl_s, requires_login=bool(login), origin=origin)


def _ttl_s(reader: Reader, place: Place) -> float | None:
    ttl_s = read_duration(reader, place, "the ttl")
    if ttl_s is not None and not LEAST_TTL_S <= ttl_s <= LONGEST_TTL_S:
        message = f"the ttl must be 60 seconds to 24 hours, not {ttl_s:.0f} seconds"
        reader.fault(Code.TTL_RANGE, place, message)
        return None
    return ttl_s
