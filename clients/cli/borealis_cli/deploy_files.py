"""Deploy files on the command line: read, checked, faults printed as a compiler does, the server's included."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import FilesInvalidError
from borealis_cli.render.text import printable
from borealis_client import gather
from borealis_deployfile.faults import Code, Fault, Severity
from borealis_deployfile.report import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from borealis_client import DeployFileInvalidError, GatheredFiles, Violation

_WORD: Final = re.compile(r"[^\s,\]}#:]+")
_PLACE: Final = re.compile(r"(?P<file>.+):(?P<line>\d+):(?P<column>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line says beside the file."""

    application: str = ""
    account: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    targets: Sequence[str] = ()
    allows_private: bool = False


def look(source: str, given: Given) -> GatheredFiles:
    """The deploy file at a path or an address, with what it names and its faults."""
    return gather(
        source,
        application=given.application or None,
        account=given.account or None,
        context=given.context,
        targets=given.targets,
        workspace=Path(workspace) if (workspace := os.environ.get("GITHUB_WORKSPACE")) else None,
        allows_private=given.allows_private,
    )


def read(source: str, given: Given) -> GatheredFiles:
    """The deploy file at a path or an address, with what it names, without faults.

    Errors: FilesInvalidError with all faults.
    """
    gathered = look(source, given)
    if gathered.faults:
        raise invalid(
            gathered, gathered.faults, f"{count_of(gathered.faults)} in {gathered.file_name}. Nothing was started."
        )
    return gathered


def warnings_text(gathered: GatheredFiles) -> str:
    """The warnings as a compiler prints them; empty when there are none."""
    return printable(render(gathered.warnings, gathered.texts())) if gathered.warnings else ""


def refused(gathered: GatheredFiles, error: DeployFileInvalidError) -> FilesInvalidError:
    """What the server found wrong, in the form of what is found here."""
    texts = gathered.texts()
    faults = [_fault(violation, gathered.file_name, texts) for violation in error.violations]
    return invalid(gathered, faults, error.message)


def invalid(gathered: GatheredFiles, faults: Sequence[Fault], message: str) -> FilesInvalidError:
    """The error that tells all faults of the files."""
    return FilesInvalidError(
        message,
        code=ExitCode.INVALID_FILE,
        report=printable(render(faults, gathered.texts())),
        violations=[
            {
                "field": f"{one.file}:{one.line}:{one.column}",
                "description": f"{one.message}\nhelp: {one.help}" if one.help else one.message,
                "reason": str(one.code),
            }
            for one in faults
        ],
    )


def _fault(violation: Violation, file_name: str, texts: Mapping[str, str]) -> Fault:
    """A violation as a fault; one without a place stands for the whole file."""
    message, _, advice = violation.description.partition("\nhelp: ")
    place = _PLACE.fullmatch(violation.field)
    is_known = violation.reason in Code.__members__
    file = place["file"] if place else file_name
    line, column = (int(place["line"]), int(place["column"])) if place else (1, 1)
    return Fault(
        code=Code(violation.reason) if is_known else Code.INVALID_VALUE,
        message=message if place else f"{violation.field}: {message}",
        help=advice,
        file=file,
        line=line,
        column=column,
        end_column=column + _word_length(texts.get(file, ""), line, column),
        severity=Severity.ERROR,
    )


def _word_length(text: str, line: int, column: int) -> int:
    """How much to mark: the word that stands there, since violations say only where a fault begins."""
    lines = text.splitlines()
    word = _WORD.match(lines[line - 1], column - 1) if 0 < line <= len(lines) else None
    return len(word[0]) if word else 1


def count_of(faults: Sequence[Fault]) -> str:
    """How many faults, in words."""
    return "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
