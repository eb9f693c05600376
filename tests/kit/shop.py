"""The example application of the scenarios: manifests and deploy files as text."""

from __future__ import annotations

NEVER_READY = "  readinessGates: [{conditionType: example.com/never}]"


def manifests(version: str, *, replicas: int = 4, is_ready: bool = True, name: str = "shop") -> str:
    """A Deployment of `version`, its Service and a ConfigMap that changes with the version."""
    gates = "" if is_ready else "      readinessGates: [{conditionType: example.com/never}]\n"
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}-settings}}
data: {{version: "{version}"}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
{gates}      containers: [{{name: web, image: "example.com/{name}:{version}"}}]
"""


def deploy_file(namespace: str, *steps: str, account: str = "cluster-1", application: str = "shop") -> str:
    """A deploy file with one target and a canary of `steps`, each in YAML's flow style."""
    lines = "\n".join(f"        - {step}" for step in steps)
    return f"""\
version: v1
kind: kubernetes
application: {application}
deploymentConfig:
  timeout: {{duration: 60, unit: seconds}}
targets:
  prod: {{account: {account}, namespace: {namespace}, strategy: careful}}
manifests:
  - path: shop.yaml
strategies:
  careful:
    canary:
      steps:
{lines or "        - setWeight: {weight: 100}"}
"""


def blue_green_file(namespace: str, *, redirect: str = "", shut_down: str = "") -> str:
    """A deploy file with one blue/green target; conditions in YAML's flow style."""
    head = deploy_file(namespace).partition("strategies:")[0]
    return f"""\
{head}strategies:
  careful:
    blueGreen:
      redirectTrafficAfter: [{redirect}]
      shutDownOldVersionAfter: [{shut_down}]
trafficManagement:
  - kubernetes: [{{activeService: shop}}]
"""


SET_25 = "setWeight: {weight: 25}"
SET_50 = "setWeight: {weight: 50}"
APPROVAL = "pause: {untilApproved: true}"
