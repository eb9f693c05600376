"""Webhooks: calls to other systems."""

from __future__ import annotations

from typing import Final

from borealis_deployfile.language.durations import DURATION
from borealis_deployfile.language.shapes import Choice, Field, Flag, ListOf, Shape, Text, Whole

HEADER: Final = Shape(
    what="a header",
    summary="One header of the call.",
    fields=(
        Field(
            name="key",
            type=Text(holds="webhook"),
            summary="Name of the header.",
            example="Authorization",
            is_required=True,
        ),
        Field(
            name="value",
            type=Text(may_be_empty=True, holds="webhook"),
            summary="Value of the header; a template.",
            example="Bearer {{secrets.runner-token}}",
            is_required=True,
        ),
    ),
)

BODY: Final = Shape(
    what="bodyTemplate",
    summary="The body of the call: `inline` or `path`, exactly one.",
    fields=(
        Field(
            name="inline",
            type=Text(is_multiline=True, holds="webhook"),
            summary="The body; a template.",
            example='{"suite": "{{context.suite}}", "callback": "{{armory.callbackUri}}/callback"}',
        ),
        Field(
            name="path",
            type=Text(),
            summary="A file that holds the body; a template.",
            example="webhooks/smoke-test.json",
        ),
    ),
)

CALLBACK_TIMEOUT: Final = Shape(
    what="callbackTimeout",
    summary="How long a step waits for the callback once the call was accepted; after it the step fails.",
    fields=DURATION.fields,
    hints=DURATION.hints,
)

WEBHOOK: Final = Shape(
    what="a webhook",
    summary="A call that `runWebhook` steps make.",
    fields=(
        Field(name="name", type=Text(), summary="Name of the webhook; unique.", example="smoke-test", is_required=True),
        Field(
            name="method",
            type=Choice(words=("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")),
            summary="HTTP method.",
            example="POST",
            default="POST",
        ),
        Field(
            name="uriTemplate",
            type=Text(holds="webhook"),
            summary="Address to call; a template.",
            example="https://runner.example/jobs",
            is_required=True,
        ),
        Field(
            name="networkMode",
            type=Choice(words=("direct", "remoteNetworkAgent"), aliases={"RNA": "remoteNetworkAgent"}),
            summary="Whether the server makes the call itself, or an agent makes it from inside its network.",
            example="remoteNetworkAgent",
            default="direct",
        ),
        Field(
            name="agentIdentifier",
            type=Text(),
            summary="Agent that makes the call; only with `networkMode: remoteNetworkAgent`.",
            example="live-cluster",
            default="the agent of the target",
            needs=("networkMode",),
        ),
        Field(
            name="headers",
            type=ListOf(item=HEADER),
            summary="Headers of the call. With a body, Content-Type is application/json unless written.",
        ),
        Field(name="bodyTemplate", type=BODY, summary="Body of the call.", example={"inline": '{"suite": "fast"}'}),
        Field(
            name="retryCount",
            type=Whole(least=0),
            summary="Further tries when the call fails.",
            example=2,
            default="0",
        ),
        Field(
            name="disableCallback",
            type=Flag(),
            summary="Whether the step has succeeded as soon as the call has, without waiting for a callback.",
            example=True,
            default="false",
        ),
        Field(
            name="callbackTimeout",
            type=CALLBACK_TIMEOUT,
            summary="How long the step waits for the callback once the call was accepted.",
            example={"duration": 30, "unit": "minutes"},
            default="24 hours",
        ),
    ),
    hints={
        **dict.fromkeys(("url", "uri"), "write `uriTemplate`"),
        "body": "write `bodyTemplate: {inline: ...}`, or `{path: ...}`",
    },
)
