"""Faults as text for people and as JSON for tools."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Severity
from borealis_deployfile.source import lines_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from borealis_deployfile.faults import Fault

_LONGEST_LINE: Final = 140
_CONTEXT_BEFORE: Final = 60  # characters kept before the mark when a line is cut
_CUT: Final = "..."
_RESET: Final = "\x1b[0m"
_BOLD: Final = "\x1b[1m"
_BLUE: Final = "\x1b[34m"
_COLORS: Final = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m"}


def render(faults: Sequence[Fault], text: str | Mapping[str, str], *, color: bool = False) -> str:
    """The faults as a compiler prints them: code, message, place, the line with a mark under it, and help.

    `text` is the one file that all faults are in, or the texts of several files by name. Faults in a file whose text is
    not given show their place only.
    """
    texts = dict.fromkeys((fault.file for fault in faults), text) if isinstance(text, str) else text
    lines = {name: lines_of(content.removeprefix("\ufeff")) for name, content in texts.items()}
    blocks = [_block(fault, lines.get(fault.file, []), _Palette(fault.severity, is_on=color)) for fault in faults]
    return "\n".join(blocks)


def to_json(faults: Sequence[Fault]) -> str:
    """The faults as a JSON array; each field of `Fault` under its own name."""
    return json.dumps([asdict(fault) for fault in faults], ensure_ascii=False, indent=2)


class _Palette:
    """Colours of one fault, or none."""

    def __init__(self, severity: Severity, *, is_on: bool) -> None:
        self._is_on = is_on
        self._severity_color = _COLORS[severity]

    def loud(self, text: str) -> str:
        """In the colour of the severity."""
        return self._paint(self._severity_color, text)

    def bold(self, text: str) -> str:
        """Bold."""
        return self._paint(_BOLD, text)

    def quiet(self, text: str) -> str:
        """For frames and line numbers."""
        return self._paint(_BLUE, text)

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{_RESET}" if self._is_on and text else text


def _block(fault: Fault, lines: Sequence[str], palette: _Palette) -> str:
    number = str(fault.line)
    margin = " " * len(number)
    head = palette.loud(f"{fault.severity}[{fault.code}]") + palette.bold(f": {_printable(fault.message)}")
    rows = [head, f"{margin}{palette.quiet('-->')} {_printable(fault.file)}:{fault.line}:{fault.column}"]
    if fault.line <= len(lines):
        source, mark = _excerpt(lines[fault.line - 1], fault.column, fault.end_column)
        bar = palette.quiet("|")
        rows += [f"{palette.quiet(number)} {bar} {source}", f"{margin} {bar} {palette.loud(mark)}"]
    if fault.help:
        rows.append(f"{margin} {palette.quiet('=')} help: {_printable(fault.help)}")
    return "\n".join(rows) + "\n"


def _excerpt(line: str, column: int, end_column: int) -> tuple[str, str]:
    """The line, cut around the mark if it is long, and the marks that go under it."""
    start = max(0, column - 1 - _CONTEXT_BEFORE) if len(line) > _LONGEST_LINE else 0
    before = _CUT if start else ""
    shown = line[start : start + _LONGEST_LINE]
    after = _CUT if start + _LONGEST_LINE < len(line) else ""
    lead = before + line[start : column - 1]
    length = max(1, min(end_column - column, len(shown) - (column - 1 - start)))
    return _printable(before + shown + after), " " * len(lead) + "^" * length


def _printable(text: str) -> str:
    """The text in one row, one column for each character, and without anything that a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)
