"""Entry point: the command table, and one place where errors become texts and exit codes.

Commands import what is heavy when they run: help and completion stay quick.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from borealis_cli.commands import (
    agents,
    audit,
    config,
    convert,
    credentials,
    decisions,
    deploy,
    files,
    identity,
    inspection,
    integrations,
    kube,
    login,
    previews,
    programs,
    queries,
    roles,
    secrets,
    tenants,
    users,
)
from borealis_cli.exit_codes import ExitCode
from borealis_cli.options import ACTING_TENANT

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    name="borealis",
    help="Continuous deployment for Kubernetes: start deployments, follow them, decide about them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def choose_tenant(
    tenant: Annotated[
        str,
        typer.Option(
            "--tenant", help="Act in this tenant instead of the credential's own. [BOREALIS_TENANT]", show_default=False
        ),
    ] = "",
) -> None:
    """Continuous deployment for Kubernetes: start deployments, follow them, decide about them."""
    ACTING_TENANT.set(tenant)


for module in (deploy, files, inspection, decisions, identity, login, programs):
    module.register(app)
for module_of_group in (
    agents,
    kube,
    audit,
    tenants,
    users,
    roles,
    credentials,
    secrets,
    config,
    integrations,
    queries,
    previews,
    convert,
):
    module_of_group.register(app)


def run() -> NoReturn:
    """Runs the command line of this process."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command that `arguments` say."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # text streams of a program can do that
    try:
        return int(app(args=list(arguments), standalone_mode=False) or 0)
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.UNEXPECTED
    except KeyboardInterrupt:
        return ExitCode.DETACHED
    except Exception as error:  # noqa: BLE001  # the top of the program: everything ends here, told and counted
        return _report(error, is_json=_wants_json(arguments))


def _report(error: Exception, *, is_json: bool) -> int:
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # of the command-line parser
        return _report_usage(error, is_json=is_json)
    from borealis_cli.errors import report, to_json  # noqa: PLC0415  # loads the SDK

    found = report(error)
    sys.stderr.write(f"{to_json(found) if is_json else found.text}\n")
    return found.code


def _report_usage(error: Exception, *, is_json: bool) -> int:
    """What is wrong with the command line, as the parser says it."""
    if is_json:
        document = {"error": {"code": int(ExitCode.USAGE), "reason": "USAGE", "message": error.format_message()}}  # type: ignore[attr-defined]  # asked for above
        sys.stderr.write(f"{json.dumps(document, ensure_ascii=False)}\n")
    else:
        error.show()  # type: ignore[attr-defined]  # as above
    return ExitCode.USAGE


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether errors go to stderr as JSON too; the parser may have failed, so this looks for itself."""
    words = [*arguments]
    found = [after for before, after in pairwise(words) if before in {"-o", "--output"}]
    found += [word.removeprefix("--output=") for word in words if word.startswith("--output=")]
    found += [word.removeprefix("-o") for word in words if word.startswith("-o")]
    return any(one in {"json", "jsonl"} for one in found)
