"""What a field of the language can be: the words in which the tables of this package are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Example = Any  # Any: JSON of every shape
"""The value of a field as JSON, for documents and their tests."""


Holds = Literal["secrets", "webhook", "query", "anything", "nothing"]
"""What a text may hold in double braces: secrets only; the variables of a webhook or of a query, and secrets; secrets
and whatever else, which stays as it is; or nothing that is ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text that is not empty."""

    may_be_empty: bool = False
    is_multiline: bool = False
    pattern: str = ""
    """Regular expression for the whole text, understood by Python and JavaScript alike; empty allows every text."""
    most: int | None = None
    """Most characters."""
    holds: Holds = "secrets"
    """Which names in double braces are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number within limits."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """Any finite number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """True or false."""

    only: bool | None = None
    """The only value that makes sense; None for both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several words; upper and lower case are alike."""

    words: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Older spellings and the words that they mean."""
    is_open: bool = False
    """Whether other words are read too, with a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list."""

    item: Type
    least: int = 0
    """Fewest entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOf:
    """A map whose keys are the user's own names."""

    item: Type
    key: str
    """A key for examples."""
    least: int = 0
    """Fewest entries."""
    most_key_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anything:
    """A value that is accepted and not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """A value with a canonical form, and other forms that mean the same."""

    canonical: Type
    others: tuple[Type, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """A map with a closed list of fields."""

    what: str
    """Name of such a map in messages, as in `a target`."""
    summary: str
    """One sentence for documents."""
    fields: tuple[Field, ...]
    is_choice: bool = False
    """Whether a field is chosen by naming it, so that it counts even without a value; exactly one is written."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """Help for wrong fields that people are known to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a shape."""

    name: str
    type: Type
    summary: str
    """Sentences for documents; the first says what the field does."""
    example: Example = None
    """A value that works; None takes the examples of the fields within."""
    is_required: bool = False
    default: str = ""
    """What its absence means, for documents."""
    aliases: tuple[str, ...] = ()
    """Older spellings of the name."""
    needs: tuple[str, ...] = ()
    """Fields beside it without which it makes no sense; for examples."""
    is_deprecated: bool = False


Type = Text | Whole | Number | Flag | Choice | ListOf | MapOf | Anything | Either | Shape
"""What a value can be."""


@cache
def spellings(shape: Shape) -> Mapping[str, str]:
    """Every name under which a field may be written, and the name that it means."""
    return {name: one.name for one in shape.fields for name in (one.name, *one.aliases)}


def canonical(kind: Type) -> Type:
    """The type in the form that documents show."""
    return kind.canonical if isinstance(kind, Either) else kind
