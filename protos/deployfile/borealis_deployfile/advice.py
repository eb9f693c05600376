"""What somebody may have meant who wrote a value of another shape: the short form of something longer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from borealis_deployfile.language.shapes import ListOf
from borealis_deployfile.nodes import Scalar, Sequence

if TYPE_CHECKING:
    from borealis_deployfile.language.shapes import Field, Shape
    from borealis_deployfile.nodes import Node

_SPAN: Final = re.compile(r"(\d{1,9})\s*(s|m|h)[a-z]*", re.IGNORECASE)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours"}
_LONGEST: Final = 40


def advice_for_map(node: Node, shape: Shape) -> str:
    """How to write a value that should be such a map; empty when nothing comes to mind."""
    names = {field.name for field in shape.fields}
    if isinstance(node, Scalar) and {"duration", "unit"} <= names and (span := _SPAN.fullmatch(node.text)):
        return f"write {{duration: {span[1]}, unit: {_UNITS[span[2].lower()]}}}"
    field = _main_field(shape)
    if field is None:
        return ""
    if isinstance(node, Sequence):
        return f"put the list under `{field.name}:`" if _is_list(field) else ""
    text = node.text if isinstance(node, Scalar) and node.text.isprintable() else ""
    return f"write {{{field.name}: {text}}}" if 0 < len(text) <= _LONGEST and not _is_list(field) else ""


def advice_for_number(node: Node) -> str:
    """How to write a number that came with something else; empty when it did not."""
    text = node.text.strip() if isinstance(node, Scalar) else ""
    if _SPAN.fullmatch(text):
        return "write the number alone, and its unit in the field beside it"
    return "write the number without a percent sign" if text.endswith("%") else ""


def _main_field(shape: Shape) -> Field | None:
    """The only field, or the only one that must be there; None where the short form could mean several."""
    required = [field for field in shape.fields if field.is_required]
    fields = required or list(shape.fields)
    return fields[0] if len(fields) == 1 else None


def _is_list(field: Field) -> bool:
    return isinstance(field.type, ListOf)
