"""Where Services lead: which of them has to be pointed elsewhere, and whether its endpoints have followed.

Services of a blue/green run only; where pods share the traffic nothing here is needed.
"""

from dataclasses import replace
from enum import StrEnum

from borealis_server.domain.deployment import RoutedService, Selector, TargetRun, Workload
from borealis_server.domain.effects import PointService
from borealis_server.domain.kubernetes.service_selectors import version_of
from borealis_server.domain.observation import Observation, ServiceView
from borealis_server.domain.states import ServiceRole

MOST_ENDPOINTS = 1000
"""Kubernetes lists no more of a Service in one Endpoints object."""


class Side(StrEnum):
    """The version that a Service is to lead to."""

    OLD = "old"
    NEW = "new"


def is_routed(run: TargetRun) -> bool:
    """Whether Services move the traffic of the run."""
    return any(service.role is not ServiceRole.SHARED for service in run.services)


def point(service: RoutedService, selector: Selector) -> PointService:
    """The change that gives a Service one of its selectors."""
    known = tuple(dict.fromkeys(one for one in (service.before, service.held, service.wanted) if one))
    return PointService(namespace=service.namespace, name=service.name, selector=selector, known=known)


def misdirected(run: TargetRun, seen: Observation, side: Side, *roles: ServiceRole) -> PointService | None:
    """The change for the first Service of these roles that does not lead to `side`; None when all do."""
    for service in _of(run, side, roles):
        wanted = _selector(service, side)
        if _view(seen, service).selector != wanted:
            return point(service, wanted)
    return None


def strayed(run: TargetRun, seen: Observation, side: Side) -> PointService | None:
    """The change for the first Service that somebody else has led away while traffic is to stay on `side`."""
    if side is Side.NEW:
        return misdirected(run, seen, Side.NEW, ServiceRole.ACTIVE, ServiceRole.PREVIEW)
    return misdirected(run, seen, Side.OLD, ServiceRole.ACTIVE) or misdirected(run, seen, Side.NEW, ServiceRole.PREVIEW)


def astray(run: TargetRun, seen: Observation, side: Side) -> PointService | None:
    """The change for the first active Service that leads neither to the old version alone nor to the new one alone."""
    for service in _of(run, side, (ServiceRole.ACTIVE,)):
        if _view(seen, service).selector not in (service.held, service.wanted):
            return point(service, _selector(service, side))
    return None


def leads_to_new(run: TargetRun, seen: Observation) -> bool:
    """Whether an active Service may have the new version's pods behind it."""
    return any(_view(seen, one).selector != one.held for one in _of(run, Side.OLD, (ServiceRole.ACTIVE,)))


def unfollowed(run: TargetRun, seen: Observation, side: Side, *roles: ServiceRole) -> str:
    """What endpoints of these Services still miss to be the available pods of `side` and no others; empty if nothing.

    A Service that never led to the old version cannot show that it does so again.
    """
    services = [service for service in _of(run, side, roles) if version_of(_selector(service, side))]
    return "; ".join(filter(None, (_missing(service, seen, side) for service in services)))


def with_shares(run: TargetRun, seen: Observation) -> TargetRun:
    """The run with the share of the traffic that each workload's new version has by its active Service."""
    for service in run.services:
        if service.role is ServiceRole.ACTIVE:
            run = run.with_workload(replace(_load(run, service), traffic_percent=_share(_view(seen, service))))
    return run


def _share(view: ServiceView) -> int:
    endpoints = view.new + view.old + view.others
    return round(100 * view.new / endpoints) if endpoints else 0


def _missing(service: RoutedService, seen: Observation, side: Side) -> str:
    view, pods = _view(seen, service), seen.workloads[service.namespace, service.workload]
    version, count = (pods.new, view.new) if side is Side.NEW else (pods.old, view.old)
    needed = min(version.available if version else 0, MOST_ENDPOINTS)
    elsewhere = view.new + view.old + view.others - count
    if count >= needed and not elsewhere:
        return ""
    more = f", {elsewhere} lead elsewhere" if elsewhere else ""
    return f"Service {service.name}: {count} of {needed} pods of the {side} version among its endpoints{more}"


def _of(run: TargetRun, side: Side, roles: tuple[ServiceRole, ...]) -> list[RoutedService]:
    """Services of the roles; on the way back only those that have an old version to lead to."""
    found = [service for service in run.services if service.role in roles]
    return [service for service in found if side is Side.NEW or _load(run, service).old_name]


def _selector(service: RoutedService, side: Side) -> Selector:
    return service.wanted if side is Side.NEW else service.held


def _view(seen: Observation, service: RoutedService) -> ServiceView:
    return seen.services[service.namespace, service.name]


def _load(run: TargetRun, service: RoutedService) -> Workload:
    return next(load for load in run.workloads if (load.namespace, load.name) == (service.namespace, service.workload))
