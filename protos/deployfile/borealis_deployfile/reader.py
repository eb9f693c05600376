"""Reads the nodes of a deploy file as fields of known types, and collects a fault for each that is not.

Owns unknown, missing, unsupported and mistyped fields. What the values mean together belongs to `rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import MAX_FAULTS, Code, Fault, Severity
from borealis_deployfile.hints import did_you_mean
from borealis_deployfile.model import Origin
from borealis_deployfile.nodes import Mapping, Node, Scalar, Sequence, end_column_of
from borealis_deployfile.paths import Path, format_path
from borealis_deployfile.scalars import Value, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Mapping as Map

_LETTERS: Final = frozenset("yn")  # booleans to Kubernetes; in a deploy file they are the names that they look like
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
MAX_HINTS: Final = 50
"""Most faults of a file that name the nearest name."""
MAX_NAME_LENGTH: Final = 128
"""Most characters of an application's or a target's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node and the path that leads to it."""

    node: Node
    path: Path

    def at(self, node: Node, *parts: str | int) -> Place:
        """The place of `node`, further down."""
        return Place(node=node, path=(*self.path, *parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A text and its place, for faults that are found later."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields of one map: a closed list."""

    what: str
    """Name of such a map in messages, as in `a target`."""
    known: frozenset[str]
    unsupported: frozenset[str] = frozenset()
    """Fields of the language that cannot be executed yet."""
    is_choice: bool = False
    """Whether a field is chosen by naming it, so that it counts even without a value."""
    hints: Map[str, str] = field(default_factory=dict)
    """Help for wrong fields that people are known to write."""


class Reader:
    """Collects the faults of one deploy file while its parts are read."""

    def __init__(self, file_name: str) -> None:
        self.file_name: Final = file_name
        self.faults: Final[list[Fault]] = []
        self._errors = 0
        self._hints = 0

    def origin(self, place: Place) -> Origin:
        """Where `place` stands, for faults that are found later."""
        node = place.node
        return Origin(file=self.file_name, line=node.line, column=node.column, end_column=end_column_of(node))

    def fault(self, code: Code, place: Place, message: str, advice: str = "") -> None:
        """Note an error."""
        self._note(code, place, message, advice, Severity.ERROR)

    def warn(self, code: Code, place: Place, message: str, advice: str = "") -> None:
        """Note a warning."""
        self._note(code, place, message, advice, Severity.WARNING)

    def unsupported(self, place: Place) -> None:
        """Note that the language has this, but the engine cannot do it yet."""
        self.fault(Code.NOT_SUPPORTED, place, f"{format_path(place.path)} is not supported yet", "take it out for now")

    def hint(self, word: str, names: Iterable[str]) -> str:
        """Which of the names `word` may mean; nothing once many hints were given, since looking takes time."""
        self._hints += 1
        return did_you_mean(word, names) if self._hints <= MAX_HINTS else ""

    def mapping(self, place: Place, what: str) -> Mapping | None:
        """The map at the place."""
        if isinstance(place.node, Mapping):
            return place.node
        self._mistyped(place, what, "a map")
        return None

    def sequence(self, place: Place, what: str, advice: str = "") -> Sequence | None:
        """The list at the place."""
        if isinstance(place.node, Sequence):
            return place.node
        self._mistyped(place, what, "a list", advice)
        return None

    def fields(self, place: Place, fields: Fields) -> dict[str, Place] | None:
        """Known fields that have a value; None if there is no map. The others are noted as faults."""
        mapping = self.mapping(place, fields.what)
        if mapping is None:
            return None
        found = {}
        for name, entry in mapping.entries.items():
            here = place.at(entry.value, name)
            if name in fields.known:
                if not is_null(entry.value):
                    found[name] = here
            elif name not in fields.unsupported:
                self._unknown(place.at(entry.key, name), name, fields)
            elif fields.is_choice or not is_blank(entry.value):
                self.unsupported(place.at(entry.key, name))
        return found

    def missing(self, place: Place, name: str, what: str, advice: str = "") -> None:
        """Note that a field has to be there."""
        here = place.at(place.node, name)
        self.fault(Code.MISSING_FIELD, here, f"{what} needs the field `{name}`", advice)

    def text(self, place: Place, what: str, *, advice: str = "") -> str | None:
        """The text at the place, without blanks around it; it may not be empty."""
        value = _value(place.node)
        if not isinstance(value, str):
            self._mistyped(
                place, what, "text", advice or ("put it in quotes" if isinstance(place.node, Scalar) else "")
            )
            return None
        if not value.strip():
            self.fault(Code.INVALID_VALUE, place, f"{what} is empty", advice)
            return None
        return value.strip()

    def name(self, text: str, place: Place, what: str) -> str | None:
        """The text if it may be a name: 1 to 128 characters, none of them a control character."""
        if not 1 <= len(text) <= MAX_NAME_LENGTH:
            self.fault(Code.INVALID_VALUE, place, f"{what} must have 1 to {MAX_NAME_LENGTH} characters")
            return None
        if not text.isprintable():
            self.fault(Code.INVALID_VALUE, place, f"{what} may not hold control characters")
            return None
        return text

    def integer(self, place: Place, what: str, advice: str = "") -> int | None:
        """The whole number at the place."""
        value = _value(place.node)
        if type(value) is int:
            return value
        self._mistyped(place, what, "a whole number", advice)
        return None

    def boolean(self, place: Place, what: str) -> bool | None:
        """The yes or no at the place."""
        value = _value(place.node)
        if isinstance(value, bool):
            return value
        self._mistyped(place, what, "true or false")
        return None

    def words(self, place: Place, what: str) -> tuple[Word, ...]:
        """The texts of the list at the place; those that are not text are noted."""
        advice = f"write it as a list: [{place.node.text[:40]}]" if isinstance(place.node, Scalar) else ""
        sequence = self.sequence(place, what, advice)
        if sequence is None:
            return ()
        places = [place.at(item, index) for index, item in enumerate(sequence.items)]
        texts = [(here, self.text(here, f"an entry of {what}")) for here in places]
        return tuple(Word(text=text, place=here) for here, text in texts if text is not None)

    def _mistyped(self, place: Place, what: str, expected: str, advice: str = "") -> None:
        self.fault(Code.WRONG_TYPE, place, f"{what} must be {expected}, not {_found(place.node)}", advice)

    def _unknown(self, place: Place, name: str, fields: Fields) -> None:
        advice = fields.hints.get(name) or self.hint(name, sorted(fields.known | fields.unsupported))
        self.fault(Code.UNKNOWN_FIELD, place, f'{fields.what} has no field "{name}"', advice)

    def _note(self, code: Code, place: Place, message: str, advice: str, severity: Severity) -> None:
        if self._errors > MAX_FAULTS or (severity is Severity.WARNING and len(self.faults) > MAX_FAULTS):
            return
        self._errors += severity is Severity.ERROR
        if self._errors > MAX_FAULTS:
            code, message, advice = Code.TOO_MANY_FAULTS, "there are more faults than can be told at once", ""
        self.faults.append(
            Fault(
                code=code,
                message=message,
                help=advice,
                path=format_path(place.path),
                file=self.file_name,
                line=place.node.line,
                column=place.node.column,
                end_column=end_column_of(place.node),
                severity=severity,
            ),
        )


def entries_of(place: Place, mapping: Mapping) -> Iterator[tuple[Word, Place]]:
    """Each key of a map that users name, trimmed, with the place of its value."""
    for name, entry in mapping.entries.items():
        yield Word(text=name.strip(), place=place.at(entry.key, name)), place.at(entry.value, name)


def is_null(node: Node) -> bool:
    """Whether a field was left without a value, as in `targets:`."""
    return isinstance(node, Scalar) and node.is_plain and node.tag is None and node.text in _NULLS


def is_blank(node: Node) -> bool:
    """Whether a value asks for nothing: null, or an empty list or map."""
    if isinstance(node, Scalar):
        return is_null(node)
    return not (node.items if isinstance(node, Sequence) else node.entries)


def _value(node: Node) -> Value | Node:
    """The typed value of a scalar; the node itself where it has none, because it is no scalar or its tag is wrong."""
    if not isinstance(node, Scalar):
        return node
    if node.is_plain and node.text.lower() in _LETTERS:
        return node.text
    try:
        return value_of(node)
    except ValueError:
        return node


def _found(node: Node) -> str:
    value = _value(node)
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, Sequence):
        return "a list"
    if isinstance(value, Scalar):
        return f"a value with the tag {value.tag}"
    if value is None:
        return "empty"
    if isinstance(value, str):
        return f'the text "{value[:40]}"'
    written = node.text if isinstance(node, Scalar) else value
    return f"{'the boolean' if isinstance(value, bool) else 'the number'} {written}"
