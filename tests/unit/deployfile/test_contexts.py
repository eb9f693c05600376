"""Which variables a step sees: the flag goes before the step, the step before the file; everywhere alike."""

from __future__ import annotations

import json

from borealis_deployfile.contexts import context_of
from borealis_deployfile.model import Analysis, BlueGreen, Pause, RunWebhook
from borealis_deployfile.parse import check
from borealis_deployfile.templates import Escape, parse_template, render
from borealis_deployfile.variables import Values

TEXT = """\
application: shop
manifests: [{path: k8s}]
context: {k: file, f: '1'}
targets:
  qa:
    account: c
    namespace: n
    strategy: swap
    constraints:
      beforeDeployment: [{runWebhook: {name: w, context: {k: step, s: '2'}}}, {pause: {untilApproved: true}}]
      afterDeployment: [{analysis: {interval: 1, units: minutes, numberOfJudgmentRuns: 1, queries: [q]}}]
strategies:
  swap:
    blueGreen:
      activeService: web
      redirectTrafficAfter: [{analysis: {interval: 1, units: minutes, numberOfJudgmentRuns: 1, queries: [q]}}]
      shutDownOldVersionAfter: [{runWebhook: {name: w, context: {s: '3'}}}]
webhooks: [{name: w, uriTemplate: 'https://a.example', bodyTemplate: {inline: '{"k": "{{context.k}}"}'}}]
analysis: {defaultMetricProviderName: p, queries: [{name: q, queryTemplate: 'up{k="{{context.k}}"}', upperLimit: 1}]}
"""


def file_of(**given):
    result = check(TEXT, file_name="deploy.yaml", context=given)
    assert result.file is not None, result.faults
    return result.file


def test_the_flag_goes_before_the_step_and_the_step_before_the_file():
    """DF-35"""
    file = file_of(k="flag")
    hook, approval = file.targets[0].before

    assert context_of(file, hook) == {"k": "flag", "f": "1", "s": "2"}
    assert context_of(file_of(), hook) == {"k": "step", "f": "1", "s": "2"}
    assert context_of(file, approval) == {"k": "flag", "f": "1"}
    assert isinstance(approval, Pause)


def test_the_value_of_the_flag_arrives_in_a_body():
    """DF-05, DF-35"""
    file = file_of(k='a "flag"')
    hook = file.targets[0].before[0]
    assert isinstance(hook, RunWebhook)

    template = parse_template(file.webhooks[hook.name].body or "")
    body = render(template, Values(context=context_of(file, hook)).get, escape=Escape.JSON)

    assert json.loads(body.text) == {"k": 'a "flag"'}


def test_the_flag_reaches_blue_green_and_analysis_after_the_deployment():
    """DF-36"""
    file = file_of(k="flag")
    strategy = file.strategies["swap"]
    assert isinstance(strategy, BlueGreen)

    for step in (*strategy.redirect_after, *file.targets[0].after):
        assert isinstance(step, Analysis)
        query = parse_template(file.queries[step.queries[0]].template)
        assert render(query, Values(context=context_of(file, step)).get).text == 'up{k="flag"}'
    assert context_of(file, strategy.shut_down_after[0]) == {"k": "flag", "f": "1", "s": "3"}
