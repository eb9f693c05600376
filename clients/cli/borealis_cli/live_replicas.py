"""Asks a server how many pods are live, for plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_cli.context import connected
from borealis_cli.running import run
from borealis_client import BorealisError, WorkloadPlace
from borealis_deployfile.planning.plan import LivePods
from borealis_deployfile.planning.workloads import deployments_among

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_cli.options import Connection
    from borealis_cli.running import Attachment
    from borealis_client import GatheredFiles, LiveReplicas

_LIMIT_S: Final = 20.0
_MOST_AT_ONCE: Final = 500

Live = dict[tuple[str, str, str], LivePods]
"""By target, namespace and name."""


def ask(gathered: GatheredFiles, connection: Connection, *, is_needed: bool) -> tuple[Live | None, str]:
    """What is live, or None and why nobody could be asked.

    Errors: where `is_needed`, those of the connection and of the call.
    """
    places = _places(gathered)
    found: dict[tuple[str, str, str], LivePods] = {}

    async def command(_: Attachment) -> int:
        keys = list(places)
        async with connected(connection) as borealis:
            for first in range(0, len(keys), _MOST_AT_ONCE):
                part = keys[first : first + _MOST_AT_ONCE]
                answers = await borealis.deployments.live_replicas([places[key] for key in part], timeout_s=_LIMIT_S)
                found.update((key, _pods(answer)) for key, answer in zip(part, answers, strict=True))
        return 0

    try:
        if places:
            run(command)
    except BorealisError as error:
        if is_needed:
            raise
        return None, error.message.partition(". ")[0].rstrip(".")
    return found, ""


def _places(gathered: GatheredFiles) -> Mapping[tuple[str, str, str], WorkloadPlace]:
    accounts = {target.name: target.account for target in gathered.file.targets} if gathered.file else {}
    return {
        (target, item.namespace or "", item.name): WorkloadPlace(
            account=accounts[target], namespace=item.namespace or "", name=item.name
        )
        for target, objects in gathered.objects.items()
        for item in deployments_among(objects)
    }


def _pods(answer: LiveReplicas) -> LivePods:
    return LivePods(replicas=answer.replicas, unknown=answer.unknown or "", autoscaler=answer.autoscaler)
