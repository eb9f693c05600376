"""Blue/green: which Service leads to which Deployment of a target.

A Service that is not among the manifests may exist in the cluster; only what the manifests say is judged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code, fault_at
from borealis_deployfile.kinds import DEPLOYMENT, GroupKind
from borealis_deployfile.manifest_objects import kind_of, value_at
from borealis_deployfile.model import BlueGreen, KubernetesTraffic, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.manifest_documents import Json, ManifestDocument
    from borealis_deployfile.model import DeployFile, Target

_SERVICE: Final[GroupKind] = ("", "Service")


def check_services(
    file: DeployFile, target: Target, objects: Sequence[tuple[ManifestDocument, str | None]]
) -> Iterator[Fault]:
    """Faults of a blue/green target: no active Service, or Services and Deployments that do not fit together."""
    strategy = file.strategies.get(target.strategy) if target.strategy else None
    deployments = [document for document, _ in objects if kind_of(document) == DEPLOYMENT]
    if not isinstance(strategy, BlueGreen) or not deployments:
        return
    pairs = pairs_of(file, target.name, strategy)
    if not pairs:
        message = f'target "{target.name}" switches Services, but no active Service is named for it'
        advice = f"write trafficManagement: [{{targets: [{target.name}], kubernetes: [{{activeService: NAME}}]}}]"
        yield fault_at(_place(target.origin), Code.ACTIVE_SERVICE_REQUIRED, message, advice)
        return
    services = {one.value["metadata"]["name"]: one for one, _ in objects if kind_of(one) == _SERVICE}
    yield from _unmatched_services(target, pairs, services, deployments)
    yield from _unmatched_deployments(target, pairs, services, deployments)


def pairs_of(file: DeployFile, target: str, strategy: BlueGreen) -> list[KubernetesTraffic]:
    """The Services that the file names for a blue/green target, from the current place or the deprecated one."""
    pairs = [route for route in file.routes_of(target) if isinstance(route, KubernetesTraffic)]
    if pairs or strategy.active_service is None:
        return pairs
    legacy = KubernetesTraffic(
        active_service=strategy.active_service, preview_service=strategy.preview_service, origin=strategy.origin
    )
    return [legacy]


def _unmatched_services(
    target: Target,
    pairs: Sequence[KubernetesTraffic],
    services: Mapping[str, ManifestDocument],
    deployments: Sequence[ManifestDocument],
) -> Iterator[Fault]:
    for pair in pairs:
        for name in (pair.active_service, pair.preview_service):
            service = services.get(name or "")
            if service is None:
                continue
            found = [one.value["metadata"]["name"] for one in deployments if _selects(service.value, one.value)]
            if not found:
                message = f'the Service "{name}" selects the pods of no Deployment of target "{target.name}"'
                advice = "its selector must be part of the labels of the pod template"
                yield service.fault(Code.SERVICE_NOT_MATCHED, message, advice, "spec", "selector")
            elif len(found) > 1:
                message = f'the Service "{name}" selects the pods of {" and ".join(found)}'
                advice = "it can lead to one version of one Deployment only: give each Deployment a Service of its own"
                yield service.fault(Code.SERVICE_NOT_MATCHED, message, advice, "spec", "selector")
        yield from _divided_pair(pair, services, deployments)


def _divided_pair(
    pair: KubernetesTraffic, services: Mapping[str, ManifestDocument], deployments: Sequence[ManifestDocument]
) -> Iterator[Fault]:
    """A preview Service that leads to another Deployment than the active one beside it."""
    active, preview = services.get(pair.active_service), services.get(pair.preview_service or "")
    if active is None or preview is None:
        return
    leads = [
        [one.value["metadata"]["name"] for one in deployments if _selects(service.value, one.value)]
        for service in (active, preview)
    ]
    if all(len(found) == 1 for found in leads) and leads[0] != leads[1]:
        message = f'the Services "{pair.active_service}" and "{pair.preview_service}" lead to different Deployments'
        advice = "both Services of an entry must select the pods of the same one"
        yield preview.fault(Code.SERVICE_NOT_MATCHED, message, advice, "spec", "selector")


def _unmatched_deployments(
    target: Target,
    pairs: Sequence[KubernetesTraffic],
    services: Mapping[str, ManifestDocument],
    deployments: Sequence[ManifestDocument],
) -> Iterator[Fault]:
    active = [services.get(pair.active_service) for pair in pairs]
    known = [service for service in active if service is not None]
    if len(known) < len(active):
        return  # one that is only in the cluster may select any of them
    for deployment in deployments:
        count = sum(_selects(service.value, deployment.value) for service in known)
        if count == 1:
            continue
        name = deployment.value["metadata"]["name"]
        found = "no active Service" if count == 0 else f"{count} active Services"
        message = f'{found} of target "{target.name}" selects the pods of Deployment "{name}"'
        advice = "each Deployment needs one entry of trafficManagement[].kubernetes"
        yield deployment.fault(Code.SERVICE_NOT_MATCHED, message, advice, "metadata", "name")


def _selects(service: Json, deployment: Json) -> bool:
    selector = value_at(service, "spec", "selector")
    labels = value_at(deployment, "spec", "template", "metadata", "labels")
    if not isinstance(selector, dict) or not selector or not isinstance(labels, dict):
        return False
    return all(labels.get(name) == value for name, value in selector.items())


def _place(origin: Origin | None) -> Origin:
    return origin or Origin(file="", line=1, column=1, end_column=2)
