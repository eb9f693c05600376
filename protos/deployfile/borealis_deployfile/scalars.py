"""The type of a YAML value that was written without quotes, exactly as Kubernetes' own tools see it.

They read YAML 1.1 with differences that matter: `yes`, `on` and `y` are booleans, `012` is ten, but `12:30` and dates
are text, and `1e3` is a number. Source: the YAML library of Kubernetes, which differs from PyYAML in these points.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from borealis_deployfile.nodes import Scalar

Value = str | int | float | bool | None
"""A typed scalar."""

MERGE_KEY: Final = "<<"
"""Key that takes over the entries of another map."""

_TAG_PREFIX: Final = "tag:yaml.org,2002:"
_WORDS: Final[dict[str, Value]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMBER_STARTS: Final = frozenset("+-.0123456789")
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))",
)
_BASES: Final = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MOST_DIGITS: Final = 64
_LEAST_INTEGER: Final = -(2**63)
_END_OF_INTEGERS: Final = 2**64
_END_OF_PLAIN_FLOATS: Final = 1e21  # above it, a whole number is written with an exponent in JSON


def value_of(scalar: Scalar) -> Value:
    """The value with its type. Errors: ValueError if its explicit tag is unknown or does not fit its text."""
    if scalar.tag is None:
        return resolve(scalar.text) if scalar.is_plain else scalar.text
    tag = scalar.tag.removeprefix(_TAG_PREFIX)
    if tag in {"str", "timestamp"}:
        return scalar.text
    value = resolve(scalar.text)
    if tag == "float" and type(value) is int:
        return float(value)
    if tag != _type_name(value):
        raise ValueError(f"the tag {scalar.tag!r} does not fit the value")
    return value


def is_text(scalar: Scalar) -> bool:
    """Whether the scalar means text, rather than a number, a boolean or nothing."""
    if scalar.tag is not None:
        return scalar.tag == f"{_TAG_PREFIX}str"
    return not scalar.is_plain or isinstance(resolve(scalar.text), str)


def resolve(text: str) -> Value:
    """The value that `text` means when it stands without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS or len(text) > _MOST_DIGITS:
        return text
    digits = text.replace("_", "")
    integer = _integer(digits)
    if integer is not None:
        return integer
    return _float(digits, text)


def _integer(digits: str) -> int | None:
    match = _INTEGER.fullmatch(digits)
    if match is None or match.lastgroup is None:
        return None
    number = int(match[match.lastgroup], _BASES[match.lastgroup])
    number = -number if match["sign"] == "-" else number
    return number if _LEAST_INTEGER <= number < _END_OF_INTEGERS else None


def _float(digits: str, text: str) -> Value:
    if not _FLOAT.fullmatch(digits):
        return text
    number = float(digits)
    if math.isinf(number):
        return text
    return int(number) if number.is_integer() and abs(number) < _END_OF_PLAIN_FLOATS else number


def _type_name(value: Value) -> str:
    if value is None:
        return "null"
    return {str: "str", bool: "bool", int: "int", float: "float"}[type(value)]
