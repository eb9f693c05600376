"""Fields by their path, as `explain` takes them: `targets.NAME.constraints.dependsOn`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from borealis_deployfile.language.document import DOCUMENT
from borealis_deployfile.language.shapes import Field, ListOf, MapOf, Shape, Type, canonical, spellings

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY: Final = "NAME"
"""Stands in a path for a name that the user chooses."""
_INDEX: Final = re.compile(r"\[\d*\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A field at its place in the file."""

    path: tuple[str, ...]
    """Names of fields; `[]` for a list's entries and `NAME` for a map's."""
    field: Field
    shape: Shape
    """The shape that has the field."""

    @property
    def text(self) -> str:
        """The path for people, as in `manifests[].path`."""
        return ".".join(self.path).replace(".[]", "[]")


@cache
def entries() -> tuple[Entry, ...]:
    """Every field of the language at every place where it may stand, in the order of the tables."""
    return tuple(_below(DOCUMENT, ()))


def find_entry(text: str) -> Entry | None:
    """The field that a path means; indices, `[]`, `NAME` and the user's own names may be written or left out."""
    wanted = [part for part in _INDEX.sub("", text.strip().strip(".")).split(".") if part]
    return _follow(DOCUMENT, wanted, ()) if wanted else None


def inner_shape(kind: Type) -> Shape | None:
    """The shape that a value of the type is made of, through lists and maps."""
    kind = canonical(kind)
    if isinstance(kind, ListOf | MapOf):
        return inner_shape(kind.item)
    return kind if isinstance(kind, Shape) else None


def _below(shape: Shape, path: tuple[str, ...]) -> Iterator[Entry]:
    for one in shape.fields:
        here = (*path, one.name)
        yield Entry(path=here, field=one, shape=shape)
        inner = inner_shape(one.type)
        if inner is not None:
            yield from _below(inner, (*here, *_marks(one.type)))


def _marks(kind: Type) -> tuple[str, ...]:
    kind = canonical(kind)
    if isinstance(kind, ListOf):
        return ("[]", *_marks(kind.item))
    return (KEY, *_marks(kind.item)) if isinstance(kind, MapOf) else ()


def _follow(shape: Shape, wanted: list[str], path: tuple[str, ...]) -> Entry | None:
    names = {written.lower(): name for written, name in spellings(shape).items()}
    name = names.get(wanted[0].lower())
    if name is None:
        return None
    found = next(one for one in shape.fields if one.name == name)
    here, rest = (*path, name), wanted[1:]
    if not rest:
        return Entry(path=here, field=found, shape=shape)
    inner = inner_shape(found.type)
    if inner is None:
        return None
    marks = _marks(found.type)
    below = _follow(inner, rest, (*here, *marks))
    if below is None and KEY in marks and len(rest) > 1:
        below = _follow(inner, rest[1:], (*here, *marks))  # the user wrote the name of a target or a strategy
    return below
