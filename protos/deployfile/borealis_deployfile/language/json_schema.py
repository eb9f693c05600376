"""The language as a JSON Schema (draft 2020-12), for editors and other tools.

It knows shapes, types and limits; what the parts mean together (names that exist, an order that ends) only the rules
know. A field without a value counts as absent, so null is allowed wherever a field may be left out.
"""

from __future__ import annotations

from typing import Any, Final

from borealis_deployfile.language.document import DOCUMENT
from borealis_deployfile.language.shapes import (
    Anything,
    Choice,
    Either,
    Field,
    Flag,
    ListOf,
    MapOf,
    Number,
    Shape,
    Text,
    Type,
    Whole,
    spellings,
)

Schema = dict[str, Any]  # Any: JSON of every shape
"""A JSON Schema."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
"""The version of JSON Schema."""


def deploy_file_schema() -> Schema:
    """The schema of a deploy file."""
    definitions: dict[str, Schema] = {}
    root = _shape_schema(DOCUMENT, definitions)
    return {
        "$schema": DIALECT,
        "$id": "urn:borealis:schema:deploy-file:v1",
        "title": "Borealis deploy file",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def _schema(kind: Type, definitions: dict[str, Schema]) -> Schema:
    match kind:
        case Shape():
            return _reference(kind, definitions)
        case ListOf():
            limits = {"minItems": kind.least} if kind.least else {}
            return {"type": "array", "items": _schema(kind.item, definitions), **limits}
        case MapOf():
            return _map_schema(kind, definitions)
        case Either():
            return {"anyOf": [_schema(one, definitions) for one in (kind.canonical, *kind.others)]}
        case Anything():
            return {}
        case _:
            return _scalar_schema(kind)


def _scalar_schema(kind: Text | Whole | Number | Flag | Choice) -> Schema:
    match kind:
        case Text():
            limits: Schema = {} if kind.may_be_empty else {"pattern": r"\S"}
            if kind.pattern:
                limits["pattern"] = f"^\\s*({kind.pattern})\\s*$"
            return {"type": "string", **limits}
        case Whole():
            least = {} if kind.least is None else {"minimum": kind.least}
            most = {} if kind.most is None else {"maximum": kind.most}
            return {"type": "integer", **least, **most}
        case Choice():
            return _choice_schema(kind)
        case Flag():
            return {"type": "boolean"}
        case Number():
            return {"type": "number"}


def _choice_schema(kind: Choice) -> Schema:
    """The words for editors to offer, and a pattern that takes them in any case."""
    if kind.is_open:
        return {"anyOf": [{"enum": list(kind.words)}, {"type": ["string", "number"]}]}
    words = (*kind.words, *kind.aliases)
    pattern = "|".join("".join(f"[{c.lower()}{c.upper()}]" for c in word) for word in words)
    return {"anyOf": [{"enum": list(kind.words)}, {"type": "string", "pattern": rf"^\s*({pattern})\s*$"}]}


def _map_schema(kind: MapOf, definitions: dict[str, Schema]) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": _schema(kind.item, definitions)}
    if isinstance(kind.item, Text):
        # Variables: other scalars are taken as text, with a warning.
        schema["additionalProperties"] = {"type": ["string", "number", "boolean"]}
    if kind.least:
        schema["minProperties"] = kind.least
    if kind.most_key_length:
        schema["propertyNames"] = {"pattern": r"\S"}
    return schema


def _reference(shape: Shape, definitions: dict[str, Schema]) -> Schema:
    name = shape.what.removeprefix("a ").removeprefix("an ").replace(" ", "-")
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = _shape_schema(shape, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _shape_schema(shape: Shape, definitions: dict[str, Schema]) -> Schema:
    properties: dict[str, Schema] = {}
    fields = {one.name: one for one in shape.fields}
    for written, name in spellings(shape).items():
        properties[written] = _property(fields[name], definitions, is_alias=written != name)
    schema: Schema = {
        "type": "object",
        "description": shape.summary,
        "properties": properties,
        "additionalProperties": False,
    }
    required = [one for one in shape.fields if one.is_required]
    plain = [one.name for one in required if not one.aliases]
    if plain:
        schema["required"] = plain
    choices = [
        {"anyOf": [{"required": [name]} for name in (one.name, *one.aliases)]} for one in required if one.aliases
    ]
    if choices:
        schema["allOf"] = choices
    if shape.is_choice:
        schema |= {"minProperties": 1, "maxProperties": 1}
    return schema


def _property(field: Field, definitions: dict[str, Schema], *, is_alias: bool) -> Schema:
    schema = _schema(field.type, definitions)
    if not field.is_required:
        schema = {"anyOf": [schema, {"type": "null"}]} if schema else {}
    default = f" Default: {field.default}." if field.default else ""
    described: Schema = {"description": field.summary + default, **schema}
    if is_alias:
        described["description"] = f"Another name of `{field.name}`."
    if is_alias or field.is_deprecated:
        described["deprecated"] = True
    return described
