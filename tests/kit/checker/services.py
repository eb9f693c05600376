"""Services of the model: whose pods they lead to, and what somebody else may do to them.

Endpoints follow a moment later, as a step of their own: until then they are what their controller last wrote, but for
pods that are no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from borealis_server.domain.kubernetes.marks import HASH_LABEL
from borealis_server.domain.kubernetes.service_selectors import NATIVE_HASH_LABEL, selects, without_version
from borealis_server.domain.observation import ServiceView
from borealis_server.domain.states import ServiceRole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from borealis_server.domain.deployment import RoutedService, Selector, TargetRun
    from kit.checker.cluster import Cluster, Set

SHARED, PINNED = "shared", "pinned"
PREVIEW = "-next"
"""Preview Services are named after their workload, with this at the end."""
FIRST = "old"
"""At the end of the name of the ReplicaSet that is there before the first run."""
MAINTENANCE: Selector = (("app", "maintenance"),)


class Service(NamedTuple):
    """A Service and its endpoints."""

    name: str
    selector: Selector
    listed: tuple[tuple[str, int], ...]
    """Ready pods of each version, as the controller of endpoints last saw them; versions without any are left out."""
    place: int = -1
    """Its place among the objects to apply; negative when it is only in the cluster."""


def base_of(workload: str) -> Selector:
    """What a person writes as the selector of a workload's Service."""
    return (("app", workload),)


def workload_of(service: str) -> str:
    """The workload whose pods a Service is for."""
    return service.removesuffix(PREVIEW)


def version_of(replica_set: str, workload: str, *, is_native: bool) -> Selector:
    """The label that tells a version's pods from others."""
    version = replica_set.removeprefix(f"{workload}-")
    # A hash tells workloads apart as well; the first version has a name that no engine chose.
    return ((NATIVE_HASH_LABEL if is_native else HASH_LABEL, replica_set if version == FIRST else version),)


def labels_of(each: Set) -> Mapping[str, str]:
    """The labels of a version's pods."""
    return dict((*base_of(each.workload), *version_of(each.name, each.workload, is_native=not each.maker)))


def led_to(cluster: Cluster, selector: Selector) -> tuple[str, ...]:
    """Names of the versions to which a selector leads."""
    return tuple(each.name for each in cluster.sets if selects(selector, labels_of(each)))


def listed(cluster: Cluster, selector: Selector) -> tuple[tuple[str, int], ...]:
    """The endpoints that belong to a selector now."""
    names = led_to(cluster, selector)
    return tuple((each.name, each.ready) for each in cluster.sets if each.ready and each.name in names)


def endpoints(cluster: Cluster, service: Service) -> Mapping[str, int]:
    """Ready pods that get traffic through a Service, by version; versions that have none are left out."""
    ready = {each.name: each.ready for each in cluster.sets if each.ready}
    return {name: min(count, ready[name]) for name, count in service.listed if name in ready}


def following(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """What the controller of endpoints could do next."""
    for service in cluster.services:
        now = listed(cluster, service.selector)
        if service.listed != now:
            yield f"endpoints of {service.name} follow", cluster.with_service(service._replace(listed=now))


def edits(cluster: Cluster) -> Iterable[tuple[str, Cluster]]:
    """What somebody else could do to Services: write the version off, take one for something else, or delete it."""
    for service in cluster.services:
        for selector in (without_version(service.selector), MAINTENANCE):
            if selector != service.selector:
                changed = cluster.with_service(service._replace(selector=selector))
                yield f"somebody gives Service {service.name} {selector}", changed
        yield f"somebody deletes Service {service.name}", cluster.without_service(service.name)


def views(cluster: Cluster, run: TargetRun) -> dict[tuple[str, str], ServiceView]:
    """The Services of a run, as `services/service_observer.py` would read them."""
    routed = (one for one in run.services if one.role is not ServiceRole.SHARED)
    return {(one.namespace, one.name): _view(cluster, one, run) for one in routed}


def _view(cluster: Cluster, one: RoutedService, run: TargetRun) -> ServiceView:
    service = cluster.service(one.name)
    if service is None:
        return ServiceView(selector=None)
    load = next(load for load in run.workloads if load.name == one.workload)
    ready = endpoints(cluster, service)
    new, old = ready.get(load.new_name, 0), ready.get(load.old_name, 0)
    return ServiceView(selector=service.selector, new=new, old=old, others=sum(ready.values()) - new - old)
