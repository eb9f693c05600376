"""The verdict on a deploy file, in every form that `validate` writes. Decides nothing: the rules have."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from borealis_cli.deploy_files import count_of, invalid
from borealis_cli.options import ReportFormat
from borealis_cli.render.text import counted, printable
from borealis_deployfile.annotations import to_annotations
from borealis_deployfile.faults import Severity
from borealis_deployfile.report import render
from borealis_deployfile.sarif import to_sarif

if TYPE_CHECKING:
    from borealis_client import GatheredFiles
    from borealis_deployfile.faults import Fault

_DISTRIBUTION: Final = "borealis-cd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong with a deploy file and its manifests."""

    gathered: GatheredFiles
    faults: tuple[Fault, ...]
    is_strict: bool = False
    """Whether remarks are faults too."""

    @property
    def is_valid(self) -> bool:
        """Whether the file may stay as it is."""
        return not (self.faults or (self.is_strict and self.remarks))

    @property
    def is_startable(self) -> bool:
        """Whether the engine can execute it."""
        return not (self.faults or self.gathered.unsupported)

    @property
    def remarks(self) -> tuple[Fault, ...]:
        """Warnings, and what the engine cannot do yet: no fault of the file, so a warning as well."""
        return (*self.gathered.warnings, *self.not_supported)

    @property
    def not_supported(self) -> tuple[Fault, ...]:
        """What the engine cannot do yet."""
        return tuple(replace(fault, severity=Severity.WARNING) for fault in self.gathered.unsupported)

    def raise_for_faults(self) -> None:
        """Errors: FilesInvalidError with all faults, if there are any."""
        if self.is_valid:
            return
        faults = (*self.faults, *self.remarks) if self.is_strict else self.faults
        message = f"{count_of(faults)} in {self.gathered.file_name}. Nothing was started."
        raise invalid(self.gathered, faults, message)


def answer(verdict: Verdict, output: ReportFormat) -> list[str]:
    """The lines for stdout; for people there is nothing to say about a file with faults but the faults."""
    match output:
        case ReportFormat.JSON:
            return [json.dumps(_document(verdict), ensure_ascii=False, indent=2)]
        case ReportFormat.JSONL:
            return [json.dumps(_document(verdict), ensure_ascii=False)]
        case ReportFormat.SARIF:
            return [to_sarif((*verdict.faults, *verdict.remarks), tool_version=version(_DISTRIBUTION))]
        case ReportFormat.GITHUB:
            return to_annotations((*verdict.faults, *verdict.remarks)).splitlines()
        case ReportFormat.TEXT:
            return [_summary(verdict)] if verdict.is_valid else []


def remarks_text(verdict: Verdict) -> str:
    """The remarks as a compiler prints them, for stderr."""
    return printable(render(verdict.remarks, verdict.gathered.texts())).rstrip()


def _document(verdict: Verdict) -> dict[str, Any]:  # Any: JSON
    gathered = verdict.gathered
    return {
        "file": gathered.file_name,
        "valid": verdict.is_valid,
        "startable": verdict.is_startable,
        "faults": [asdict(fault) for fault in verdict.faults],
        "warnings": [asdict(fault) for fault in gathered.warnings],
        "not_supported": [asdict(fault) for fault in verdict.not_supported],
    }


def _summary(verdict: Verdict) -> str:
    gathered = verdict.gathered
    found = gathered.file
    if found is None:
        raise AssertionError("a file without faults has a meaning")
    parts = (
        counted(len(found.targets), "target"),
        counted(len(found.strategies), "strategy", "strategies"),
        counted(len(found.manifests), "source of manifests", "sources of manifests"),
    )
    counts = ", ".join(parts)
    text = f"{gathered.file_name} is valid: application {found.application}, {counts}"
    if gathered.unsupported:
        places = counted(len(gathered.unsupported), "place")
        text += f"; but a start is refused, for what is not supported yet in {places}"
    return text
