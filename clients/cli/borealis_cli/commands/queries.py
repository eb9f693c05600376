"""`query`: tries queries of analyses out on any time of the past, and shows what those of deployments were answered."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import (
    AddContext,
    CaFile,
    Connection,
    Format,
    Output,
    Server,
    parse_context,
    parse_duration,
)

if TYPE_CHECKING:
    from borealis_cli.queries import Chosen
    from borealis_cli.running import Attachment
    from borealis_client import Analysis, Judgement

File = Annotated[
    str, typer.Option("--file", "-f", metavar="FILE", help="Deploy file with the queries.", show_default=False)
]
Names = Annotated[
    list[str] | None,
    typer.Option("--query", "-q", metavar="NAME", help="Only this query of the file; may be repeated."),
]
Template = Annotated[
    str, typer.Option("--template", help="A query on the command line, instead of a file.", show_default=False)
]
Upper = Annotated[float | None, typer.Option("--upper-limit", help="Largest good value.", show_default=False)]
Lower = Annotated[float | None, typer.Option("--lower-limit", help="Smallest good value.", show_default=False)]
ProviderName = Annotated[
    str, typer.Option("--provider", help="Integration that is asked; goes before the file's.", show_default=False)
]
Interval = Annotated[str, typer.Option("--interval", help="Length of a window: 90, 90s, 10m, 1h30m.")]
Growing = Annotated[bool, typer.Option("--growing", help="Every window begins where the first one does.")]
Variables = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE,...", help="armory variables, such as replicaSetName=web-1."),
]
Export = Annotated[
    str,
    typer.Option(
        "--export",
        metavar="FILE",
        help="Write the queries as a block for a deploy file; `-` to stdout.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    start: datetime
    interval_s: float
    runs: int
    is_growing: bool


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(
        help="Try queries of analyses out, and see what they were answered.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("run")(run_queries)
    group.command("backfill")(backfill)
    group.command("evidence")(evidence)
    app.add_typer(group, name="query")


def run_queries(  # noqa: PLR0913 - a command's options
    *,
    file: File = "",
    query: Names = None,
    template: Template = "",
    upper_limit: Upper = None,
    lower_limit: Lower = None,
    provider: ProviderName = "",
    interval: Interval = "60s",
    runs: Annotated[int, typer.Option("--runs", min=1, max=500, help="How many windows, the last one ends now.")] = 1,
    growing: Growing = False,
    set_: Variables = None,
    add_context: AddContext = None,
    export: Export = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Judge the time until now as a deployment would; the exit status says whether it passed."""
    from borealis_cli.queries import Inline, choose

    chosen = choose(
        file, query or [], Inline(template=template, upper_limit=upper_limit, lower_limit=lower_limit), provider
    )
    interval_s = parse_duration(interval, option="--interval") or 60.0
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=interval_s * runs)
    over = _Range(start=start, interval_s=interval_s, runs=runs, is_growing=growing)
    variables, context = parse_context(set_), parse_context(add_context)
    _judge(chosen, over, variables, context, export, output, Connection(server=server, ca_file=ca_file))


def backfill(  # noqa: PLR0913 - a command's options
    *,
    start: Annotated[datetime, typer.Option("--from", help="Start of the first window, in UTC.", show_default=False)],
    end: Annotated[datetime, typer.Option("--to", help="No window ends later, in UTC.", show_default=False)],
    file: File = "",
    query: Names = None,
    template: Template = "",
    upper_limit: Upper = None,
    lower_limit: Lower = None,
    provider: ProviderName = "",
    interval: Interval = "60s",
    growing: Growing = False,
    set_: Variables = None,
    add_context: AddContext = None,
    export: Export = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Judge a range of the past, window after window, as a deployment then would have."""
    from borealis_cli.queries import Inline, choose

    chosen = choose(
        file, query or [], Inline(template=template, upper_limit=upper_limit, lower_limit=lower_limit), provider
    )
    interval_s = parse_duration(interval, option="--interval") or 60.0
    runs = int((end - start).total_seconds() // interval_s)
    if runs < 1:
        raise typer.BadParameter("the range is shorter than one interval", param_hint="--to")
    over = _Range(start=start.replace(tzinfo=UTC), interval_s=interval_s, runs=runs, is_growing=growing)
    variables, context = parse_context(set_), parse_context(add_context)
    _judge(chosen, over, variables, context, export, output, Connection(server=server, ca_file=ca_file))


def evidence(
    deployment: Annotated[str, typer.Argument(metavar="ID[/TARGET]", help="As for `status`; a target narrows it.")],
    *,
    step: Annotated[str, typer.Option("--step", help="Only this step, such as step-2.", show_default=False)] = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Show what the analyses of a deployment asked, and what they were answered: all that their verdicts rest on."""
    from borealis_cli.context import connected
    from borealis_cli.ids import find, split_target
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.analyses import evidence_lines
    from borealis_cli.running import run

    wanted, target = split_target(deployment)

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            name = await find(borealis, wanted)
            found = [one async for one in borealis.analyses.evidence(name, target=target, step=step)]
        if output is Format.TEXT:
            say(line for one in found for line in evidence_lines(one))
        elif output is Format.JSON:
            say_json({"judgements": [message_json(one) for one in found]}, output)
        else:
            for one in found:
                say_json(message_json(one), output)
        return 0

    run(command)


def _judge(
    chosen: "Chosen",
    over: _Range,
    variables: dict[str, str],
    context: dict[str, str],
    export: str,
    output: Format,
    connection: Connection,
) -> None:
    from contextlib import aclosing

    from borealis_cli.context import connected
    from borealis_cli.exit_codes import ExitCode
    from borealis_cli.queries import plan_of
    from borealis_cli.running import run
    from borealis_client import Analysis, Verdict

    plan = plan_of(chosen, interval_s=over.interval_s, runs=over.runs, is_growing=over.is_growing)
    found: list[Judgement] = []

    async def command(_: "Attachment") -> int:
        verdict = Verdict.UNSPECIFIED
        async with connected(connection) as borealis:
            given = {**chosen.context, **context}
            parts = borealis.analyses.run(plan, over.start, context=given, variables=variables)
            async with aclosing(parts):
                async for part in parts:
                    if isinstance(part, Analysis):
                        verdict = part.verdict
                    else:
                        found.append(part)
                    _show(part, found, output)
        _export(chosen, export)
        return ExitCode.OK if verdict is Verdict.PASSED else ExitCode.FAILED

    run(command)


def _show(part: "Judgement | Analysis", found: "list[Judgement]", output: Format) -> None:
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.analyses import analysis_table, judgement_lines
    from borealis_client import Analysis

    is_last = isinstance(part, Analysis)
    if output is Format.JSONL:
        say_json({"analysis" if is_last else "judgement": message_json(part)}, output)
    elif output is Format.JSON:
        if is_last:
            say_json({"judgements": [message_json(one) for one in found], "analysis": message_json(part)}, output)
    else:
        say(analysis_table(part) if isinstance(part, Analysis) else judgement_lines(part))


def _export(chosen: "Chosen", export: str) -> None:
    if not export:
        return
    from pathlib import Path

    from borealis_cli.output import note, say
    from borealis_deployfile.analysis_yaml import analysis_yaml

    try:
        text = analysis_yaml(chosen.queries, default_provider=chosen.provider)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--export") from error
    if export == "-":
        say(text.splitlines())
        return
    Path(export).write_text(text, encoding="utf-8")
    note(f"wrote {export}: put it into a deploy file")
