"""Which Service leads to which workload, and what it has to select before and after traffic moves.

Everything is decided before a run changes anything: a Service that fits no workload, or several, ends it here.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from borealis_server.domain.deployment import RoutedService, Selector, ServicePair, Workload
from borealis_server.domain.effects import Refused
from borealis_server.domain.kubernetes.json_types import Document, dig, meta
from borealis_server.domain.kubernetes.marks import HASH_LABEL
from borealis_server.domain.kubernetes.service_selectors import (
    ordered,
    selector_of,
    selects,
    version_in,
    version_of,
    with_version,
    without_version,
)
from borealis_server.domain.states import EndReason, ServiceRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A workload, and the labels of its pods."""

    load: Workload
    new_labels: Mapping[str, str]
    """Of the manifest; the hash of the version comes on top."""

    @property
    def old_labels(self) -> Mapping[str, str]:
        """Of the pods that are live; empty when none are."""
        copy = json.loads(self.load.old_copy) if self.load.old_copy else {}
        return dig(copy, "spec", "template", "metadata", "labels") or {}

    @property
    def new_version(self) -> Selector:
        """What leads to the new version alone."""
        return ordered({HASH_LABEL: self.load.new_name.removeprefix(f"{self.load.name}-")})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownServices:
    """Services by namespace and name: those to be applied with their index, and those that are live."""

    manifests: Mapping[tuple[str, str], tuple[int, Document]]
    live: Mapping[tuple[str, str], Document]

    @classmethod
    def of(cls, others: Sequence[Document], live: Iterable[Document]) -> "KnownServices":
        """From the objects to apply and the live Services."""
        applied = enumerate(others)
        return cls(
            manifests={_key(each): (index, each) for index, each in applied if _is_service(each)},
            live={_key(each): each for each in live},
        )

    def index(self, key: tuple[str, str]) -> int | None:
        """Its place among the objects to apply; None where it is only live."""
        return self.manifests[key][0] if key in self.manifests else None

    def base(self, key: tuple[str, str]) -> Selector | None:
        """What a person wants the Service to select; None where there is no such Service."""
        found = self.manifests[key][1] if key in self.manifests else self.live.get(key)
        return without_version(selector_of(found)) if found else None


def route(
    pairs: Sequence[ServicePair], sides: Sequence[Side], services: KnownServices
) -> tuple[RoutedService, ...] | Refused:
    """Every Service of a blue/green run with its selectors, or why they do not fit the workloads."""
    routed: list[RoutedService] = []
    for pair in pairs:
        side = _side_of(pair.active, sides, services)
        if isinstance(side, Refused):
            return side
        if side.old_labels and not version_in(side.old_labels):
            return _refused(_indistinct(side.load.name))
        routed.append(_routed(pair.active, ServiceRole.ACTIVE, side, services))
        if pair.preview:
            beside = _side_of(pair.preview, [side], services)
            if isinstance(beside, Refused):
                return beside
            routed.append(_routed(pair.preview, ServiceRole.PREVIEW, side, services))
    return _unmatched(routed, sides) or tuple(routed)


def unpin(sides: Iterable[Side], services: KnownServices) -> tuple[RoutedService, ...]:
    """Services that lead to an old version alone, since an earlier blue/green run: they must lead to both versions."""
    pinned = {version: side for side in sides if (version := version_in(side.old_labels))}
    return tuple(_unpinned(one, pinned, services) for one in services.live.values() if _is_pinned(one, pinned))


def _is_pinned(service: Document, pinned: Mapping[Selector, Side]) -> bool:
    version = version_of(selector_of(service))
    side = pinned.get(version)
    return side is not None and version[0][0] == HASH_LABEL and side.load.namespace == meta(service, "namespace")


def _unpinned(service: Document, pinned: Mapping[Selector, Side], services: KnownServices) -> RoutedService:
    before = selector_of(service)
    return RoutedService(
        namespace=meta(service, "namespace"),
        name=meta(service, "name"),
        role=ServiceRole.SHARED,
        workload=pinned[version_of(before)].load.name,
        index=services.index(_key(service)),
        before=before,
        held=without_version(before),
        wanted=without_version(before),
    )


def _side_of(name: str, sides: Sequence[Side], services: KnownServices) -> Side | Refused:
    bases = {side.load.namespace: services.base((side.load.namespace, name)) for side in sides}
    if not any(base is not None for base in bases.values()):
        place = " or ".join(sorted(bases))
        return _refused(f"Service {name} does not exist in namespace {place}: create it, or add it to the manifests")
    found = [side for side in sides if selects(bases[side.load.namespace] or (), side.new_labels)]
    if len(found) == 1:
        return found[0]
    if not found:
        wanted = " or ".join(side.load.name for side in sides)
        return _refused(
            f"Service {name} does not select the pods of Deployment {wanted}: "
            "its selector must be part of the labels of the pod template"
        )
    named = " and ".join(side.load.name for side in found)
    return _refused(f"Service {name} selects the pods of {named}: each Deployment needs an active Service of its own")


def _indistinct(name: str) -> str:
    return (
        f"the live pods of Deployment {name} carry no label that tells them from the new ones: "
        f"run `kubectl rollout restart deployment {name}` once, then start again"
    )


def _unmatched(routed: Iterable[RoutedService], sides: Iterable[Side]) -> Refused | None:
    active = [(one.namespace, one.workload) for one in routed if one.role is ServiceRole.ACTIVE]
    for side in sides:
        count = active.count((side.load.namespace, side.load.name))
        if count != 1:
            found = "no active Service selects" if count == 0 else f"{count} active Services select"
            advice = "each Deployment needs one entry of trafficManagement[].kubernetes"
            return _refused(f"{found} the pods of Deployment {side.load.name}: {advice}")
    return None


def _routed(name: str, role: ServiceRole, side: Side, services: KnownServices) -> RoutedService:
    key = (side.load.namespace, name)
    base = services.base(key) or ()
    live = services.live.get(key)
    before = selector_of(live) if live else None
    wanted = with_version(base, side.new_version)
    return RoutedService(
        namespace=side.load.namespace,
        name=name,
        role=role,
        workload=side.load.name,
        index=services.index(key),
        before=before,
        held=next(_holding(base, before, side), wanted),
        wanted=wanted,
    )


def _holding(base: Selector, before: Selector | None, side: Side) -> Iterator[Selector]:
    """Selectors that keep traffic where it is, the best one first; none where nothing is there to be kept."""
    labels = side.old_labels
    version = version_in(labels)
    for selector in (base, without_version(before or ())):
        if version and selects(selector, labels):
            yield with_version(selector, version)
    if before:
        # It leads to something else than the old version: to leave it alone is all that is safe.
        yield before


def _refused(message: str) -> Refused:
    return Refused(reason=EndReason.SERVICE_NOT_MATCHED, message=message)


def _is_service(document: Document) -> bool:
    return (document["apiVersion"], document["kind"]) == ("v1", "Service")


def _key(document: Document) -> tuple[str, str]:
    return meta(document, "namespace"), meta(document, "name")
