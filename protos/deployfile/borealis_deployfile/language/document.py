"""The top level of a deploy file."""

from __future__ import annotations

from typing import Final

from borealis_deployfile.language.analysis import ANALYSIS
from borealis_deployfile.language.durations import DURATION
from borealis_deployfile.language.shapes import Anything, Choice, Either, Field, Flag, ListOf, MapOf, Shape, Text
from borealis_deployfile.language.strategies import STRATEGY
from borealis_deployfile.language.targets import LAMBDA_ADVICE, MANIFEST, TARGET
from borealis_deployfile.language.traffic import TRAFFIC
from borealis_deployfile.language.webhooks import WEBHOOK

MAX_NAME_LENGTH: Final = 128
"""Most characters of the name of an application, a target or a strategy."""

IN_PROGRESS: Final = Shape(
    what="ifDeploymentInProgress",
    summary="What a start does while another deployment of the application is in progress.",
    fields=(
        Field(
            name="strategy",
            type=Choice(words=("reject", "enqueueOne")),
            summary="Refuse the start, or let it wait; at most one waits, and a newer one takes its place.",
            example="reject",
            default="reject",
        ),
    ),
)

CONFIG: Final = Shape(
    what="deploymentConfig",
    summary="Settings for all targets of the file.",
    fields=(
        Field(
            name="timeout",
            type=DURATION,
            summary=(
                "How long pods may take to become Ready, at least 60 seconds; "
                "pauses, approvals, webhooks and analysis do not count."
            ),
            example={"duration": 10, "unit": "minutes"},
            default="30 minutes",
        ),
        Field(
            name="keepDeploymentObject",
            type=Flag(),
            summary="Whether a native Deployment object is there again after the deployment.",
            example=True,
            default="false",
        ),
        Field(
            name="ifDeploymentInProgress",
            type=IN_PROGRESS,
            summary="What a start does while another deployment of the application is in progress.",
            example={"strategy": "reject"},
        ),
    ),
)

DOCUMENT: Final = Shape(
    what="a deploy file",
    summary="One application, its manifests, and the targets that they are deployed to.",
    fields=(
        Field(
            name="version",
            type=Choice(words=("v1",), is_open=True),
            summary="Version of the language; anything but v1 is read as v1, with a warning.",
            example="v1",
            default="v1",
        ),
        Field(
            name="kind",
            type=Choice(words=("kubernetes",)),
            summary="What is deployed to. `lambda` is reserved and not supported yet.",
            example="kubernetes",
            default="kubernetes",
        ),
        Field(
            name="application",
            type=Text(most=MAX_NAME_LENGTH),
            summary=(
                "Name of the application; one deployment of it is in progress at a time. "
                "It may be given at the start instead."
            ),
            example="shop",
        ),
        Field(
            name="description",
            type=Text(may_be_empty=True, is_multiline=True, holds="anything"),
            summary="Text for people, shown with the deployment.",
            example="Owner: team cart. Runbook: see the wiki.\n",
        ),
        Field(
            name="context",
            type=MapOf(item=Text(may_be_empty=True), key="suite"),
            summary="Variables for webhooks and queries, there as `{{context.NAME}}`.",
            example={"suite": "fast"},
        ),
        Field(
            name="deploymentConfig",
            type=CONFIG,
            summary="Settings for all targets.",
            example={"timeout": {"duration": 10, "unit": "minutes"}},
        ),
        Field(
            name="targets",
            type=MapOf(item=TARGET, key="live", least=1, most_key_length=MAX_NAME_LENGTH),
            summary="Where to deploy, by name.",
            is_required=True,
        ),
        Field(
            name="manifests",
            type=ListOf(item=MANIFEST, least=1),
            summary="What to deploy.",
            example=[{"path": "k8s/"}],
            is_required=True,
        ),
        Field(
            name="strategies",
            type=MapOf(item=STRATEGY, key="careful", most_key_length=MAX_NAME_LENGTH),
            summary="How new versions take over, by name; targets name them.",
            example={"careful": {"canary": {"steps": [{"setWeight": {"weight": 25}}]}}},
        ),
        Field(name="analysis", type=ANALYSIS, summary="Queries that `analysis` steps judge by."),
        Field(name="webhooks", type=ListOf(item=WEBHOOK), summary="Calls that `runWebhook` steps make."),
        Field(
            name="trafficManagement",
            type=Either(canonical=ListOf(item=TRAFFIC), others=(TRAFFIC,)),
            summary="How traffic is moved. A single entry without a list is read too, with a warning.",
            example=[{"targets": ["live"], "kubernetes": [{"activeService": "shop"}]}],
        ),
        Field(
            name="metadata",
            type=Anything(),
            summary="Accepted for other tools that look for it, and ignored.",
            example={"name": "shop"},
        ),
    ),
    hints=dict.fromkeys(("artifacts", "providerOptions"), LAMBDA_ADVICE),
)
"""Everything that a deploy file can say."""
