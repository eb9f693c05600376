"""The corpus of deploy files under tests/conformance/corpus, and a file's verdict in the form of its expectation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from borealis_deployfile.addresses import shown
from borealis_deployfile.bodies import check_bodies
from borealis_deployfile.faults import Severity
from borealis_deployfile.manifests import FileContent, check_manifests, collect_addresses, collect_paths
from borealis_deployfile.parse import check
from borealis_deployfile.planning.planner import make_plan
from borealis_deployfile.surroundings import Surroundings, check_surroundings
from borealis_deployfile.unsupported import unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.model import DeployFile
    from borealis_deployfile.planning.plan import PlannedStep

ROOT: Final = Path(__file__).parents[1] / "conformance" / "corpus"
GOOD: Final = tuple(sorted((ROOT / "good").glob("*.yaml")))
"""Files without faults of their own; their manifests lie beside them."""
BAD: Final = tuple(sorted((ROOT / "bad").glob("*.yaml")))

REFUSED: Final = tuple(sorted((ROOT / "refused").glob("*.yaml")))
"""Files that are sound by themselves, and whose manifests, bodies or surroundings are not."""


def expectation_of(file: Path) -> Any:  # Any: JSON
    """What is written beside the file."""
    return json.loads(file.with_suffix(".expect.json").read_text(encoding="utf-8"))


def manifest_files(file: DeployFile, folder: Path) -> dict[str, tuple[FileContent, ...]]:
    """What lies in the folder, as a client collects it; what addresses answer lies in its folder `web`."""
    places = {path: folder / path for path in collect_paths(file)}
    places |= {address: folder / "web" / shown(address).partition("://")[2] for address in collect_addresses(file)}
    return {path: tuple(_contents(place)) for path, place in places.items() if place.exists()}


def verdict_of(path: Path) -> dict[str, Any]:
    """Faults, warnings, what is not supported, order and plan, each in few words."""
    result = check(path.read_bytes(), file_name=path.name)
    verdict: dict[str, Any] = {"faults": _places(result.faults), "warnings": _places(result.warnings)}
    if result.file is None:
        return verdict
    files = manifest_files(result.file, path.parent)
    manifests, bodies = check_manifests(result.file, files), check_bodies(result.file, files)
    verdict["warnings"] += _places(bodies.warnings)
    if bodies.faults:
        verdict["body_faults"] = _places(bodies.faults)
    verdict["manifest_faults"] = sorted({fault.code.value for fault in manifests.faults})
    verdict["not_supported"] = [{"line": one.line, "message": one.message} for one in unsupported(bodies.file)]
    plan = make_plan(result.file, manifests.objects_by_target)
    verdict["waves"] = [list(wave) for wave in plan.waves]
    if manifests.faults:
        return verdict
    verdict["earliest_finish_s"] = plan.earliest_finish_s
    verdict["plan"] = {
        one.name: [_step(step) for step in (*one.before, *one.steps, *one.after)] for one in plan.targets
    }
    return verdict


def refusal_of(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    """Faults and warnings of a file together with what it names and what `given` says there is around it."""
    result = check(path.read_bytes(), file_name=path.name, account=given.get("account"))
    assert result.file is not None, result.faults
    files = manifest_files(result.file, path.parent)
    manifests, bodies = check_manifests(result.file, files), check_bodies(result.file, files)
    known = {name: given[name] for name in ("accounts", "secrets", "providers", "roles", "away") if name in given}
    found = (
        *result.warnings,
        *(*manifests.faults, *manifests.warnings, *bodies.faults, *bodies.warnings),
        *check_surroundings(bodies.file, Surroundings(**known)),
    )
    return {
        "given": dict(given),
        "faults": [_place(fault) for fault in found if fault.severity is Severity.ERROR],
        "warnings": [_place(fault) for fault in found if fault.severity is Severity.WARNING],
    }


def _place(fault: Fault) -> dict[str, Any]:
    return {"code": fault.code.value, "place": f"{fault.file}:{fault.line}:{fault.column}", "message": fault.message}


def _contents(path: Path) -> Iterable[FileContent]:
    names = sorted(path.rglob("*.y*ml")) if path.is_dir() else [path]
    return (FileContent(name=str(name.relative_to(ROOT)), content=name.read_bytes()) for name in names)


def _places(faults: Iterable[Fault]) -> list[Mapping[str, Any]]:
    return [{"code": fault.code.value, "line": fault.line} for fault in faults]


def _step(step: PlannedStep) -> str:
    text = f"{step.ref} {step.kind}"
    if step.pods is not None:
        text += f" {step.weight_percent}% new={step.pods.new} old={step.pods.old} extra={step.extra_pods}"
    return f"{text} {step.least_duration_s:g}s" if step.least_duration_s else text
