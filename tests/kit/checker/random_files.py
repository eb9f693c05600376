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
from kit.checker.services import PINNED, PREVIEW, SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """What is drawn for all targets of a file together."""

    names: tuple[str, ...]
    routed: tuple[str, ...]
    """Targets with a blue/green strategy."""
    loads: tuple[Workload, ...]
    objects: int
    keeps: bool
    applies_services: bool
    applies_scalers: bool


@st.composite
def random_files(draw: DrawFn) -> RandomFile:
    """A file of up to three targets, canary or blue/green, and up to two Deployments in each."""
    names = draw(st.sampled_from([("prod",), ("qa", "prod"), ("qa", "prod", "eu")]))
    draft = _Draft(
        names=names,
        routed=tuple(name for name in names if draw(st.booleans())),
        loads=tuple(_workload(draw, name) for name in draw(st.sampled_from([("shop",), ("shop", "cart")]))),
        objects=draw(st.integers(0, 2)),
        keeps=draw(st.booleans()),
        applies_services=draw(st.booleans()),
        applies_scalers=draw(st.booleans()),
    )
    text, manifests = _file(draw, draft), "---\n".join(_manifests(draft))
    plans = tuple(_plan(draw, run, draft) for run in _runs(text, manifests))
    return RandomFile(
        text=text,
        manifests=manifests,
        scenario=Scenario(name="random", targets=plans, faults=draw(st.integers(0, 4)), kinds=FAULTS, starts=2),
    )


def _workload(draw: DrawFn, name: str) -> Workload:
    surge, unavailable = draw(st.sampled_from(_BOUNDS))
    old = draw(st.integers(0, 4))
    is_native, is_autoscaled = (old > 0 and draw(st.booleans()) for _ in range(2))
    pods = old if is_autoscaled else draw(st.integers(1, 5))
    return Workload(name, pods, old, surge, unavailable, is_native, is_autoscaled)


def _file(draw: DrawFn, draft: _Draft) -> str:
    lines = ["version: v1", "kind: kubernetes", "application: shop"]
    lines += ["deploymentConfig: {keepDeploymentObject: true}"] if draft.keeps else []
    lines += ["targets:"]
    for index, name in enumerate(draft.names):
        earlier = draw(st.lists(st.sampled_from(draft.names[:index]), unique=True)) if index else []
        strategy = "swift" if name in draft.routed else "careful"
        lines += [f"  {name}:", "    account: cluster-1", f"    namespace: {name}", f"    strategy: {strategy}"]
        lines += _constraints(draw, earlier)
    lines += ["manifests:", "  - path: shop.yaml", "strategies:"]
    lines += _canary(draw) if set(draft.names) - set(draft.routed) else []
    lines += _blue_green(draw, draft) if draft.routed else []
    return "\n".join([*lines, ""])


def _canary(draw: DrawFn) -> list[str]:
    steps = draw(st.lists(st.one_of(weights, pauses), min_size=1, max_size=4))
    return ["  careful:", "    canary:", "      steps:", *(f"        - {step}" for step in steps)]


def _blue_green(draw: DrawFn, draft: _Draft) -> list[str]:
    has_preview = draw(st.booleans())
    lines = ["  swift:", "    blueGreen:"]
    for key in ("redirectTrafficAfter", "shutDownOldVersionAfter"):
        conditions = draw(st.lists(pauses, max_size=2))
        lines += [f"      {key}: [{', '.join(f'{{{each}}}' for each in conditions)}]"]
    lines += ["trafficManagement:", f"  - targets: [{', '.join(draft.routed)}]", "    kubernetes:"]
    for load in draft.loads:
        preview = f", previewService: {load.name}{PREVIEW}" if has_preview else ""
        lines += [f"      - {{activeService: {load.name}{preview}}}"]
    return lines


def _constraints(draw: DrawFn, earlier: list[str]) -> list[str]:
    before, after = (draw(st.lists(pauses, max_size=2)) for _ in range(2))
    lines = [f"      dependsOn: [{', '.join(earlier)}]"] if earlier else []
    for key, steps in (("beforeDeployment", before), ("afterDeployment", after)):
        lines += [f"      {key}:", *(f"        - {step}" for step in steps)] if steps else []
    return ["    constraints:", *lines] if lines else []


def _manifests(draft: _Draft) -> Iterator[str]:
    yield from (_config_map(index) for index in range(draft.objects))
    for load in draft.loads:
        if draft.applies_services:
            yield from (_service(load, f"{load.name}{end}") for end in ("", PREVIEW))
        if draft.applies_scalers:
            yield _autoscaler(load)
        yield _deployment(load)


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


def _service(load: Workload, name: str) -> str:
    spec = f"{{selector: {{app: {load.name}}}, ports: [{{port: 80}}]}}"
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def _autoscaler(load: Workload) -> str:
    target = f"{{apiVersion: apps/v1, kind: Deployment, name: {load.name}}}"
    head = f"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {load.name}}}\n"
    return f"{head}spec: {{scaleTargetRef: {target}, maxReplicas: 9}}\n"


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


def _plan(draw: DrawFn, run: Any, draft: _Draft) -> TargetPlan:  # Any: a target's run
    has_old = all(load.old_pods for load in draft.loads)
    return TargetPlan(
        name=run.name,
        depends_on=run.depends_on,
        steps=run.steps,
        workloads=draft.loads,
        objects=draft.objects,
        broken=tuple(load.name for load in draft.loads if draw(st.integers(0, 9)) == 0),
        quota=draw(st.sampled_from([1_000, 1_000, 1_000, 6])),
        keeps=draft.keeps,
        pairs=run.service_pairs,
        services_at_first=draw(st.sampled_from([SHARED, SHARED, PINNED, ""]))
        if has_old
        else draw(st.sampled_from([SHARED, ""])),
        applies_services=draft.applies_services,
        applies_scalers=draft.applies_scalers,
    )
