"""Faults as SARIF 2.1.0, which code hosts and editors read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from borealis_deployfile.faults import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_deployfile.faults import Fault

_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning"}


def to_sarif(faults: Sequence[Fault], *, tool_version: str) -> str:
    """One run of one tool; each fault is a result, each code a rule."""
    codes = sorted({fault.code for fault in faults})
    driver = {
        "name": "borealis",
        "version": tool_version,
        "rules": [{"id": code, "shortDescription": {"text": code.replace("_", " ").lower()}} for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(fault, codes.index(fault.code)) for fault in faults],
    }
    return json.dumps({"version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2)


def _result(fault: Fault, rule: int) -> dict[str, Any]:  # Any: JSON
    text = f"{fault.message}\n{fault.help}" if fault.help else fault.message
    region = {"startLine": fault.line, "startColumn": fault.column, "endColumn": fault.end_column}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": quote(fault.file)}, "region": region},
    }
    if fault.path:
        location["logicalLocations"] = [{"fullyQualifiedName": fault.path}]
    return {
        "ruleId": fault.code,
        "ruleIndex": rule,
        "level": _LEVELS[fault.severity],
        "message": {"text": text},
        "locations": [location],
    }
