"""Options that several commands share, and how their values are read. Imports nothing heavy."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer


class Format(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


class ReportFormat(StrEnum):
    """How a verdict on files is written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    SARIF = "sarif"
    GITHUB = "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What the command line says about where to connect; the rest comes from the environment or the context file."""

    server: str | None
    ca_file: Path | None


ACTING_TENANT: Final[ContextVar[str]] = ContextVar("acting_tenant", default="")
"""Id or name of the tenant to act in, as the command line says before the command; empty for the credential's own."""

Output = Annotated[
    Format,
    typer.Option(
        "--output", "-o", help="text for people, json for one document, jsonl for a line each.", metavar="FORMAT"
    ),
]
Server = Annotated[
    str | None, typer.Option("--server", help="The server's host:port. [BOREALIS_SERVER]", show_default=False)
]
CaFile = Annotated[
    Path | None,
    typer.Option("--ca-file", help="Certificate authority of the server. [BOREALIS_CA_FILE]", show_default=False),
]
DeploymentId = Annotated[
    str, typer.Argument(metavar="ID", help="Id, unique start of one, application, @latest or APP@latest.")
]
Comment = Annotated[str, typer.Option("--comment", "-m", help="For the record, at most 1,000 characters.")]
DeployFilePath = Annotated[
    str, typer.Option("--file", "-f", metavar="FILE", help="The deploy file, or its http address.", show_default=False)
]
AllowPrivate = Annotated[
    bool,
    typer.Option(
        "--allow-private-addresses",
        envvar="BOREALIS_ALLOW_PRIVATE_ADDRESSES",
        help="Fetch files from machines of private networks too.",
        show_envvar=True,
    ),
]
Application = Annotated[
    str, typer.Option("--application", "-n", help="Replaces the application of the deploy file.", show_default=False)
]
Account = Annotated[str, typer.Option("--account", help="Replaces the accounts of all targets.", show_default=False)]
AddContext = Annotated[
    list[str] | None,
    typer.Option(
        "--add-context", metavar="NAME=VALUE,...", help="Variables that go before those of the file; may be repeated."
    ),
]
Targets = Annotated[
    list[str] | None, typer.Option("--target", "-t", help="Only this target; may be repeated.", show_default=False)
]
Timeout = Annotated[
    str, typer.Option("--timeout", help="Stop watching after so long: 90, 90s, 10m, 1h30m.", show_default=False)
]

_DURATION: Final = re.compile(r"(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s?)?")


def parse_context(texts: list[str] | None) -> dict[str, str]:
    """Variables by name; a value may hold `=`, but no comma.

    Errors: typer.BadParameter when a part is not NAME=VALUE.
    """
    found = {}
    for part in (part for text in texts or [] for part in text.split(",") if part.strip()):
        name, mark, value = part.partition("=")
        if not mark or not name.strip():
            raise typer.BadParameter(f"{part!r} is not NAME=VALUE", param_hint="--add-context")
        found[name.strip()] = value
    return found


def parse_duration(text: str, *, option: str = "--timeout") -> float | None:
    """Seconds; None for an empty text.

    Errors: typer.BadParameter when it is no duration, or none at all.
    """
    if not text:
        return None
    found = _DURATION.fullmatch(text)
    seconds = sum(int(found[unit] or 0) * size for unit, size in (("h", 3600), ("m", 60), ("s", 1))) if found else 0
    if seconds <= 0:
        raise typer.BadParameter(f"{text!r} is no duration: write 90, 90s, 10m or 1h30m.", param_hint=option)
    return float(seconds)
