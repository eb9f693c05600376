"""YAML text as the JSON that an editor makes of it before it asks a schema."""

from __future__ import annotations

import math
from typing import Any

from borealis_deployfile.nodes import Mapping, Node, Sequence
from borealis_deployfile.scalars import value_of
from borealis_deployfile.source import read

_LETTERS = "yYnN"  # text to editors and to deploy files; booleans only to very old YAML


def documents_of(text: bytes | str) -> list[Any]:  # Any: JSON
    """The documents of the text; none of one that is no YAML or has no JSON form."""
    found = read(text, file_name="text")
    try:
        return [] if found.faults else [_json(root) for root in found.roots if root is not None]
    except ValueError:
        return []


def _json(node: Node) -> Any:  # Any: JSON
    if isinstance(node, Mapping):
        return {name: _json(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [_json(item) for item in node.items]
    if node.is_plain and len(node.text) == 1 and node.text in _LETTERS:
        return node.text
    value = value_of(node)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{node.text} has no place in JSON")
    return value
