"""From YAML events to trees: nesting, anchors, aliases, merges and duplicate keys, each fault with its place.

Owns the limits that keep a small text from becoming a huge tree. Text and syntax belong to `source`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import yaml

from borealis_deployfile.faults import MAX_FAULTS, Code, Fault
from borealis_deployfile.nodes import Entry, Mapping, Node, Scalar, Sequence, end_column_of, height_of, weight_of
from borealis_deployfile.scalars import MERGE_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH: Final = 100
"""Deepest nesting that is read."""
MAX_NODES: Final = 500_000
"""Most values that a text may hold; a file of the largest size with longer lines has fewer."""
MAX_ALIASED_NODES: Final = 100_000
"""Most nodes that aliases may add to a text: small texts must not unfold into huge ones."""


@dataclass(slots=True)
class Documents:
    """What a text holds. A document is None where it is empty; after a syntax fault the rest is missing."""

    roots: list[Node | None] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    first_lines: list[int] = field(default_factory=list)
    """Line on which each document starts."""


class StopReadingError(Exception):
    """The text holds something after which reading on makes no sense."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(slots=True)
class _Open:
    """A collection that is being read, and the key that waits for its value."""

    node: Sequence | Mapping
    anchor: str | None
    key: Scalar | None = None
    merges: list[Node] = field(default_factory=list)


class TreeBuilder:
    """Makes trees of events, without recursion: depth costs no stack."""

    def __init__(self, file_name: str, *, max_nodes: int = MAX_NODES) -> None:
        self.documents = Documents()
        self._file_name = file_name
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}  # None: still open
        self._aliased_nodes = 0
        self._nodes = 0
        self._max_nodes = max_nodes

    def take(self, events: Iterable[yaml.Event]) -> None:
        """Read all events. Errors: those of the parser, and StopReadingError."""
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._add(Scalar(event.value, event.implicit[0], event.tag, *_place(event)), event.anchor)
            elif isinstance(event, yaml.AliasEvent):
                self._add(self._target(event), None)
            elif isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
                self._open(event)
            elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
                self._close(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                self.documents.roots.append(None)
                self.documents.first_lines.append(_place(event)[0])

    def _target(self, event: yaml.AliasEvent) -> Node:
        name = event.anchor or ""
        node = self._anchors.get(name)
        if node is None:
            problem = "stands inside its own anchor" if name in self._anchors else "has no anchor above it"
            raise StopReadingError(self._fault_at_event(Code.SYNTAX, event, f"the alias *{name} {problem}"))
        self._aliased_nodes += weight_of(node)
        if self._aliased_nodes > MAX_ALIASED_NODES:
            message = f"aliases unfold this text by more than {MAX_ALIASED_NODES:,} values"
            raise StopReadingError(self._fault_at_event(Code.ALIAS_LIMIT, event, message))
        self._check_depth(height_of(node), event)
        return node

    def _check_depth(self, added: int, event: yaml.Event) -> None:
        if len(self._stack) + added > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels"
            raise StopReadingError(self._fault_at_event(Code.SYNTAX, event, message))

    def _open(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent) -> None:
        self._check_depth(1, event)
        is_list = isinstance(event, yaml.SequenceStartEvent)
        node = Sequence([], event.tag, *_place(event)) if is_list else Mapping({}, event.tag, *_place(event))
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Open(node, event.anchor))

    def _close(self, event: yaml.Event) -> None:
        closed = self._stack.pop()
        for merged in closed.merges:
            self._merge(closed.node, merged)
        closed.node.end_line, closed.node.end_column = _place(event)[2:]
        self._add(closed.node, closed.anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        self._nodes += 1
        if self._nodes > self._max_nodes:
            advice = "split it into several files"
            message = f"the file holds more than {self._max_nodes:,} values"
            raise StopReadingError(self._fault(Code.TOO_LARGE, node, message, advice))
        if anchor:
            self._anchors[anchor] = node
        if not self._stack:
            self.documents.roots[-1] = None if _is_empty(node) else node
            return
        top = self._stack[-1]
        top.node.weight += weight_of(node)
        top.node.height = max(top.node.height, height_of(node) + 1)
        if isinstance(top.node, Sequence):
            top.node.items.append(node)
        elif top.key is None:
            top.key = self._key(node)
        else:
            self._put(top, top.key, node)
            top.key = None

    def _key(self, node: Node) -> Scalar:
        if isinstance(node, Scalar):
            return node
        raise StopReadingError(self._fault(Code.WRONG_TYPE, node, "a key must be text, not a list or a map"))

    def _put(self, top: _Open, key: Scalar, value: Node) -> None:
        assert isinstance(top.node, Mapping)  # noqa: S101 - only a map has keys; tells the type checker
        if key.text == MERGE_KEY and key.is_plain:
            top.merges.append(value)
            return
        first = top.node.entries.get(key.text)
        if first is None:
            top.node.entries[key.text] = Entry(key, value)
            return
        message = f"the key {key.text!r} is written twice; first on line {first.key.line}"
        self._note(self._fault(Code.DUPLICATE_KEY, key, message, "keep one of the two"))

    def _merge(self, into: Sequence | Mapping, merged: Node) -> None:
        sources = merged.items if isinstance(merged, Sequence) else [merged]
        for source in sources:
            if not isinstance(source, Mapping) or not isinstance(into, Mapping):
                message = "the key << takes a map or a list of maps"
                self._note(self._fault(Code.WRONG_TYPE, source, message))
                continue
            for name, entry in source.entries.items():
                into.entries.setdefault(name, entry)

    def _note(self, fault: Fault) -> None:
        self.documents.faults.append(fault)
        if len(self.documents.faults) >= MAX_FAULTS:
            message = "there are more faults than can be told at once"
            raise StopReadingError(replace(fault, code=Code.TOO_MANY_FAULTS, message=message, help=""))

    def _fault(self, code: Code, node: Node, message: str, advice: str = "") -> Fault:
        return Fault(
            code=code,
            message=message,
            help=advice,
            file=self._file_name,
            line=node.line,
            column=node.column,
            end_column=end_column_of(node),
        )

    def _fault_at_event(self, code: Code, event: yaml.Event, message: str) -> Fault:
        # A stand-in node at the place of the event: an alias has no node of its own, and an opening bracket not yet.
        return self._fault(code, Scalar("", False, None, *_place(event)), message)


def _place(event: yaml.Event) -> tuple[int, int, int, int]:
    """Line, column, end line and end column, from 1."""
    start, end = event.start_mark, event.end_mark
    assert start is not None  # noqa: S101 - the parser marks every event; only its types do not say so
    assert end is not None  # noqa: S101 - as above
    return start.line + 1, start.column + 1, end.line + 1, end.column + 1


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_plain and node.tag is None and not node.text
