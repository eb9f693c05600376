"""The template engine: text with `{{ name }}` in it, and what it becomes.

Variables only, no sections and no logic. Values go in as they are, or escaped for a JSON text; secrets never appear in
the form that may be shown. Which names exist is the business of `variables`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

REDACTED: Final = "****"
"""What is shown in the place of a secret."""
MAX_TAGS: Final = 10_000
"""Most tags of one text; only a hostile one has more."""
SECRETS: Final = "secrets."
"""What the names of secrets start with."""

_TAG: Final = re.compile(r"\{\{\{([^{}]*)\}\}\}|\{\{([^{}]*)\}\}")  # three braces are a tag where three close it
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+")
_SECTION_MARKS: Final = {
    "#": "sections",
    "/": "sections",
    "^": "sections",
    ">": "partials",
    "=": "other delimiters",
    "!": "comments",
    "&": "unescaped variables",
}
_LONGEST_SHOWN: Final = 40


class Escape(Enum):
    """What is done to a value before it goes into the text."""

    NONE = auto()
    JSON = auto()
    """The value becomes the inside of a JSON string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A tag: the name in it, and where it starts in the text."""

    name: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a template that is not a tag with a name."""

    message: str
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text taken apart: literal pieces and variables, in order."""

    parts: tuple[str | Variable, ...]
    problems: tuple[Problem, ...] = ()
    is_cut: bool = False
    """Whether there were more than MAX_TAGS, so that the rest was kept as text; a problem says so too."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables, each once, in order."""
        return tuple(dict.fromkeys(part.name for part in self.parts if isinstance(part, Variable)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A template with its values."""

    text: str
    """For the receiver; may hold secrets."""
    shown: str
    """For people and logs: secrets are redacted."""


class UnresolvedError(LookupError):
    """Some names have no value."""

    reason: Final = "UNRESOLVED_VARIABLE"

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"no value for {', '.join(f'{{{{{name}}}}}' for name in names)}")
        self.names = names
        """In the order of the text."""


def parse_template(text: str) -> Template:
    """The parts of `text`; what looks like a tag and is none is kept as text and noted as a problem. Never raises."""
    parts: list[str | Variable] = []
    problems: list[Problem] = []
    end = 0
    is_cut = False
    for number, tag in enumerate(_TAG.finditer(text)):
        if number == MAX_TAGS:
            is_cut = True
            problems.append(Problem(message=f"a text may hold {MAX_TAGS:,} tags, not more", start=tag.start()))
            break
        _add_literal(parts, problems, text[end : tag.start()], end)
        end = tag.end()
        name = (tag[1] if tag[1] is not None else tag[2]).strip()
        if _NAME.fullmatch(name):
            parts.append(Variable(name=name, start=tag.start()))
        else:
            parts.append(tag[0])
            problems.append(Problem(message=_problem(name), start=tag.start()))
    _add_literal(parts, problems, text[end:], end)
    return Template(parts=tuple(parts), problems=tuple(problems), is_cut=is_cut)


def neutral(text: str) -> str:
    """The text with a digit in the place of each tag, filled up with blanks, so that everything else stays in place."""
    return _TAG.sub(lambda tag: "0".ljust(len(tag[0])), text)


def render(template: Template, lookup: Callable[[str], str | None], *, escape: Escape = Escape.NONE) -> Rendered:
    """The template with the values that `lookup` gives. Errors: UnresolvedError with every name that has none."""
    values = {name: lookup(name) for name in template.names}
    missing = tuple(name for name, value in values.items() if value is None)
    if missing:
        raise UnresolvedError(missing)
    texts, shown = [], []
    for part in template.parts:
        if isinstance(part, str):
            texts.append(part)
            shown.append(part)
            continue
        value = _escaped(values[part.name] or "", escape)
        texts.append(value)
        shown.append(REDACTED if part.name.startswith(SECRETS) else value)
    return Rendered(text="".join(texts), shown="".join(shown))


def _add_literal(parts: list[str | Variable], problems: list[Problem], text: str, start: int) -> None:
    if text:
        parts.append(text)
    unclosed = text.find("{{")
    if unclosed >= 0:
        problems.append(Problem(message="{{ is not closed by }}", start=start + unclosed))


def _problem(name: str) -> str:
    if not name:
        return "{{ }} names no variable"
    kind = _SECTION_MARKS.get(name[0])
    if kind is not None:
        return f"templates have variables only, no {kind}"
    return f'"{name[:_LONGEST_SHOWN]}" cannot be the name of a variable'


def _escaped(value: str, escape: Escape) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1] if escape is Escape.JSON else value
