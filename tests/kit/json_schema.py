"""What a JSON Schema (draft 2020-12) says of a value, by a validator that others keep."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

Json = Any  # Any: JSON


def errors_of(schema: Json, value: Json) -> list[str]:
    """What is wrong with the value; empty when it is valid. Errors: jsonschema.SchemaError for what is no schema."""
    return [f"{error.json_path}: {error.message}" for error in _validator(json.dumps(schema)).iter_errors(value)]


@cache
def _validator(schema: str) -> Draft202012Validator:
    """Checking a schema takes longer than judging by it."""
    Draft202012Validator.check_schema(json.loads(schema))
    return Draft202012Validator(json.loads(schema))
