"""From an SMI TrafficSplit to the HTTPRoute of the Gateway API that divides the same traffic. Pure.

What has no counterpart is told, never dropped in silence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from borealis_deployfile.kinds import group_kind
from borealis_deployfile.manifest_objects import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Json = dict[str, Any]  # Any: JSON of every shape

TRAFFIC_SPLIT: Final = ("split.smi-spec.io", "TrafficSplit")
_API_VERSION: Final = "gateway.networking.k8s.io/v1"
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
MOST_WEIGHT: Final = 1_000_000
"""The largest weight of the Gateway API."""
_SUFFIXES: Final = {"m": Fraction(1, 1000), "k": Fraction(1000), "M": Fraction(1_000_000)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """An HTTPRoute, and what of the TrafficSplit it does not say."""

    document: Json
    remarks: tuple[str, ...]


def convert_split(split: Json, *, port: int, gateway: str = "") -> Converted:
    """The HTTPRoute in the place of `split`.

    Its rule is for calls of the root Service within the mesh, or for what comes through `gateway`. `port` is the one of
    all its Services; a TrafficSplit names none. Weights are small whole numbers of the same proportions.
    """
    metadata = split.get("metadata") or {}
    namespace = str(metadata.get("namespace") or "")
    backends: list[Json] = value_at(split, "spec", "backends") or []
    root, _ = _place(str(value_at(split, "spec", "service") or ""), namespace)
    weights, is_rounded = whole_weights([_quantity(each.get("weight")) for each in backends])
    refs = [_backend(each, weight, port, namespace) for each, weight in zip(backends, weights, strict=True)]
    parent = {"name": gateway} if gateway else {"group": "", "kind": "Service", "name": root, "port": port}
    document = {
        "apiVersion": _API_VERSION,
        "kind": "HTTPRoute",
        "metadata": _metadata(metadata),
        "spec": {"parentRefs": [parent], "rules": [{"backendRefs": refs}]},
    }
    remarks = (*_remarks(split, refs), *(["weights had to be rounded"] if is_rounded else []))
    return Converted(document=document, remarks=remarks)


def is_traffic_split(document: Json) -> bool:
    """Whether the object is a TrafficSplit, of whatever version."""
    return group_kind(str(document.get("apiVersion") or ""), str(document.get("kind") or "")) == TRAFFIC_SPLIT


def port_of(split: Json, others: Sequence[Json]) -> int | None:
    """The only port of the root Service, if that is among `others`; None where nobody can tell."""
    root, _ = _place(str(value_at(split, "spec", "service") or ""), "")
    for each in others:
        is_root = each.get("kind") == "Service" and value_at(each, "metadata", "name") == root
        ports = value_at(each, "spec", "ports") or []
        if is_root and len(ports) == 1:
            return int(ports[0]["port"])
    return None


def whole_weights(weights: Sequence[Fraction]) -> tuple[list[int], bool]:
    """The same proportions in the smallest whole numbers, and whether some had to be rounded to fit the limit."""
    scale = math.lcm(*(weight.denominator for weight in weights)) if weights else 1
    whole = [int(weight * scale) for weight in weights]
    divisor = math.gcd(*whole) or 1
    whole = [weight // divisor for weight in whole]
    if max(whole, default=0) <= MOST_WEIGHT:
        # Percentages are what people read most easily.
        factor = 100 // sum(whole) if sum(whole) and 100 % sum(whole) == 0 else 1
        return [weight * factor for weight in whole], False
    most = max(whole)
    rounded = [weight * MOST_WEIGHT // most for weight in whole]
    return [max(weight, 1) if was else 0 for weight, was in zip(rounded, whole, strict=True)], True


def _quantity(weight: object) -> Fraction:
    """A weight: a whole number, or a quantity of Kubernetes in v1alpha1. Errors: ValueError for what is none."""
    text = str(0 if weight is None else weight).strip()
    suffix = _SUFFIXES.get(text[-1:], None)
    try:
        value = Fraction(text[:-1]) * suffix if suffix else Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"the weight {text!r} is no number") from error
    if value < 0:
        raise ValueError(f"the weight {text!r} is below zero")
    return value


def _backend(backend: Json, weight: int, port: int, namespace: str) -> Json:
    name, elsewhere = _place(str(backend.get("service") or ""), namespace)
    place = {"namespace": elsewhere} if elsewhere and elsewhere != namespace else {}
    return {"name": name, **place, "port": port, "weight": weight}


def _place(service: str, namespace: str) -> tuple[str, str]:
    """Name and namespace of a Service that may be written with its domain."""
    name, _, rest = service.partition(".")
    return name, rest.partition(".")[0] or namespace


def _metadata(metadata: Mapping[str, Any]) -> Json:
    annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name != _LAST_APPLIED}
    kept = {name: metadata[name] for name in ("name", "namespace", "labels") if metadata.get(name)}
    return {**kept, **({"annotations": annotations} if annotations else {})}


def _remarks(split: Json, refs: Sequence[Json]) -> Iterator[str]:
    if value_at(split, "spec", "matches"):
        yield "matches are not carried over: write them as matches of the rule, from the HTTPRouteGroup that they name"
    if not refs:
        yield "it has no backends: the route answers 500 to every request"
    elif not any(ref["weight"] for ref in refs):
        yield "all weights are 0: the route answers 500 to every request, where SMI sent them to the root Service"
    for ref in refs:
        if "namespace" in ref:
            yield f"Service {ref['name']} is in namespace {ref['namespace']}, which needs a ReferenceGrant"
