"""Targets and manifests: where to deploy, and what."""

from __future__ import annotations

from typing import Final

from borealis_deployfile.language.shapes import Field, ListOf, Shape, Text
from borealis_deployfile.language.steps import CONSTRAINT

LAMBDA_ADVICE: Final = "it belongs to `kind: lambda`, which is not supported yet"
"""Help for fields of the other kind of deploy file."""
_INDENT_ADVICE: Final = "it belongs under `constraints`: indent it one level more"
_CONSTRAINT_FIELDS: Final = ("dependsOn", "beforeDeployment", "afterDeployment")

CONSTRAINTS: Final = Shape(
    what="constraints",
    summary="What must hold before and after the target is deployed.",
    fields=(
        Field(
            name="dependsOn",
            type=ListOf(item=Text()),
            summary="Targets that must have succeeded, with their `afterDeployment`, before this one starts.",
            example=["qa"],
            default="the target starts at once",
        ),
        Field(
            name="beforeDeployment",
            type=ListOf(item=CONSTRAINT),
            summary=(
                "Constraints that start together once `dependsOn` is met; the target starts when all have succeeded."
            ),
            example=[{"pause": {"untilApproved": True}}],
        ),
        Field(
            name="afterDeployment",
            type=ListOf(item=CONSTRAINT),
            summary=(
                "Constraints that start together once the target is deployed; "
                "all must succeed before dependants may start."
            ),
            example=[{"runWebhook": {"name": "smoke-test"}}],
        ),
    ),
)

TARGET: Final = Shape(
    what="a target",
    summary="A named place to deploy to: a namespace in the cluster of an agent. No two targets may share it.",
    fields=(
        Field(
            name="account",
            type=Text(),
            summary="Name of the agent in the cluster.",
            example="live-cluster",
            is_required=True,
        ),
        Field(
            name="namespace",
            type=Text(pattern=r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|.*\{\{.*", most=253),
            summary="Namespace of all namespaced manifests, before the one that they write themselves.",
            example="shop-live",
            default="each manifest's own; one without any is refused",
        ),
        Field(
            name="strategy",
            type=Text(),
            summary="Name of an entry of `strategies`. Needed where a Deployment is among the target's manifests.",
            example="careful",
        ),
        Field(
            name="constraints",
            type=CONSTRAINTS,
            summary="What must hold before and after.",
            example={"dependsOn": ["qa"]},
        ),
    ),
    hints={
        **dict.fromkeys(_CONSTRAINT_FIELDS, _INDENT_ADVICE),
        **dict.fromkeys(("deployAsIamRole", "region"), LAMBDA_ADVICE),
    },
)

MANIFEST: Final = Shape(
    what="a manifest entry",
    summary="Where manifests come from (`path` or `inline`, exactly one), and the targets that receive them.",
    fields=(
        Field(
            name="path",
            type=Text(),
            summary=(
                "A file, a folder (read with everything below, `.yaml` and `.yml` only) or an http(s) address. "
                "Paths are relative to the deploy file."
            ),
            example="k8s/",
        ),
        Field(
            name="inline",
            type=Text(is_multiline=True, holds="nothing"),
            summary="Manifests as YAML text, one or more documents.",
            example="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: flags}\ndata: {newCart: 'true'}\n",
        ),
        Field(
            name="targets",
            type=ListOf(item=Text(), least=1),
            summary="Targets that receive these manifests.",
            example=["live"],
            default="all targets",
            needs=("path",),
        ),
    ),
    hints=dict.fromkeys(("url", "uri", "file"), "write `path`: a file, a folder or an address"),
)
