"""Steps: what a strategy and a constraint are made of."""

from __future__ import annotations

from typing import Final

from borealis_deployfile.language.analysis import ANALYSIS_STEP
from borealis_deployfile.language.durations import DURATION, EXPIRATION, UNITS
from borealis_deployfile.language.shapes import Either, Field, Flag, ListOf, MapOf, Shape, Text, Whole

_NOT_PARALLEL: Final = "weights belong into the steps of a canary"

SET_WEIGHT: Final = Shape(
    what="setWeight",
    summary="Give the new version a share of the pods, or of the traffic where a service mesh can split it.",
    fields=(
        Field(
            name="weight",
            type=Whole(least=0, most=100),
            summary="Share of the new version in percent. Weights should rise along the list.",
            example=25,
            is_required=True,
        ),
    ),
)

PAUSE: Final = Shape(
    what="a pause",
    summary="Wait for a time (`duration` and `unit`), or until a person approves (`untilApproved`).",
    fields=(
        Field(
            name="duration",
            type=Whole(least=1),
            summary="How many of the unit to wait.",
            example=5,
            needs=("unit",),
        ),
        Field(name="unit", type=UNITS, summary="Unit of the duration.", example="minutes", needs=("duration",)),
        Field(name="untilApproved", type=Flag(), summary="Wait until a person approves.", example=True),
        Field(
            name="requiresRoles",
            type=ListOf(item=Text(), least=1),
            summary="Roles of which a person needs one to approve.",
            example=["Release Manager"],
            default="everybody who may see the deployment",
            aliases=("requiresRole",),
            needs=("untilApproved",),
        ),
        Field(
            name="approvalExpiration",
            type=EXPIRATION,
            summary="Limit of the wait for an approval; after it the deployment is cancelled and rolled back.",
            example={"duration": 8, "unit": "hours"},
            default="waits for ever",
            needs=("untilApproved",),
        ),
    ),
    hints={"approvalDuration": "write `approvalExpiration: {duration: 8, unit: hours}`", "units": "write `unit`"},
)

RUN_WEBHOOK: Final = Shape(
    what="runWebhook",
    summary="Call a webhook of the file and wait until it reports success.",
    fields=(
        Field(
            name="name",
            type=Text(),
            summary="Name of an entry of `webhooks`.",
            example="smoke-test",
            is_required=True,
        ),
        Field(
            name="context",
            type=MapOf(item=Text(may_be_empty=True, holds="webhook"), key="suite"),
            summary="Variables for this call, before those of the file.",
            example={"suite": "full"},
        ),
    ),
)

EXPOSE_SERVICES: Final = Shape(
    what="exposeServices",
    summary="Make Services of the target reachable under temporary addresses, so that people and tests can look.",
    fields=(
        Field(
            name="services",
            type=ListOf(item=Text(), least=1),
            summary="Names of Services in the target's namespace.",
            example=["shop-next"],
            is_required=True,
        ),
        Field(
            name="ttl",
            type=DURATION,
            summary="How long the addresses live: 60 seconds to 24 hours.",
            example={"duration": 45, "unit": "minutes"},
            default="5 minutes",
        ),
        Field(
            name="requiresLogin",
            type=Flag(),
            summary="Let only people of the tenant visit; without, whoever has the address may.",
            example=True,
            default="false",
        ),
    ),
)

_SET_WEIGHT_FIELD: Final = Field(
    name="setWeight",
    type=Either(canonical=SET_WEIGHT, others=(Whole(least=0, most=100),)),
    summary="Give the new version a share of the pods. A bare number is read too.",
)
_PAUSE_FIELD: Final = Field(
    name="pause",
    type=PAUSE,
    summary="Wait for a time, or until a person approves.",
    example={"duration": 5, "unit": "minutes"},
)
_WEBHOOK_FIELD: Final = Field(
    name="runWebhook", type=RUN_WEBHOOK, summary="Call a webhook and wait until it reports success."
)
_ANALYSIS_FIELD: Final = Field(name="analysis", type=ANALYSIS_STEP, summary="Judge the new version by metrics.")
_EXPOSE_FIELD: Final = Field(
    name="exposeServices",
    type=EXPOSE_SERVICES,
    summary="Make Services reachable under temporary addresses.",
)
_HINTS: Final = {"runWebhooks": "write `runWebhook`"}

STEP: Final = Shape(
    what="a step",
    summary="One step of a canary; the steps run one after the other.",
    fields=(_SET_WEIGHT_FIELD, _PAUSE_FIELD, _ANALYSIS_FIELD, _WEBHOOK_FIELD, _EXPOSE_FIELD),
    is_choice=True,
    hints=_HINTS,
)
CONDITION: Final = Shape(
    what="a condition",
    summary="One condition of a blue/green deployment; the conditions of a list run at the same time.",
    fields=(_PAUSE_FIELD, _ANALYSIS_FIELD, _WEBHOOK_FIELD, _EXPOSE_FIELD),
    is_choice=True,
    hints={**_HINTS, "setWeight": _NOT_PARALLEL},
)
CONSTRAINT: Final = Shape(
    what="a constraint",
    summary="One constraint before or after a target; the constraints of a list run at the same time.",
    fields=(_PAUSE_FIELD, _ANALYSIS_FIELD, _WEBHOOK_FIELD),
    is_choice=True,
    hints={**_HINTS, "setWeight": _NOT_PARALLEL, "exposeServices": "move it into the strategy"},
)
