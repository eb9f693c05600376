"""Examples made from the tables: each field in its place, and as a whole file that passes the rules."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from borealis_deployfile.language.document import DOCUMENT
from borealis_deployfile.language.paths import KEY, inner_shape
from borealis_deployfile.language.shapes import Field, ListOf, MapOf, Shape, canonical

if TYPE_CHECKING:
    from borealis_deployfile.language.paths import Entry

Json = Any  # Any: JSON of every shape
"""A part of a deploy file."""

_REST: Final[dict[str, Json]] = {
    "application": "shop",
    "targets": {
        "qa": {"account": "qa-cluster", "namespace": "shop-qa", "strategy": "careful"},
        "live": {"account": "live-cluster", "namespace": "shop-live", "strategy": "swap"},
    },
    "manifests": [{"path": "k8s/"}],
    "strategies": {
        "careful": {"canary": {"steps": [{"setWeight": {"weight": 25}}]}},
        "swap": {"blueGreen": {"redirectTrafficAfter": [{"pause": {"untilApproved": True}}]}},
    },
    "analysis": {
        "defaultMetricProviderName": "prometheus",
        "queries": [{"name": "error-rate", "upperLimit": 1, "queryTemplate": "sum(rate(errors_total[1m]))"}],
    },
    "webhooks": [{"name": "smoke-test", "uriTemplate": "https://runner.example/jobs"}],
    "context": {"suite": "fast"},
    "trafficManagement": [{"targets": ["live"], "kubernetes": [{"activeService": "shop"}]}],
}
_STRATEGY_OF: Final = {"smi": "careful", "istio": "careful", "gatewayApi": "careful"}


def fragment_of(entry: Entry) -> dict[str, Json]:
    """The field with its example and everything it needs beside it, as the part of a file that it stands in."""
    value = _in_shape(entry.shape, entry.field, value_of(entry.field))
    for shape, field in reversed(_parents(entry)):
        value = _in_shape(shape, field, _as_value(field, value))
    return value


def complete(fragment: dict[str, Json]) -> dict[str, Json]:
    """A whole file around the fragment, with everything that it may refer to."""
    whole = deepcopy(_REST)
    for name, value in fragment.items():
        if isinstance(value, dict) and isinstance(whole.get(name), dict):
            whole[name] = {**whole[name], **value}
        else:
            whole[name] = value
    blocks = [block for entry in whole["trafficManagement"] for block in entry if block in _STRATEGY_OF]
    if blocks:
        whole["targets"]["live"]["strategy"] = _STRATEGY_OF[blocks[0]]
    return whole


def value_of(field: Field) -> Json:
    """An example of the field's value: its own, else one made of what the fields within it need."""
    if field.example is not None:
        return deepcopy(field.example)
    kind = canonical(field.type)
    inner = inner_shape(kind)
    assert inner is not None, field.name  # noqa: S101 - the tables give an example to everything else; a test reads all
    return _as_value(field, _smallest(inner))


def _in_shape(shape: Shape, field: Field, value: Json) -> dict[str, Json]:
    """The map that has the field with that value, and the fields that it cannot be without."""
    if shape is DOCUMENT:
        return {field.name: value}
    beside = [one for one in shape.fields if one.is_required or one.name in field.needs]
    if shape.what == "a query" and not field.name.endswith("Limit"):
        beside += [one for one in shape.fields if one.name == "upperLimit"]
    names = {one.name: one for one in (*beside, field)}
    ordered = [one for one in shape.fields if one.name in names]
    return {one.name: value if one is field else value_of(one) for one in ordered}


def _smallest(shape: Shape) -> dict[str, Json]:
    if shape.is_choice:
        return {shape.fields[0].name: value_of(shape.fields[0])}
    required = [one for one in shape.fields if one.is_required]
    if shape.what == "a query":
        required += [one for one in shape.fields if one.name == "upperLimit"]
    return {one.name: value_of(one) for one in required}


def _parents(entry: Entry) -> list[tuple[Shape, Field]]:
    """The fields around this one, outermost first, each with the shape that has it."""
    found: list[tuple[Shape, Field]] = []
    shape = DOCUMENT
    for part in entry.path[:-1]:
        if part in {"[]", KEY}:
            continue
        field = next(one for one in shape.fields if one.name == part)
        found.append((shape, field))
        inner = inner_shape(field.type)
        assert inner is not None, part  # noqa: S101 - a path leads through shapes
        shape = inner
    return found


def _as_value(field: Field, inner: Json) -> Json:
    """The value of a field whose innermost shape has this value."""
    kind = canonical(field.type)
    wrappers = []
    while isinstance(kind, ListOf | MapOf):
        wrappers.append(kind)
        kind = canonical(kind.item)
    for wrapper in reversed(wrappers):
        inner = [inner] if isinstance(wrapper, ListOf) else {wrapper.key: inner}
    return inner
