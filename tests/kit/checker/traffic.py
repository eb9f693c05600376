"""What must hold of Services and their endpoints, at every moment and in every decision of a blue/green run.

What somebody else does to a Service excuses what it leads to until the engine has looked; but not what that decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_server.domain.decision import Act, Become, Hold
from borealis_server.domain.effects import PointService
from borealis_server.domain.states import Phase, ServiceRole
from kit.checker.moment import ARRIVED_LATE, DELETED, EDITED, SCALED_OUTSIDE, Violated
from kit.checker.services import endpoints, led_to, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from borealis_server.domain.decision import Decision
    from borealis_server.domain.deployment import RoutedService, TargetRun, Workload
    from kit.checker.cluster import Cluster, Set
    from kit.checker.services import Service


def check_endpoints(run: TargetRun, pods: Mapping[str, int], live: Cluster, excuses: int) -> None:
    """Traffic always goes to pods that are ready, to enough of them, and in a blue/green run to one version alone.

    `pods`: by workload, how many the manifests want.
    """
    for one, service, load in _carrying(run, live):
        ready = _behind(one, service, live)
        if one.role is ServiceRole.ACTIVE and len(ready) > 1 and not excuses & EDITED:
            raise Violated(f"1 capacity before traffic: Service {one.name} leads to {ready} at once")
        floor = min(pods[load.name], load.old_replicas) if load.old_name and one.before is not None else 0
        if sum(ready.values()) < floor and not excuses & ~ARRIVED_LATE:
            raise Violated(f"1 capacity before traffic: Service {one.name} leads to {ready}, at least {floor} promised")


def check_restored(run: TargetRun, live: Cluster, excuses: int) -> None:
    """After a complete rollback each Service selects what it selected before."""
    for one in run.services:
        service = live.service(one.name)
        if (service.selector if service else None) != one.before and not excuses & EDITED:
            raise Violated(f"6 final means finished: Service {one.name} is {service}, it selected {one.before}")


def check_success(run: TargetRun, new: Set, live: Cluster, excuses: int) -> None:
    """After a success each Service leads to all pods of the new version."""
    for one in run.services if not excuses & EDITED else ():
        service = live.service(one.name)
        if one.workload != new.workload:
            continue
        found = _behind(one, service, live) if service else {}
        if not found.keys() <= {new.name} or (found.get(new.name, 0) < new.ready and not excuses):
            raise Violated(f"1 capacity before traffic: succeeded, and Service {one.name} leads to {found}")


def check_decision(run: TargetRun, decision: Decision, live: Cluster, excuses: int) -> None:
    """What was decided on a blue/green run with this cluster in view: switches, the end of the way back, and rest."""
    if not run.service_pairs or excuses & (SCALED_OUTSIDE | DELETED):
        return
    if isinstance(decision, Act) and isinstance(decision.effect, PointService):
        _check_switch(run, decision.effect, live, excuses)
    if isinstance(decision, Become) and decision.run.phase is Phase.FINISHING and run.phase is Phase.STEPPING:
        _check_last_look(run, live)
    if isinstance(decision, Hold) and run.phase is Phase.STEPPING:
        _check_rest(run, live)


def _check_switch(run: TargetRun, effect: PointService, live: Cluster, excuses: int) -> None:
    """Traffic is led to another version only when that has all its pods."""
    for one, service, load in _carrying(run, live):
        before, after = led_to(live, service.selector), led_to(live, effect.selector)
        is_switch = one.role is ServiceRole.ACTIVE and one.name == effect.name and before != after
        if not is_switch or excuses & EDITED:
            continue
        sets = [each for each in live.sets if each.name in after]
        serving = [each for each in sets if each.desired or each.pods]  # a rollback may leave others empty
        for each in serving or sets:
            wanted = load.replicas if each.name == load.new_name else load.old_replicas
            if min(each.ready, each.desired) < wanted:
                raise Violated(f"1 capacity before traffic: leads {one.name} to {each.ready} of {wanted} {each.name}")


def _check_last_look(run: TargetRun, live: Cluster) -> None:
    """The old version is given up only when the new one has all its pods, and all the traffic."""
    for one, service, load in _carrying(run, live):
        found = dict(endpoints(live, service))
        serving = found.pop(load.new_name, 0)
        if one.role is ServiceRole.ACTIVE and (found or serving < load.replicas):
            raise Violated(f"1 capacity before traffic: gives the old version up with {serving} pods behind {one.name}")


def _check_rest(run: TargetRun, live: Cluster) -> None:
    """A run that waits has seen where its active Services lead: to one version alone."""
    for one, service, load in _carrying(run, live):
        found = led_to(live, service.selector)
        if one.role is ServiceRole.ACTIVE and len(found) != 1 and load.old_name:
            raise Violated(f"1 capacity before traffic: waits while Service {one.name} leads to {list(found)}")


def _behind(one: RoutedService, service: Service, live: Cluster) -> dict[str, int]:
    """Ready pods behind a Service; of shared ones those that its endpoints will be, for such pods come and go."""
    return dict(listed(live, service.selector) if one.role is ServiceRole.SHARED else endpoints(live, service))


def _carrying(run: TargetRun, live: Cluster) -> Iterator[tuple[RoutedService, Service, Workload]]:
    """Services that carry traffic, as far as they exist, with their workloads."""
    loads = {load.name: load for load in run.workloads}
    for one in run.services:
        service = live.service(one.name)
        if service and one.role is not ServiceRole.PREVIEW:
            yield one, service, loads[one.workload]
