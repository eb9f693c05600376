"""Label and field selectors: parses their text, and says which objects they select. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from borealis_sandbox.errors import bad_request
from borealis_sandbox.objects import labels_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object

_SET = re.compile(r"^\s*(?P<key>[^\s!=(),]+)\s+(?P<how>in|notin)\s*\((?P<values>[^()]*)\)\s*$")
_EQUAL = re.compile(r"^\s*(?P<key>[^\s!=(),]+)\s*(?P<how>==|=|!=)\s*(?P<value>[^\s!=(),]*)\s*$")
_EXISTS = re.compile(r"^\s*(?P<absent>!?)\s*(?P<key>[^\s!=(),]+)\s*$")
_OPERATORS = {"in": "In", "notin": "NotIn", "=": "In", "==": "In", "!=": "NotIn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One condition on a label."""

    key: str
    """The label's key."""
    operator: str
    """`In`, `NotIn`, `Exists` or `DoesNotExist`."""
    values: frozenset[str] = frozenset()
    """Values for `In` and `NotIn`."""

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` meet the condition."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case _:
                return self.key not in labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a list or a watch asked for; an empty selection selects everything."""

    labels: tuple[Requirement, ...] = ()
    """All of them must hold."""
    fields: tuple[tuple[str, bool, str], ...] = ()
    """Path, whether it must be equal, and to what."""

    def selects(self, found: Object) -> bool:
        """Whether `found` is asked for."""
        labels = labels_of(found)
        return all(requirement.holds(labels) for requirement in self.labels) and all(
            (_field(found, path) == value) is must_be_equal for path, must_be_equal, value in self.fields
        )


def parse_selection(kind: Kind, *, label_selector: str, field_selector: str) -> Selection:
    """What the two selectors of a request ask for.

    Errors: bad request if one cannot be read, or names a field that cannot be selected for this kind.
    """
    return Selection(labels=_parse_labels(label_selector), fields=_parse_fields(kind, field_selector))


def requirements_of(selector: Object | None) -> tuple[Requirement, ...]:
    """The requirements of an object's own `LabelSelector`."""
    selector = selector or {}
    equal = tuple(
        Requirement(key=key, operator="In", values=frozenset({value}))
        for key, value in (selector.get("matchLabels") or {}).items()
    )
    return equal + tuple(
        Requirement(key=each["key"], operator=each["operator"], values=frozenset(each.get("values") or ()))
        for each in selector.get("matchExpressions") or ()
    )


def matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether an object's own `LabelSelector` selects `labels`; an empty one selects nothing here."""
    requirements = requirements_of(selector)
    return bool(requirements) and all(requirement.holds(labels) for requirement in requirements)


def _parse_labels(text: str) -> tuple[Requirement, ...]:
    return tuple(_parse_requirement(part) for part in re.split(r",(?![^(]*\))", text) if part.strip())


def _parse_requirement(text: str) -> Requirement:
    if found := _SET.match(text):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return Requirement(key=found["key"], operator=_OPERATORS[found["how"]], values=values)
    if found := _EQUAL.match(text):
        return Requirement(key=found["key"], operator=_OPERATORS[found["how"]], values=frozenset({found["value"]}))
    if found := _EXISTS.match(text):
        return Requirement(key=found["key"], operator="DoesNotExist" if found["absent"] else "Exists")
    raise bad_request(f"unable to parse requirement: {text.strip()!r}")


def _parse_fields(kind: Kind, text: str) -> tuple[tuple[str, bool, str], ...]:
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", part)
        if match is None:
            raise bad_request(f"invalid field selector {part!r}: use path=value or path!=value")
        path, how, value = match.groups()
        if path not in kind.selectable_fields:
            raise bad_request(f"field label not supported: {path} (for {kind.resource})")
        found.append((path, how != "!=", value))
    return tuple(found)


def _field(found: Object, path: str) -> str:
    value: Any = found
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return "" if value is None else str(value)
