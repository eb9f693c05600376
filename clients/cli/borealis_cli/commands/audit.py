"""`audit`: who asked what of which cluster."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(help="See who asked what of which cluster.", no_args_is_help=True, rich_markup_mode=None)
    group.callback()(lambda: None)
    group.command("list")(list_calls)
    app.add_typer(group, name="audit")


def list_calls(  # a command's options
    *,
    agent: Annotated[str, typer.Option("--agent", "-a", help="Only calls to this agent.", show_default=False)] = "",
    actor: Annotated[str, typer.Option("--actor", help="Only calls of this actor.", show_default=False)] = "",
    since: Annotated[
        str, typer.Option("--since", help="Only calls of the last 90, 90s, 10m, 1h30m.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option("--limit", help="At most so many, newest first.", min=1)] = 50,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """List calls to clusters, newest first; those of the server itself, for deployments, have no actor."""
    from contextlib import aclosing
    from datetime import UTC, datetime, timedelta

    from borealis_cli.context import connected
    from borealis_cli.kube.places import agent_name
    from borealis_cli.options import parse_duration
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.tables import audit_table
    from borealis_cli.running import run

    since_s = parse_duration(since, option="--since")
    start = datetime.now(UTC) - timedelta(seconds=since_s) if since_s else None

    async def command(_: "Attachment") -> int:
        found = []
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            name = await agent_name(borealis, agent) if agent else ""
            calls = borealis.audit.list(agent=name, actor=actor, since=start, page_size=min(limit, 250))
            async with aclosing(calls):
                async for call in calls:
                    found.append(call)
                    if len(found) == limit:
                        break
        if output is Format.TEXT:
            say(audit_table(found))
        elif output is Format.JSON:
            say_json({"calls": [message_json(call) for call in found]}, output)
        else:
            for call in found:
                say_json(message_json(call), output)
        return 0

    run(command)
