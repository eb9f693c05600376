"""From the text of a deploy file to its model, or to all of its faults at once.

Owns the order of the checks and the verdict; `document` reads the fields, `rules` judges what they mean together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_deployfile.document import Given, read_document
from borealis_deployfile.draft import to_model
from borealis_deployfile.faults import Code, Fault, Severity
from borealis_deployfile.reader import Place, Reader
from borealis_deployfile.source import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_deployfile.draft import Draft
    from borealis_deployfile.model import DeployFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The verdict on a deploy file. `file` is None exactly when there are `faults`."""

    file: DeployFile | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


def check(
    text: bytes | str,
    *,
    file_name: str,
    application: str | None = None,
    account: str | None = None,
    context: Mapping[str, str] | None = None,
) -> Result:
    """The deploy file that `text` says, or every fault in it.

    `application` overrides the file's own name, `account` the accounts of all targets; `context` goes before the
    variables of the file and of its steps. Never raises, whatever the text. Faults come in the order of the text.
    """
    given = Given(application=application, account=account, context=context or {})
    documents = read(text, file_name=file_name)
    reader = Reader(file_name)
    reader.faults.extend(documents.faults)
    if any(fault.code not in {Code.DUPLICATE_KEY, Code.WRONG_TYPE} for fault in documents.faults):
        return _result(reader, None)
    roots = [root for root in documents.roots if root is not None]
    if not roots:
        if not reader.faults:
            reader.faults.append(Fault(code=Code.EMPTY, message="the file is empty", file=file_name))
        return _result(reader, None)
    if len(roots) > 1:
        second = Place(node=roots[1], path=())
        message = "a deploy file is one YAML document; here a second one starts"
        reader.fault(Code.SEVERAL_DOCUMENTS, second, message, "put it into a file of its own")
    return _result(reader, read_document(reader, Place(node=roots[0], path=()), given))


def _result(reader: Reader, draft: Draft | None) -> Result:
    in_order = sorted(reader.faults, key=lambda fault: (fault.line, fault.column))
    faults = tuple(fault for fault in in_order if fault.severity is Severity.ERROR)
    warnings = tuple(fault for fault in in_order if fault.severity is Severity.WARNING)
    return Result(file=to_model(draft) if draft and not faults else None, faults=faults, warnings=warnings)
