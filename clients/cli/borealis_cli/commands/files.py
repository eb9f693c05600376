"""`validate`, `plan`, `explain`, `schema` and `template`: deploy files before anything is started."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import CommandFailedError
from borealis_cli.options import (
    Account,
    AddContext,
    AllowPrivate,
    Application,
    CaFile,
    Connection,
    DeployFilePath,
    Format,
    Output,
    ReportFormat,
    Server,
    Targets,
    parse_context,
)

if TYPE_CHECKING:
    from borealis_cli.running import Attachment
    from borealis_client import GatheredFiles
    from borealis_deployfile.faults import Fault


class SchemaName(StrEnum):
    """Documents that have a published schema."""

    DEPLOY_FILE = "deploy-file"
    PLAN = "plan"


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    app.command("validate")(validate)
    app.command("plan")(plan)
    app.command("explain")(explain)
    app.command("schema")(schema)
    templates = typer.Typer(help="Deploy files to start from.", no_args_is_help=True)
    kubernetes = typer.Typer(help="Deploy files for Kubernetes.", no_args_is_help=True)
    kubernetes.command("canary")(template_canary)
    kubernetes.command("bluegreen")(template_blue_green)
    templates.add_typer(kubernetes, name="kubernetes")
    app.add_typer(templates, name="template")


def validate(  # noqa: PLR0913 - a command's options
    file: DeployFilePath,
    *,
    application: Application = "",
    account: Account = "",
    allow_private: AllowPrivate = False,
    add_context: AddContext = None,
    target: Targets = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings and what the server cannot do yet are faults too.")
    ] = False,
    ask_server: Annotated[
        bool, typer.Option("--ask-server", help="Also check against the server that the accounts exist.")
    ] = False,
    output: Annotated[
        ReportFormat,
        typer.Option("--output", "-o", help="text, json, jsonl, sarif or github (annotations).", metavar="FORMAT"),
    ] = ReportFormat.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Check a deploy file and its manifests, by the server's own rules; exit status 7 when they have faults."""
    from borealis_cli.deploy_files import Given, look
    from borealis_cli.output import note, say
    from borealis_cli.verdicts import Verdict, answer, remarks_text

    given = Given(
        application=application,
        account=account,
        context=parse_context(add_context),
        targets=target or (),
        allows_private=allow_private,
    )
    gathered = look(file, given)
    strange = _unknown_accounts(gathered, Connection(server=server, ca_file=ca_file)) if ask_server else ()
    verdict = Verdict(gathered=gathered, faults=(*gathered.faults, *strange), is_strict=strict)
    say(answer(verdict, output))
    verdict.raise_for_faults()
    if output is ReportFormat.TEXT and verdict.remarks:
        note(remarks_text(verdict))


def plan(  # noqa: PLR0913 - a command's options
    file: DeployFilePath,
    *,
    target: Targets = None,
    replicas: Annotated[
        list[str] | None,
        typer.Option("--replicas", metavar="[TARGET/]DEPLOYMENT=N", help="Pods that are live; may be repeated."),
    ] = None,
    application: Application = "",
    account: Account = "",
    allow_private: AllowPrivate = False,
    add_context: AddContext = None,
    live: Annotated[
        bool | None,
        typer.Option(
            "--live/--no-live",
            help="Ask the server how many pods are live; without either, only if there is a server.",
            show_default=False,
        ),
    ] = None,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Show what a deploy file would do: order, steps, pods at every step, approvals, earliest finish.

    Pods are counted as a deployment would: as given here, else as the manifest writes, else as many as are live.
    """
    from dataclasses import replace

    from borealis_cli.deploy_files import Given, read, warnings_text
    from borealis_cli.live_replicas import ask
    from borealis_cli.output import note, say, say_json
    from borealis_cli.render.plan import not_supported_lines, plan_lines
    from borealis_deployfile.planning.document import to_document
    from borealis_deployfile.planning.planner import make_plan

    given = Given(
        application=application,
        account=account,
        context=parse_context(add_context),
        targets=target or (),
        allows_private=allow_private,
    )
    gathered = read(file, given)
    if gathered.file is None:
        raise AssertionError("a file without faults has a meaning")
    warnings = warnings_text(gathered)
    if warnings:
        note(warnings.rstrip())
    pods, reason = None, ""
    if live is not False:
        pods, reason = ask(gathered, Connection(server=server, ca_file=ca_file), is_needed=live is True)
    found = make_plan(gathered.file, gathered.objects, replicas=_replicas(replicas or []), live=pods)
    if reason:
        found = replace(found, notes=(*found.notes, f"nobody was asked how many pods are live: {reason}"))
    if output is not Format.TEXT:
        say_json(to_document(found), output)
        return
    say([*plan_lines(found), *not_supported_lines(gathered.unsupported)])


def explain(
    field: Annotated[str, typer.Argument(help="Its path, as in targets.constraints.dependsOn.")] = "",
    *,
    output: Output = Format.TEXT,
) -> None:
    """Explain a field of the deploy file: meaning, type, default, example. Without a field: all of them."""
    from borealis_cli.output import say, say_json
    from borealis_deployfile.hints import did_you_mean
    from borealis_deployfile.language.paths import entries, find_entry
    from borealis_deployfile.language.reference import describe_entry, explain_entry

    if not field:
        found = entries()
        if output is Format.TEXT:
            say([entry.text for entry in found])
        else:
            say_json([describe_entry(entry) for entry in found], output)
        return
    entry = find_entry(field)
    if entry is None:
        names = {one.path[-1]: None for one in entries()}
        advice = did_you_mean(field.rpartition(".")[2], names)
        message = f'a deploy file has no field "{field}"'
        raise CommandFailedError(message, code=ExitCode.NOT_FOUND, advice=advice, reason="UNKNOWN_FIELD")
    if output is Format.TEXT:
        say([explain_entry(entry).rstrip()])
    else:
        say_json(describe_entry(entry), output)


def schema(
    name: Annotated[SchemaName, typer.Argument(help="deploy-file, or plan for the output of `plan -o json`.")] = (
        SchemaName.DEPLOY_FILE
    ),
) -> None:
    """Print a JSON Schema, for editors and other tools."""
    from borealis_cli.output import say_json
    from borealis_deployfile.language.json_schema import deploy_file_schema
    from borealis_deployfile.planning.document import plan_schema

    say_json(deploy_file_schema() if name is SchemaName.DEPLOY_FILE else plan_schema(), Format.JSON)


Features = Annotated[
    list[str] | None,
    typer.Option(
        "--features", "-f", help="manual (default), automated, webhook, traffic, smi, istio; several by commas."
    ),
]


def template_canary(*, features: Features = None) -> None:
    """A commented deploy file with a canary."""
    _print_starter("canary", features)


def template_blue_green(*, features: Features = None) -> None:
    """A commented deploy file with blue/green."""
    _print_starter("bluegreen", features)


def _print_starter(kind: Literal["canary", "bluegreen"], features: list[str] | None) -> None:
    from borealis_cli.output import say
    from borealis_deployfile.starters import Feature, StarterError, starter_file

    words = [word.strip().lower() for text in features or [] for word in text.split(",") if word.strip()]
    known = [str(feature) for feature in Feature]
    unknown = [word for word in words if word not in known]
    if unknown:
        message = f"there is no feature {unknown[0]!r}: choose from {', '.join(known)}"
        raise typer.BadParameter(message, param_hint="--features")
    try:
        say([starter_file(kind, [Feature(word) for word in words]).rstrip()])
    except StarterError as error:
        raise typer.BadParameter(str(error), param_hint="--features") from error


def _replicas(texts: list[str]) -> dict[str, int]:
    """Pods by name. Errors: typer.BadParameter."""
    found = {}
    for text in texts:
        name, _, count = text.rpartition("=")
        if not name or not (count.isascii() and count.isdigit()):
            raise typer.BadParameter(f"{text!r} is not DEPLOYMENT=N", param_hint="--replicas")
        found[name] = int(count)
    return found


def _unknown_accounts(gathered: "GatheredFiles", connection: Connection) -> "tuple[Fault, ...]":
    """Accounts of the file that the server does not know."""
    from borealis_cli.context import connected
    from borealis_cli.running import run
    from borealis_deployfile.surroundings import Surroundings, check_surroundings

    if gathered.file is None:
        return ()

    names: set[str] = set()

    async def command(_: "Attachment") -> int:
        async with connected(connection) as borealis:
            names.update([agent.name.rpartition("/")[2] async for agent in borealis.agents.list()])
        return 0

    run(command)
    return check_surroundings(gathered.file, Surroundings(accounts=names))
