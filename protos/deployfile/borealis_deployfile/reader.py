"""Reads the nodes of a deploy file as fields of known types, and collects a fault for each that is not.

Owns unknown, missing and mistyped fields. What the values mean together belongs to `rules`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from borealis_deployfile.advice import advice_for_map, advice_for_number
from borealis_deployfile.faults import MAX_FAULTS, Code, Fault, Severity, fault_at
from borealis_deployfile.hints import did_you_mean
from borealis_deployfile.language.document import MAX_NAME_LENGTH
from borealis_deployfile.language.shapes import spellings
from borealis_deployfile.model import Origin
from borealis_deployfile.nodes import Mapping, Node, Scalar, Sequence, end_column_of
from borealis_deployfile.paths import Path, format_path
from borealis_deployfile.scalars import Value, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from borealis_deployfile.language.shapes import Choice, Shape

_LETTERS: Final = frozenset("yn")  # booleans to Kubernetes; in a deploy file they are the names that they look like
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
MAX_HINTS: Final = 50
"""Most faults of a file that name the nearest name."""


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
class Reference:
    """A name that something else in the file must have."""

    word: Word
    user: str
    """Who uses the name, for messages, as in `an analysis`."""
    to: Literal["query", "webhook"]


class Reader:
    """Collects the faults of one deploy file while its parts are read."""

    def __init__(self, file_name: str) -> None:
        self.file_name: Final = file_name
        self.faults: Final[list[Fault]] = []
        self.references: Final[list[Reference]] = []
        """Names that were read and are judged once everything has been."""
        self.errors = 0
        """Faults so far that are no warnings."""
        self._hints = 0

    def origin(self, place: Place) -> Origin:
        """Where `place` stands, for faults that are found later."""
        node = place.node
        return Origin(
            file=self.file_name,
            line=node.line,
            column=node.column,
            end_column=end_column_of(node),
            path=format_path(place.path),
        )

    def fault(self, code: Code, place: Place, message: str, advice: str = "") -> None:
        """Note an error."""
        self._note(code, place, message, advice, Severity.ERROR)

    def warn(self, code: Code, place: Place, message: str, advice: str = "") -> None:
        """Note a warning."""
        self._note(code, place, message, advice, Severity.WARNING)

    def fault_at(self, code: Code, origin: Origin | None, message: str, advice: str = "") -> None:
        """Note an error at a place that was kept."""
        here = origin or Origin(file=self.file_name, line=1, column=1, end_column=2)
        self._add(code, here, message, advice, Severity.ERROR)

    def hint(self, word: str, names: Iterable[str]) -> str:
        """Which of the names `word` may mean; nothing once many hints were given, since looking takes time."""
        self._hints += 1
        return did_you_mean(word, names) if self._hints <= MAX_HINTS else ""

    def mapping(self, place: Place, what: str, advice: str = "") -> Mapping | None:
        """The map at the place."""
        if isinstance(place.node, Mapping):
            return place.node
        self._mistyped(place, what, "a map", advice)
        return None

    def sequence(self, place: Place, what: str, advice: str = "") -> Sequence | None:
        """The list at the place."""
        if isinstance(place.node, Sequence):
            return place.node
        self._mistyped(place, what, "a list", advice)
        return None

    def fields(self, place: Place, shape: Shape) -> dict[str, Place] | None:
        """Fields that have a value, by their canonical names; None if there is no map. Others are noted as faults."""
        mapping = self.mapping(place, shape.what, advice_for_map(place.node, shape))
        if mapping is None:
            return None
        names = spellings(shape)
        found: dict[str, Place] = {}
        for written, entry in mapping.entries.items():
            name = names.get(written)
            if name is None:
                self._unknown(place.at(entry.key, written), written, shape)
            elif is_null(entry.value):
                continue
            elif name in found:
                self._check_alias(place.at(entry.value, written), written, found[name])
            else:
                found[name] = place.at(entry.value, written)
        return found

    def missing(self, place: Place, name: str, what: str, advice: str = "") -> None:
        """Note that a field has to be there."""
        here = place.at(place.node, name)
        self.fault(Code.MISSING_FIELD, here, f"{what} needs the field `{name}`", advice)

    def require(self, place: Place, fields: dict[str, Place], shape: Shape, what: str) -> bool:
        """Whether every required field is there; those that are not are noted."""
        missing = [one.name for one in shape.fields if one.is_required and one.name not in fields]
        for name in missing:
            self.missing(place, name, what)
        return not missing

    def text(self, place: Place, what: str, *, advice: str = "") -> str | None:
        """The text at the place, without blanks around it; it may not be empty."""
        value = self.verbatim(place, what, advice=advice)
        return None if value is None else value.strip()

    def verbatim(self, place: Place, what: str, *, advice: str = "", may_be_empty: bool = False) -> str | None:
        """The text at the place, as it is."""
        value = _value(place.node)
        if not isinstance(value, str):
            quotes = "put it in quotes" if isinstance(place.node, Scalar) else ""
            self._mistyped(place, what, "text", advice or quotes)
            return None
        if not may_be_empty and not value.strip():
            self.fault(Code.INVALID_VALUE, place, f"{what} is empty", advice)
            return None
        return value

    def choice(self, place: Place, choice: Choice, what: str) -> str | None:
        """One of the words, in its canonical case."""
        text = self.text(place, what)
        if text is None:
            return None
        spelled = {word.lower(): word for word in choice.words}
        spelled |= {alias.lower(): word for alias, word in choice.aliases.items()}
        word = spelled.get(text.lower())
        if word is None:
            self.fault(Code.INVALID_VALUE, place, f'{what} cannot be "{text[:80]}"', self.hint(text, choice.words))
        return word

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
            self._warn_of_surprise(place, value)
            return value
        self._mistyped(place, what, "a whole number", advice or advice_for_number(place.node))
        return None

    def number(self, place: Place, what: str) -> float | None:
        """The finite number at the place."""
        value = _value(place.node)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._mistyped(place, what, "a number", advice_for_number(place.node))
            return None
        if isinstance(value, int):
            self._warn_of_surprise(place, value)
        return float(value)

    def count(self, place: Place, what: str, *, least: int) -> int | None:
        """The whole number at the place, not below `least`."""
        number = self.integer(place, what)
        if number is not None and number < least:
            self.fault(Code.INVALID_VALUE, place, f"{what} must be at least {least}, not {number}")
            return None
        return number

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
        places = self.items(place, what, advice)
        texts = [(here, self.text(here, f"an entry of {what}")) for here in places]
        return tuple(Word(text=text, place=here) for here, text in texts if text is not None)

    def items(self, place: Place, what: str, advice: str = "") -> tuple[Place, ...]:
        """The places of the entries of a list; none if it is none."""
        sequence = self.sequence(place, what, advice)
        return () if sequence is None else tuple(place.at(item, index) for index, item in enumerate(sequence.items))

    def refer(self, to: Literal["query", "webhook"], word: Word, user: str) -> None:
        """Remember that something must have this name."""
        self.references.append(Reference(word=word, user=user, to=to))

    def _warn_of_surprise(self, place: Place, value: int) -> None:
        text = place.node.text if isinstance(place.node, Scalar) else ""
        if re.fullmatch(r"[-+]?0[0-9xXbBoO_].*", text):
            message = f"{text[:40]} is read as {value}: a leading zero changes the base of the number"
            self.warn(Code.AMBIGUOUS_VALUE, place, message, f"write {value}")

    def _check_alias(self, place: Place, written: str, first: Place) -> None:
        """A field under two names is a fault unless both say the same."""
        one, other = place.node, first.node
        is_same = isinstance(one, Scalar) and isinstance(other, Scalar) and one.text.lower() == other.text.lower()
        if not is_same:
            message = f"`{written}` and `{first.path[-1]}` are the same field, with different values"
            self.fault(Code.INVALID_VALUE, place, message, "keep one of the two")

    def _mistyped(self, place: Place, what: str, expected: str, advice: str = "") -> None:
        self.fault(Code.WRONG_TYPE, place, f"{what} must be {expected}, not {_found(place.node)}", advice)

    def _unknown(self, place: Place, name: str, shape: Shape) -> None:
        advice = shape.hints.get(name) or self.hint(name, sorted(one.name for one in shape.fields))
        self.fault(Code.UNKNOWN_FIELD, place, f'{shape.what} has no field "{name}"', advice)

    def _note(self, code: Code, place: Place, message: str, advice: str, severity: Severity) -> None:
        if self.errors <= MAX_FAULTS:
            self._add(code, self.origin(place), message, advice, severity)

    def _add(self, code: Code, origin: Origin, message: str, advice: str, severity: Severity) -> None:
        if self.errors > MAX_FAULTS or (severity is Severity.WARNING and len(self.faults) > MAX_FAULTS):
            return
        self.errors += severity is Severity.ERROR
        if self.errors > MAX_FAULTS:
            code, message, advice = Code.TOO_MANY_FAULTS, "there are more faults than can be told at once", ""
        self.faults.append(fault_at(origin, code, message, advice, severity))


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
