"""From text to YAML trees with places, and every fault that the text itself can have.

Owns encoding, size and the wording of syntax faults; `trees` builds. It knows nothing about deploy files or manifests.
"""

from __future__ import annotations

import re
from typing import Final

import yaml

from borealis_deployfile.faults import Code, Fault
from borealis_deployfile.trees import Documents, StopReadingError, TreeBuilder

MAX_SIZE_BYTES: Final = 10 * 1024 * 1024
"""Largest text that is read."""

_LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_NOT_YAML: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_EXPLANATIONS: Final = {
    "mapping values are not allowed": "put the value in quotes if it holds a colon, or check the indentation",
    "did not find expected key": "check the indentation of this line and the ones above it",
    "did not find expected '-' indicator": "check the indentation of this line and the ones above it",
    "could not find expected ':'": "a key needs a colon and a blank after it",
    "found unexpected end of stream": "a quote or a bracket is not closed",
    "did not find expected ',' or": "a bracket is not closed, or a comma is missing",
    "found character that cannot start any token": "put the value in quotes",
}


def read(text: bytes | str, *, file_name: str) -> Documents:
    """The documents of `text`, with every fault of the text; never raises for any input."""
    decoded = _decode(text, file_name)
    if isinstance(decoded, Fault):
        return Documents(faults=[decoded])
    builder = TreeBuilder(file_name)
    try:
        builder.take(yaml.parse(decoded, Loader=_LOADER))
    except StopReadingError as stop:
        builder.documents.faults.append(stop.fault)
    except yaml.MarkedYAMLError as error:  # the only kind: what the parser's reader refuses was refused above
        builder.documents.faults.append(_syntax_fault(error, decoded, file_name))
    return builder.documents


def lines_of(text: str) -> list[str]:
    """The lines of `text` as YAML counts them."""
    return _LINE_BREAK.split(text)


def _decode(text: bytes | str, file_name: str) -> str | Fault:
    if len(text) > MAX_SIZE_BYTES:
        mebibytes = MAX_SIZE_BYTES // 1024 // 1024
        return Fault(
            code=Code.TOO_LARGE,
            message=f"the file has {len(text):,} bytes, more than the limit of {mebibytes} MiB",
            help="move manifests into files of their own",
            file=file_name,
        )
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        return _encoding_fault(before, f"byte 0x{error.object[error.start]:02x}", file_name)
    decoded = decoded.removeprefix("\ufeff")
    stray = _NOT_YAML.search(decoded)
    if stray is not None:
        return _encoding_fault(decoded[: stray.start()], f"character U+{ord(stray[0]):04X}", file_name)
    return decoded


def _encoding_fault(before: str, what: str, file_name: str) -> Fault:
    lines = lines_of(before)
    column = len(lines[-1]) + 1
    return Fault(
        code=Code.ENCODING,
        message=f"the {what} is not allowed in a YAML file",
        help="save the file as UTF-8 text",
        file=file_name,
        line=len(lines),
        column=column,
        end_column=column + 1,
    )


def _syntax_fault(error: yaml.MarkedYAMLError, text: str, file_name: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    problem = error.problem or "not YAML"
    lines = lines_of(text)
    rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    if rest.startswith("\t"):
        problem, advice = "a tab cannot indent YAML", "indent with blanks"
    else:
        advice = next((advice for start, advice in _EXPLANATIONS.items() if problem.startswith(start)), "")
        problem = f"{problem} {error.context}" if error.context else problem
    return Fault(
        code=Code.SYNTAX,
        message=problem,
        help=advice,
        file=file_name,
        line=line,
        column=column,
        end_column=column + 1,
    )
