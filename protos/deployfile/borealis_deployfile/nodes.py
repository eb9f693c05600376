"""The tree of a YAML document, each node with its place in the text. Lines and columns count from 1."""

from __future__ import annotations

from dataclasses import dataclass


# These three are made by the ten thousand for one file: not frozen, since that makes each many times dearer.
@dataclass(slots=True, eq=False)
class Scalar:
    """A single value, not yet given a type."""

    text: str
    is_plain: bool
    """Written without quotes, so that its type follows from its text."""
    tag: str | None
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    items: list[Node]
    tag: str | None
    line: int
    column: int
    end_line: int
    end_column: int
    weight: int = 1
    """Nodes in this tree, with aliases written out."""
    height: int = 1
    """Levels of this tree, with aliases written out."""


@dataclass(slots=True, eq=False)
class Mapping:
    """A map in the order of the text; its keys are unique."""

    entries: dict[str, Entry]
    tag: str | None
    line: int
    column: int
    end_line: int
    end_column: int
    weight: int = 1
    """Nodes in this tree, with aliases written out."""
    height: int = 1
    """Levels of this tree, with aliases written out."""


@dataclass(slots=True, eq=False)
class Entry:
    """A key and its value."""

    key: Scalar
    value: Node


Node = Scalar | Sequence | Mapping
"""Anything in a tree."""


def weight_of(node: Node) -> int:
    """Nodes in the tree below and with `node`, with aliases written out."""
    return 1 if isinstance(node, Scalar) else node.weight


def height_of(node: Node) -> int:
    """Levels of the tree at `node`; 0 for a scalar."""
    return 0 if isinstance(node, Scalar) else node.height


def end_column_of(node: Node) -> int:
    """The first column after the node where it fits on its line; else the one after its first character."""
    return node.end_column if node.end_line == node.line and node.end_column > node.column else node.column + 1
