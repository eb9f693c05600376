"""Deploy files to start from: complete, commented, and free of faults and warnings."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Collection

StarterKind = Literal["canary", "bluegreen"]
"""The strategy to start from."""


class Feature(StrEnum):
    """What a starter file shows beside the bare strategy; features combine."""

    MANUAL = "manual"
    """Approvals by people."""
    AUTOMATED = "automated"
    """Analysis of metrics."""
    WEBHOOK = "webhook"
    """Calls to other systems."""
    TRAFFIC = "traffic"
    """A canary splits traffic by the Gateway API; blue/green always manages its Services."""
    SMI = "smi"
    """A canary splits traffic by an SMI mesh; deprecated, as SMI itself is."""
    ISTIO = "istio"
    """A canary splits traffic by Istio."""


class StarterError(ValueError):
    """Features that do not go together."""


def starter_file(kind: StarterKind, features: Collection[Feature] = ()) -> str:
    """A deploy file with that strategy and those features; none means `manual`.

    Errors: StarterError for features that exclude each other.
    """
    chosen = frozenset(features) or frozenset({Feature.MANUAL})
    meshes = chosen & {Feature.TRAFFIC, Feature.SMI, Feature.ISTIO}
    if Feature.ISTIO in meshes and len(meshes) > 1:
        raise StarterError("a target has either SMI or Istio: choose one of the two")
    if kind == "bluegreen" and meshes - {Feature.TRAFFIC}:
        raise StarterError("smi and istio are for canaries: blue/green switches Services")
    strategy = _canary(chosen) if kind == "canary" else _blue_green(chosen)
    parts = [_HEAD, _targets(chosen), _MANIFESTS, strategy]
    if Feature.AUTOMATED in chosen:
        parts.append(_ANALYSIS)
    if Feature.WEBHOOK in chosen:
        parts.append(_WEBHOOKS)
    parts.append(_SERVICES if kind == "bluegreen" else _mesh(meshes))
    return "".join(parts)


def _targets(chosen: frozenset[Feature]) -> str:
    after = _AFTER_STAGING if Feature.WEBHOOK in chosen else ""
    before = _BEFORE_PROD if Feature.MANUAL in chosen else ""
    return _TARGETS.format(after=after, before=before)


def _canary(chosen: frozenset[Feature]) -> str:
    steps = [_WEIGHT.format(percent=25)]
    steps += [text for feature, text in _CANARY_STEPS.items() if feature in chosen]
    return _CANARY + "".join(steps) + _CANARY_END


def _blue_green(chosen: frozenset[Feature]) -> str:
    conditions = [text for feature, text in _CANARY_STEPS.items() if feature in chosen] or [_TIMED]
    return _BLUE_GREEN + "".join(conditions) + _BLUE_GREEN_END


def _mesh(meshes: frozenset[Feature]) -> str:
    if Feature.ISTIO in meshes:
        return _ISTIO
    if Feature.SMI in meshes:
        return _SMI
    return _GATEWAY if meshes else ""


_HEAD: Final = """\
version: v1
kind: kubernetes
# The name of your application; one deployment of it is in progress at a time.
application: my-application
"""
_TARGETS: Final = """\
# Where to deploy. An account is the name of the agent in a cluster.
targets:
  staging:
    account: staging-cluster
    namespace: my-namespace
    strategy: careful
{after}  prod:
    account: prod-cluster
    namespace: my-namespace
    strategy: careful
    constraints:
      # prod starts when staging has succeeded.
      dependsOn: [staging]
{before}"""
_AFTER_STAGING: Final = """\
    constraints:
      # Run together once staging is deployed; all must succeed before prod starts.
      afterDeployment:
        - runWebhook:
            name: integration-tests
"""
_BEFORE_PROD: Final = """\
      beforeDeployment:
        - pause:
            untilApproved: true
            # Without this, the deployment waits for ever.
            approvalExpiration: {duration: 24, unit: hours}
"""
_MANIFESTS: Final = """\
# What to deploy: files, folders or text. Paths are relative to this file.
manifests:
  - path: manifests/
  - path: manifests-of-staging/
    targets: [staging]
"""
_CANARY: Final = """\
strategies:
  careful:
    canary:
      # One after the other; after the last step the new version takes over wholly.
      steps:
"""
_WEIGHT: Final = """\
        - setWeight:
            weight: {percent}
"""
_CANARY_STEPS: Final = {
    Feature.WEBHOOK: """\
        - runWebhook:
            name: integration-tests
""",
    Feature.AUTOMATED: """\
        - analysis:
            interval: 30
            units: seconds
            numberOfJudgmentRuns: 4
            # automatic: roll back at once. manual: let a person decide.
            rollBackMode: automatic
            rollForwardMode: automatic
            queries: [error-rate]
""",
    Feature.MANUAL: """\
        - pause:
            untilApproved: true
""",
}
_TIMED: Final = """\
        - pause: {duration: 5, unit: minutes}
"""
_CANARY_END: Final = """\
        - setWeight:
            weight: 50
        - pause: {duration: 5, unit: minutes}
        - setWeight:
            weight: 100
"""
_BLUE_GREEN: Final = """\
strategies:
  careful:
    blueGreen:
      # Run together; traffic is switched when all have succeeded.
      redirectTrafficAfter:
"""
_BLUE_GREEN_END: Final = """\
      # Run together; the old version is deleted when all have succeeded. Until then a rollback is instant.
      shutDownOldVersionAfter:
        - pause: {duration: 15, unit: minutes}
"""
_ANALYSIS: Final = """\
analysis:
  # A metric provider of your tenant.
  defaultMetricProviderName: prometheus
  queries:
    - name: error-rate
      # The result must stay within the limits; at least one of the two is needed.
      upperLimit: 1
      lowerLimit: 0
      queryTemplate: >-
        100 * sum(rate(http_requests_total{rs="{{armory.replicaSetName}}",code=~"5.."}[{{armory.promQlStepInterval}}]))
        / sum(rate(http_requests_total{rs="{{armory.replicaSetName}}"}[{{armory.promQlStepInterval}}]))
"""
_WEBHOOKS: Final = """\
webhooks:
  - name: integration-tests
    method: POST
    uriTemplate: https://ci.example.com/jobs
    headers:
      - {key: Authorization, value: "Bearer {{secrets.ci-token}}"}
    bodyTemplate:
      # The job reports {"success": true} to the callback address, with `Authorization: Bearer` and the token.
      inline: |
        {"target": "{{armory.environmentName}}", "callback": "{{armory.callbackUri}}/callback",
         "token": "{{armory.callbackToken}}"}
    retryCount: 2
"""
_SERVICES: Final = """\
trafficManagement:
  - targets: [staging, prod]
    kubernetes:
      # The Service that users call is switched; the other one leads to the new version before that.
      - activeService: my-application
        previewService: my-application-preview
"""
_SMI: Final = """\
trafficManagement:
  - targets: [prod]
    smi:
      # The Service that users call.
      - rootServiceName: my-application
"""
_GATEWAY: Final = """\
trafficManagement:
  - targets: [prod]
    gatewayApi:
      # The HTTPRoute that brings users to the application; its rules lead to a Service.
      - route: {name: my-application}
"""
_ISTIO: Final = """\
trafficManagement:
  - targets: [prod]
    istio:
      - virtualService: {name: my-application}
        destinationRule: {name: my-application}
"""
