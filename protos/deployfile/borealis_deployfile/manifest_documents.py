"""From the text of a manifest file to its objects as JSON, each with its place.

Reads YAML as Kubernetes' own tools do, and takes lists of objects apart. Whether an object makes sense is not judged
here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from borealis_deployfile.faults import Code, Fault
from borealis_deployfile.nodes import Mapping, Node, Scalar, Sequence, end_column_of
from borealis_deployfile.paths import Path, format_path
from borealis_deployfile.scalars import value_of
from borealis_deployfile.source import read

if TYPE_CHECKING:
    from borealis_deployfile.trees import Documents

Json = Any  # Any: objects of Kubernetes are JSON of every shape
"""A JSON value."""

_LIST_SUFFIX: Final = "List"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDocument:
    """One object as it was written: its JSON, and the nodes that know where each part stands."""

    value: Json
    node: Node
    source: str
    index: int
    """Number of the document in its file, from 0; the items of a list share it."""

    def fault(self, code: Code, message: str, advice: str = "", *path: str | int) -> Fault:
        """A fault at the part of the object that `path` leads to, or as near to it as there is anything."""
        node = _nearest(self.node, path)
        return Fault(
            code=code,
            message=f"{message} (document {self.index + 1} of {self.source})",
            help=advice,
            path=format_path(path),
            file=self.source,
            line=node.line,
            column=node.column,
            end_column=end_column_of(node),
        )


@dataclass(slots=True)
class ManifestText:
    """What one file holds."""

    documents: list[ManifestDocument]
    faults: list[Fault]


def read_manifest(content: bytes | str, source: str) -> ManifestText:
    """The objects of a file, lists taken apart, or the faults of its text."""
    documents = read(content, file_name=source)
    found = ManifestText(documents=[], faults=[_as_manifest_fault(fault, documents) for fault in documents.faults])
    for index, root in enumerate(documents.roots):
        if root is not None:
            _read_document(found, root, source, index)
    return found


def _as_manifest_fault(fault: Fault, documents: Documents) -> Fault:
    number = max(1, sum(1 for line in documents.first_lines if line <= fault.line))
    message = f"{fault.message} (document {number} of {fault.file})"
    return replace(fault, code=Code.INVALID_MANIFEST, message=message)


def _read_document(found: ManifestText, root: Node, source: str, index: int) -> None:
    converter = _Converter()
    value = converter.convert(root, ())
    document = ManifestDocument(value=value, node=root, source=source, index=index)
    found.faults += [
        document.fault(Code.INVALID_MANIFEST, message, "put it in quotes", *path)
        for path, message in converter.problems
    ]
    if not converter.problems:
        found.documents += _unrolled(document)


def _unrolled(document: ManifestDocument) -> list[ManifestDocument]:
    """The document itself, or the items of the list that it is."""
    value, node = document.value, document.node
    kind = value.get("kind") if isinstance(value, dict) else None
    items = _nearest(node, ("items",))
    if not (isinstance(kind, str) and kind.endswith(_LIST_SUFFIX) and isinstance(items, Sequence)):
        return [document]
    parts = [replace(document, value=part, node=item) for part, item in zip(value["items"], items.items, strict=True)]
    return [item for part in parts for item in _unrolled(part)]


class _Converter:
    """Turns nodes into JSON and collects what has no JSON form."""

    def __init__(self) -> None:
        self.problems: list[tuple[Path, str]] = []

    def convert(self, node: Node, path: Path) -> Json:
        """The JSON of a node. Depth is limited by the reader of the text."""
        if isinstance(node, Mapping):
            entries = node.entries.items()
            return {self._key(entry.key, path): self.convert(entry.value, (*path, name)) for name, entry in entries}
        if isinstance(node, Sequence):
            return [self.convert(item, (*path, index)) for index, item in enumerate(node.items)]
        return self._scalar(node, path)

    def _scalar(self, scalar: Scalar, path: Path) -> Json:
        try:
            value = value_of(scalar)
        except ValueError as error:
            self.problems.append((path, str(error)))
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.problems.append((path, f"{scalar.text} has no place in JSON"))
        return value

    def _key(self, key: Scalar, path: Path) -> str:
        here = (*path, key.text)
        value = self._scalar(key, here)
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is None:
            self.problems.append((here, "a key may not be empty"))
        return str(value)


def _nearest(node: Node, path: Path) -> Node:
    """The node that `path` leads to; where it does not exist, the last one on the way."""
    for part in path:
        if isinstance(part, str) and isinstance(node, Mapping) and part in node.entries:
            node = node.entries[part].value
        elif isinstance(part, int) and isinstance(node, Sequence) and part < len(node.items):
            node = node.items[part]
        else:
            break
    return node
