"""A validator for the part of JSON Schema (draft 2020-12) that our schemas use; other keywords are refused.

Written for the tests, so that a schema is judged by what the standard says and not by the code that made it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Json = Any  # Any: JSON
Judge = Callable[[Json, Json, Json, str, Json], Iterator[str]]
_SILENT = {"$schema", "$id", "$defs", "title", "description", "deprecated", "examples", "default"}
_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def errors_of(schema: Json, value: Json) -> list[str]:
    """What is wrong with the value; empty when it is valid."""
    return list(_errors(schema, value, schema, "$"))


def _errors(schema: Json, value: Json, root: Json, path: str) -> Iterator[str]:
    for keyword, wanted in schema.items():
        if keyword in _SILENT:
            continue
        yield from _KEYWORDS[keyword](wanted, value, root, path, schema)


def _ref(wanted: Json, value: Json, root: Json, path: str, _schema: Json) -> Iterator[str]:
    target = root
    for part in wanted.removeprefix("#/").split("/"):
        target = target[part]
    yield from _errors(target, value, root, path)


def _type(wanted: Json, value: Json, _root: Json, path: str, _schema: Json) -> Iterator[str]:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not any(_is(value, name) for name in names):
        yield f"{path}: not {wanted}"


def _is(value: Json, name: str) -> bool:
    if name in {"integer", "number"}:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and (name == "number" or float(value).is_integer())
    return isinstance(value, _TYPES[name])


def _any_of(wanted: Json, value: Json, root: Json, path: str, _schema: Json) -> Iterator[str]:
    parts = [list(_errors(option, value, root, path)) for option in wanted]
    if all(parts):
        yield f"{path}: none of {len(wanted)} forms fits: {parts}"


def _all_of(wanted: Json, value: Json, root: Json, path: str, _schema: Json) -> Iterator[str]:
    for option in wanted:
        yield from _errors(option, value, root, path)


def _enum(wanted: Json, value: Json, _root: Json, path: str, _schema: Json) -> Iterator[str]:
    if value not in wanted:
        yield f"{path}: not one of {wanted}"


def _pattern(wanted: Json, value: Json, _root: Json, path: str, _schema: Json) -> Iterator[str]:
    if isinstance(value, str) and not re.search(wanted, value):
        yield f"{path}: does not match {wanted}"


def _properties(wanted: Json, value: Json, root: Json, path: str, _schema: Json) -> Iterator[str]:
    for name, part in value.items() if isinstance(value, dict) else ():
        if name in wanted:
            yield from _errors(wanted[name], part, root, f"{path}.{name}")


def _additional(wanted: Json, value: Json, root: Json, path: str, schema: Json) -> Iterator[str]:
    for name, part in value.items() if isinstance(value, dict) else ():
        if name in schema.get("properties", {}):
            continue
        if wanted is False:
            yield f"{path}: unknown {name}"
        else:
            yield from _errors(wanted, part, root, f"{path}.{name}")


def _names(wanted: Json, value: Json, root: Json, path: str, _schema: Json) -> Iterator[str]:
    for name in value if isinstance(value, dict) else ():
        yield from _errors(wanted, name, root, f"{path}.{name}")


def _required(wanted: Json, value: Json, _root: Json, path: str, _schema: Json) -> Iterator[str]:
    yield from (f"{path}: {name} is missing" for name in wanted if isinstance(value, dict) and name not in value)


def _items(wanted: Json, value: Json, root: Json, path: str, _schema: Json) -> Iterator[str]:
    for index, part in enumerate(value) if isinstance(value, list) else ():
        yield from _errors(wanted, part, root, f"{path}[{index}]")


def _limit(kind: type | tuple[type, ...], fails: Callable[[Json, Json], bool]) -> Judge:
    def judge(wanted: Json, value: Json, _root: Json, path: str, _schema: Json) -> Iterator[str]:
        if isinstance(value, kind) and not isinstance(value, bool) and fails(value, wanted):
            yield f"{path}: beyond {wanted}"

    return judge


_KEYWORDS: dict[str, Judge] = {
    "$ref": _ref,
    "type": _type,
    "anyOf": _any_of,
    "allOf": _all_of,
    "enum": _enum,
    "const": lambda wanted, value, root, path, schema: _enum([wanted], value, root, path, schema),
    "pattern": _pattern,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "required": _required,
    "items": _items,
    "minItems": _limit(list, lambda value, wanted: len(value) < wanted),
    "minProperties": _limit(dict, lambda value, wanted: len(value) < wanted),
    "maxProperties": _limit(dict, lambda value, wanted: len(value) > wanted),
    "minimum": _limit((int, float), lambda value, wanted: value < wanted),
    "maximum": _limit((int, float), lambda value, wanted: value > wanted),
}
