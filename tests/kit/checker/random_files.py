"""Random deploy files that are valid, as the text a user writes, and what they mean for the checker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from borealis_deployfile.manifests import FileContent, apply_order, check_manifests
from borealis_deployfile.parse import check
from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.start import CheckedStart, StartRequest, first_record
from kit.checker.cluster import Workload
from kit.checker.records import NOW
from kit.checker.scenarios import FAULTS, Scenario, TargetPlan

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

_PAUSES = (
    "pause: {untilApproved: true}",
    "pause: {untilApproved: true, approvalExpiration: {duration: 5, unit: minutes}}",
    "pause: {duration: 30, unit: seconds}",
    "pause: {duration: 2, unit: minutes}",
)
_BOUNDS: tuple[tuple[int | str, int | str], ...] = (("25%", 0), (0, 1), (1, 1), ("100%", 0), (0, 0), (2, "50%"))

pauses: SearchStrategy[str] = st.sampled_from(_PAUSES)
weights: SearchStrategy[str] = st.integers(1, 100).map(lambda weight: f"setWeight: {{weight: {weight}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomFile:
    """A deploy file, and the cluster that it meets."""

    text: str
    manifests: str
    scenario: Scenario


@st.composite
def random_files(draw: DrawFn) -> RandomFile:
    """A file of up to three targets, and up to two Deployments in each."""
    names = draw(st.sampled_from([("prod",), ("qa", "prod"), ("qa", "prod", "eu")]))
    loads = tuple(_workload(draw, name) for name in draw(st.sampled_from([("shop",), ("shop", "cart")])))
    objects = draw(st.integers(0, 2))
    text = _file(draw, names)
    manifests = "---\n".join(
        [*(_config_map(index) for index in range(objects)), *(_deployment(load) for load in loads)]
    )
    plans = tuple(_plan(draw, run, loads, objects) for run in _runs(text, manifests))
    return RandomFile(
        text=text,
        manifests=manifests,
        scenario=Scenario(name="random", targets=plans, faults=draw(st.integers(0, 4)), kinds=FAULTS, starts=2),
    )


def _workload(draw: DrawFn, name: str) -> Workload:
    surge, unavailable = draw(st.sampled_from(_BOUNDS))
    old = draw(st.integers(0, 4))
    is_native = old > 0 and draw(st.booleans())
    return Workload(name, draw(st.integers(1, 5)), old, surge, unavailable, is_native)


def _file(draw: DrawFn, names: tuple[str, ...]) -> str:
    lines = ["version: v1", "kind: kubernetes", "application: shop", "targets:"]
    for index, name in enumerate(names):
        earlier = draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        lines += [f"  {name}:", "    account: cluster-1", f"    namespace: {name}", "    strategy: careful"]
        lines += _constraints(draw, earlier)
    steps = draw(st.lists(st.one_of(weights, pauses), min_size=1, max_size=4))
    lines += ["manifests:", "  - path: shop.yaml", "strategies:", "  careful:", "    canary:", "      steps:"]
    return "\n".join([*lines, *(f"        - {step}" for step in steps), ""])


def _constraints(draw: DrawFn, earlier: list[str]) -> list[str]:
    before, after = (draw(st.lists(pauses, max_size=2)) for _ in range(2))
    lines = [f"      dependsOn: [{', '.join(earlier)}]"] if earlier else []
    for key, steps in (("beforeDeployment", before), ("afterDeployment", after)):
        lines += [f"      {key}:", *(f"        - {step}" for step in steps)] if steps else []
    return ["    constraints:", *lines] if lines else []


def _deployment(load: Workload) -> str:
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {load.name}}}
spec:
  replicas: {load.pods}
  selector: {{matchLabels: {{app: {load.name}}}}}
  strategy: {{rollingUpdate: {{maxSurge: {load.surge}, maxUnavailable: {load.unavailable}}}}}
  template:
    metadata: {{labels: {{app: {load.name}}}}}
    spec: {{containers: [{{name: web, image: "example.com/{load.name}:2"}}]}}
"""


def _config_map(index: int) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings-{index}}}\ndata: {{a: b}}\n"


def _runs(text: str, manifests: str) -> Any:  # Any: runs of targets
    """The targets as a start makes them from the file. Errors: AssertionError when the file is not valid after all."""
    content = (FileContent(name="shop.yaml", content=manifests.encode()),)
    result = check(text.encode(), file_name="deploy.yaml")
    assert result.file is not None, result.faults
    found = check_manifests(result.file, {"shop.yaml": content})
    assert not found.faults, found.faults
    objects = {
        name: [item for group in apply_order(items) for item in group.objects]
        for name, items in found.objects_by_target.items()
    }
    request = StartRequest(tenant="main", actor="ana", deploy_file=text.encode(), files={"shop.yaml": content})
    start = CheckedStart(file=result.file, objects=objects, warnings=())
    recorded, _ = first_record(start, request, DeploymentKey(tenant="main", id="abc"), NOW)
    return recorded.deployment.targets


def _plan(draw: DrawFn, run: Any, loads: tuple[Workload, ...], objects: int) -> TargetPlan:  # Any: a target's run
    return TargetPlan(
        name=run.name,
        depends_on=run.depends_on,
        steps=run.steps,
        workloads=loads,
        objects=objects,
        broken=tuple(load.name for load in loads if draw(st.integers(0, 9)) == 0),
        quota=draw(st.sampled_from([1_000, 1_000, 1_000, 6])),
    )
