"""What is said to somebody who wrote the short form of something longer."""

from __future__ import annotations

import pytest

from borealis_deployfile.faults import Code
from borealis_deployfile.parse import check

FILE = """\
application: shop
targets: TARGETS
manifests: [{path: k8s}]
strategies: {s: {canary: {steps: [STEP]}}}
deploymentConfig: CONFIG
analysis: {defaultMetricProviderName: p, queries: [{name: q, queryTemplate: up, upperLimit: LIMIT}]}
webhooks: [{name: w, uriTemplate: 'https://a.example'}]
"""
SOUND = {"TARGETS": "{qa: {account: c, namespace: n}}", "STEP": "setWeight: 10", "CONFIG": "{}", "LIMIT": "1"}


def file(**parts):
    text = FILE
    for name, part in {**SOUND, **parts}.items():
        text = text.replace(name, part)
    return text


def test_the_file_is_sound_without_the_short_forms():
    assert check(file(), file_name="f").faults == ()


@pytest.mark.parametrize(
    ("parts", "advice"),
    [
        ({"STEP": "pause: 5m"}, "write {duration: 5, unit: minutes}"),
        ({"STEP": "pause: 10 seconds"}, "write {duration: 10, unit: seconds}"),
        ({"STEP": "pause: later"}, ""),
        ({"CONFIG": "{timeout: 1h}"}, "write {duration: 1, unit: hours}"),
        ({"CONFIG": "{ifDeploymentInProgress: enqueueOne}"}, "write {strategy: enqueueOne}"),
        ({"STEP": "runWebhook: w"}, "write {name: w}"),
        ({"STEP": 'runWebhook: "w\\e[2J"'}, ""),
        ({"STEP": f"runWebhook: {'w' * 41}"}, ""),
        ({"STEP": "runWebhook: [w]"}, ""),
        ({"STEP": "exposeServices: [web]"}, "put the list under `services:`"),
        ({"STEP": "exposeServices: web"}, ""),
        ({"STEP": "analysis: q"}, ""),
        ({"TARGETS": "[{name: qa, account: c}]"}, "name each without a dash, as in `qa: {account: qa-cluster}`"),
        ({"LIMIT": "5%"}, "write the number without a percent sign"),
        ({"LIMIT": "1m"}, "write the number alone, and its unit in the field beside it"),
        ({"LIMIT": "many"}, ""),
    ],
)
def test_the_short_form_is_answered_with_the_long_one(parts, advice):
    (fault, *_) = [one for one in check(file(**parts), file_name="f").faults if one.code is Code.WRONG_TYPE]

    assert fault.help == advice


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (
            "apiVersion: apps/v1\nkind: Deployment\n",
            "this is a manifest: name its file under `manifests` of a deploy file",
        ),
        (file().replace("path: k8s", "url: k8s"), "write `path`: a file, a folder or an address"),
        (file().replace("uriTemplate:", "url:"), "write `uriTemplate`"),
        (file().replace("'}]", "', body: '{}'}]"), "write `bodyTemplate: {inline: ...}`, or `{path: ...}`"),
    ],
)
def test_what_people_write_instead_is_known(text, advice):
    assert advice in [fault.help for fault in check(text, file_name="f").faults]
