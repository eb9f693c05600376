"""Whether a caller may do something with a deployment, target by target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_server.domain.access import Permission, Scope, TargetPlace, decide
from borealis_server.domain.errors import PermissionDenied
from borealis_server.domain.persons import APPROVE, SKIP
from borealis_server.domain.stages import is_pausing
from borealis_server.domain.states import StepState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from borealis_deployfile.manifests import ManifestObject
    from borealis_deployfile.model import DeployFile
    from borealis_server.domain.deployment import Deployment, PersonsDecision, TargetRun
    from borealis_server.domain.identity import Principal

NO_NAMESPACE: Final = "-"
"""Namespace of what has none; no target group can name it, as no namespace is called so."""


def check_start(caller: Principal, file: DeployFile, objects: Mapping[str, Sequence[ManifestObject]]) -> None:
    """Errors: PermissionDenied unless the caller may deploy to every target of the file, after filters.

    Where manifests choose their namespaces, each one counts, and so do objects that have none.
    """
    places = [
        TargetPlace(name=target.name, account=target.account, namespace=namespace)
        for target in file.targets
        for namespace in _namespaces(target.namespace, objects.get(target.name, ()))
    ]
    _check(caller, Permission.DEPLOYMENTS_WRITE, file.application, places)


def check_decision(caller: Principal, deployment: Deployment, wish: PersonsDecision) -> None:
    """Errors: PermissionDenied unless the caller may decide so about every target that the decision is about."""
    permission = Permission.DEPLOYMENTS_APPROVE if wish.kind == APPROVE else Permission.DEPLOYMENTS_WRITE
    places = [_place(run) for run in _concerned(deployment, wish)]
    _check(caller, permission, deployment.application, places)


def check_report(caller: Principal, deployment: Deployment, target: str) -> None:
    """Errors: PermissionDenied unless the caller may report for webhooks of the target; of all where none is named."""
    places = [_place(run) for run in deployment.targets if target in ("", run.name)]
    _check(caller, Permission.DEPLOYMENTS_WRITE, deployment.application, places)


def check_revocation(caller: Principal, deployment: Deployment, target: str) -> None:
    """Errors: PermissionDenied unless the caller may end previews of the target."""
    places = [_place(run) for run in deployment.targets if target == run.name]
    _check(caller, Permission.DEPLOYMENTS_WRITE, deployment.application, places)


def _check(caller: Principal, permission: Permission, application: str, places: Iterable[TargetPlace]) -> None:
    scope = Scope(tenant=caller.tenant, application=application, places=tuple(places))
    verdict = decide(caller.grants, permission, scope)
    if not verdict.is_allowed:
        names = dict.fromkeys(place.name for place in verdict.refused)
        raise PermissionDenied(permission.value, tenant=caller.tenant, targets=names)


def _place(run: TargetRun) -> TargetPlace:
    return TargetPlace(name=run.name, account=run.account, namespace=run.namespace or NO_NAMESPACE)


def _namespaces(given: str | None, objects: Sequence[ManifestObject]) -> list[str]:
    found = {one.namespace or NO_NAMESPACE for one in objects} | ({given} if given else set())
    return sorted(found or {NO_NAMESPACE})


def _concerned(deployment: Deployment, wish: PersonsDecision) -> tuple[TargetRun, ...]:
    """The targets that a decision changes: to end a deployment is to end all of it, whichever target is named."""
    if wish.kind not in (APPROVE, SKIP):
        return deployment.targets
    named = tuple(run for run in deployment.targets if wish.target in ("", run.name))
    waiting = tuple(
        run
        for run in named
        if any(
            step.state is StepState.AWAITING_APPROVAL if wish.kind == APPROVE else is_pausing(step)
            for step in run.current_steps
        )
    )
    return waiting or named
