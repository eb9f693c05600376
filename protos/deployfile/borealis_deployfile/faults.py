"""Faults: everything wrong with a deploy file or a manifest, and where.

Owns the codes (stable: tools match on them) and the record. It does not find faults, nor print them (`report`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from borealis_deployfile.model import Origin

MAX_FAULTS: Final = 1000
"""Most faults that one check reports; nobody reads more, and a hostile file may have millions."""


class Severity(StrEnum):
    """Whether a fault stops the deployment."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """What kind of fault it is. A code never changes its meaning."""

    # Text
    EMPTY = "EMPTY"
    ENCODING = "ENCODING"
    SYNTAX = "SYNTAX"
    TOO_LARGE = "TOO_LARGE"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    ALIAS_LIMIT = "ALIAS_LIMIT"
    SEVERAL_DOCUMENTS = "SEVERAL_DOCUMENTS"
    TOO_MANY_FAULTS = "TOO_MANY_FAULTS"
    # Shape
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    MISSING_FIELD = "MISSING_FIELD"
    WRONG_TYPE = "WRONG_TYPE"
    INVALID_VALUE = "INVALID_VALUE"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    UNSUPPORTED_KIND = "UNSUPPORTED_KIND"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    # Meaning
    UNKNOWN_STRATEGY = "UNKNOWN_STRATEGY"
    UNKNOWN_TARGET = "UNKNOWN_TARGET"
    DEPENDENCY_CYCLE = "DEPENDENCY_CYCLE"
    DUPLICATE_TARGET = "DUPLICATE_TARGET"
    TIMEOUT_TOO_SHORT = "TIMEOUT_TOO_SHORT"
    WEIGHT_RANGE = "WEIGHT_RANGE"
    WEIGHT_DECREASES = "WEIGHT_DECREASES"
    PAUSE_INVALID = "PAUSE_INVALID"
    TTL_RANGE = "TTL_RANGE"
    LIMITS_MISSING = "LIMITS_MISSING"
    UNKNOWN_QUERY = "UNKNOWN_QUERY"
    UNKNOWN_WEBHOOK = "UNKNOWN_WEBHOOK"
    TEMPLATE_INVALID = "TEMPLATE_INVALID"
    UNRESOLVED_VARIABLE = "UNRESOLVED_VARIABLE"
    AMBIGUOUS_VALUE = "AMBIGUOUS_VALUE"
    DEPRECATED = "DEPRECATED"
    NO_EFFECT = "NO_EFFECT"
    ACCOUNT_REPLACED = "ACCOUNT_REPLACED"
    # What only a server knows
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    UNKNOWN_SECRET = "UNKNOWN_SECRET"  # noqa: S105 - a code
    UNKNOWN_PROVIDER = "UNKNOWN_PROVIDER"
    UNKNOWN_ROLE = "UNKNOWN_ROLE"
    AGENT_DISCONNECTED = "AGENT_DISCONNECTED"
    # Manifests
    MANIFEST_NOT_FOUND = "MANIFEST_NOT_FOUND"
    BODY_NOT_FOUND = "BODY_NOT_FOUND"
    INVALID_MANIFEST = "INVALID_MANIFEST"
    UNSUPPORTED_MANIFEST = "UNSUPPORTED_MANIFEST"
    DUPLICATE_OBJECT = "DUPLICATE_OBJECT"
    NAMESPACE_REQUIRED = "NAMESPACE_REQUIRED"
    STRATEGY_REQUIRED = "STRATEGY_REQUIRED"
    ACTIVE_SERVICE_REQUIRED = "ACTIVE_SERVICE_REQUIRED"
    SERVICE_NOT_MATCHED = "SERVICE_NOT_MATCHED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. Lines and columns count from 1; the end column is the first one after the marked text."""

    code: Code
    message: str
    help: str = ""
    """What to do about it; may be empty."""
    path: str = ""
    """Place in the document, as in `targets.qa.constraints.dependsOn[0]`; empty for the whole."""
    file: str = ""
    """Name of the file that holds the place."""
    line: int = 1
    column: int = 1
    end_column: int = 2
    severity: Severity = Severity.ERROR


def fault_at(origin: Origin, code: Code, message: str, advice: str = "", severity: Severity = Severity.ERROR) -> Fault:
    """A fault at a place that was kept."""
    return Fault(
        code=code,
        message=message,
        help=advice,
        path=origin.path,
        file=origin.file,
        line=origin.line,
        column=origin.column,
        end_column=origin.end_column,
        severity=severity,
    )
