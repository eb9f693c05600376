"""Faults as workflow commands of GitHub Actions, which become annotations of the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from borealis_deployfile.faults import Fault


def to_annotations(faults: Iterable[Fault]) -> str:
    """One line for each fault."""
    return "".join(_line(fault) for fault in faults)


def _line(fault: Fault) -> str:
    # GitHub counts the end column in.
    properties = {
        "file": fault.file,
        "line": str(fault.line),
        "endLine": str(fault.line),
        "col": str(fault.column),
        "endColumn": str(max(fault.column, fault.end_column - 1)),
        "title": fault.code,
    }
    text = f"{fault.message}\n{fault.help}" if fault.help else fault.message
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{fault.severity} {written}::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
