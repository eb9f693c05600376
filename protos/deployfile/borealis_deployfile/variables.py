"""The names that templates may use: the platform's own, the user's, and secrets; and where each has a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from borealis_deployfile.templates import SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

ARMORY: Final = "armory."
"""What the platform's own names start with."""
CONTEXT: Final = "context."
"""What the names of users' variables start with."""
REPLICA_SET: Final = "replicaSetName"
PREVIEW: Final = "preview."
REPLICA_SETS: Final = "replicaSetNames."
OLD_REPLICA_SET: Final = "oldReplicaSetName"


class Scope(StrEnum):
    """Where a template is used."""

    WEBHOOK = "webhook"
    QUERY = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnVariable:
    """A variable of the platform, without `armory.` before it."""

    name: str
    meaning: str
    scopes: frozenset[Scope] = frozenset(Scope)


_ONLY_QUERY: Final = frozenset({Scope.QUERY})
OWN_VARIABLES: Final = (
    OwnVariable(name="applicationName", meaning="Name of the application."),
    OwnVariable(name="deploymentId", meaning="Identifier of the deployment."),
    OwnVariable(name="targetDeploymentId", meaning="Identifier of the target's part of the deployment."),
    OwnVariable(name="environmentName", meaning="Name of the target."),
    OwnVariable(
        name=REPLICA_SET,
        meaning="Name of the new ReplicaSet; of several, the one whose Deployment sorts first.",
    ),
    OwnVariable(name=f"{REPLICA_SETS}DEPLOYMENT", meaning="Name of the new ReplicaSet of that Deployment."),
    OwnVariable(
        name=OLD_REPLICA_SET,
        meaning="Name of the old version's ReplicaSet, of the same Deployment; without one it has no value.",
    ),
    OwnVariable(name="accountName", meaning="Account of the target."),
    OwnVariable(name="namespace", meaning="Namespace of the target."),
    OwnVariable(
        name="callbackUri",
        meaning="Where to report the result, with `/callback` behind it.",
        scopes=frozenset({Scope.WEBHOOK}),
    ),
    OwnVariable(
        name="callbackToken",
        meaning="Good for one report: `Authorization: Bearer` with it needs no other credential. A secret; send it on "
        "in a body or a header.",
        scopes=frozenset({Scope.WEBHOOK}),
    ),
    OwnVariable(
        name=f"{PREVIEW}SERVICE",
        meaning="Address of a Service that the strategy exposes; for later steps and `afterDeployment`.",
    ),
    OwnVariable(name="startTimeIso8601", meaning="Start of the judged window.", scopes=_ONLY_QUERY),
    OwnVariable(name="startTimeEpochSeconds", meaning="The same, in seconds since 1970.", scopes=_ONLY_QUERY),
    OwnVariable(name="startTimeEpochMillis", meaning="The same, in milliseconds since 1970.", scopes=_ONLY_QUERY),
    OwnVariable(name="endTimeIso8601", meaning="End of the judged window.", scopes=_ONLY_QUERY),
    OwnVariable(name="endTimeEpochSeconds", meaning="The same, in seconds since 1970.", scopes=_ONLY_QUERY),
    OwnVariable(name="endTimeEpochMillis", meaning="The same, in milliseconds since 1970.", scopes=_ONLY_QUERY),
    OwnVariable(name="intervalSeconds", meaning="Length of the window in seconds.", scopes=_ONLY_QUERY),
    OwnVariable(name="intervalMillis", meaning="Length of the window in milliseconds.", scopes=_ONLY_QUERY),
    OwnVariable(name="promQlStepInterval", meaning="Length of the window as Prometheus writes it.", scopes=_ONLY_QUERY),
)
"""Every variable of the platform; upper and lower case are alike in their names."""

_FAMILIES: Final = (PREVIEW, REPLICA_SETS)
_BY_LOWER: Final = {one.name.lower(): one for one in OWN_VARIABLES}


def own_name(name: str) -> str | None:
    """The name of a platform variable in its canonical case and without `armory.`; None if there is none like it."""
    rest = name.removeprefix(ARMORY)
    if rest == name:
        return None
    for family in _FAMILIES:
        if rest.lower().startswith(family.lower()) and len(rest) > len(family):
            return family + rest[len(family) :]
    found = _BY_LOWER.get(rest.lower())
    return found.name if found else None


def is_for(name: str, scope: Scope) -> bool:
    """Whether a platform variable, canonical and without `armory.`, has a value in that kind of template."""
    found = _BY_LOWER.get(name.lower())
    return found is None or scope in found.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What the names of one template mean."""

    own: Mapping[str, str] = field(default_factory=dict)
    """Platform variables by canonical name, without `armory.`."""
    context: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def get(self, name: str) -> str | None:
        """The value of a name as templates write it, or None."""
        if name.startswith(SECRETS):
            return self.secrets.get(name.removeprefix(SECRETS))
        if name.startswith(CONTEXT):
            return self.context.get(name.removeprefix(CONTEXT))
        own = own_name(name)
        return None if own is None else self.own.get(own)
