"""`audit`: who asked what of which cluster and of the server, and that nobody has changed what is written of it."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(
        help="See who asked what of which cluster, and of the server.", no_args_is_help=True, rich_markup_mode=None
    )
    group.callback()(lambda: None)
    group.command("list")(list_calls)
    group.command("actions")(list_actions)
    group.command("export")(export)
    group.command("verify")(verify)
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


def list_actions(
    *,
    actor: Annotated[str, typer.Option("--actor", help="Only actions of this actor.", show_default=False)] = "",
    since: Annotated[
        str, typer.Option("--since", help="Only actions of the last 90, 90s, 10m, 1h30m.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option("--limit", help="At most so many, newest first.", min=1)] = 50,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """List what was asked of the server and may have changed it, and every refusal, newest first."""
    from contextlib import aclosing
    from datetime import UTC, datetime, timedelta

    from borealis_cli.context import connected
    from borealis_cli.options import parse_duration
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.tables import action_table
    from borealis_cli.running import run

    since_s = parse_duration(since, option="--since")
    start = datetime.now(UTC) - timedelta(seconds=since_s) if since_s else None

    async def command(_: "Attachment") -> int:
        found = []
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            actions = borealis.audit.list_actions(actor=actor, since=start, page_size=min(limit, 250))
            async with aclosing(actions):
                async for action in actions:
                    found.append(action)
                    if len(found) == limit:
                        break
        if output is Format.TEXT:
            say(action_table(found))
        elif output is Format.JSON:
            say_json({"actions": [message_json(action) for action in found]}, output)
        else:
            for action in found:
                say_json(message_json(action), output)
        return 0

    run(command)


def export(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write to this file, mode 0600.", show_default="stdout")
    ] = None,
    after: Annotated[int, typer.Option("--after", help="Only entries behind the one of this number.", min=0)] = 0,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Write the audit of the tenant as lines of JSON, oldest first; `audit verify` checks them offline."""
    from borealis_cli.context import connected
    from borealis_cli.output import note, say
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            lines = borealis.audit.export(after_number=after)
            if out is None:
                async for line in lines:
                    say([line])
                return 0
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                async for line in lines:
                    file.write(f"{line}\n")
        note(f"wrote {out}; check it with: borealis audit verify {out}")
        return 0

    run(command)


def verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="An export to check offline; without one, the server checks its own.", show_default=False),
    ] = None,
    *,
    head: Annotated[
        str,
        typer.Option(
            "--head",
            metavar="NUMBER:HASH",
            help="An entry kept elsewhere, which must be there.",
            show_default=False,
        ),
    ] = "",
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Check that nobody has changed the audit: names the first entry that is not what was written (exit code 16)."""
    from borealis_cli.context import connected
    from borealis_cli.exit_codes import ExitCode
    from borealis_cli.output import note, say
    from borealis_cli.running import run
    from borealis_client import check_export

    kept_number, kept_hash = _kept(head)
    if file is not None:
        try:
            with file.open(encoding="utf-8", errors="replace") as lines:
                found = check_export(lines, kept_number=kept_number, kept_hash=kept_hash)
        except OSError as error:
            raise typer.BadParameter(f"cannot read {file}: {error.strerror}") from error
        if found.broken_line:
            note(f"{file}:{found.broken_line}: {found.fault}")
            raise typer.Exit(ExitCode.AUDIT_BROKEN)
        say([f"{found.entries} entries are as they were written; head {found.head_number}:{found.head_hash}"])
        return

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            proof = await borealis.audit.verify(kept_number=kept_number, kept_hash=kept_hash)
        if proof.broken_number:
            note(f"entry {proof.broken_number}: {proof.fault}")
            return ExitCode.AUDIT_BROKEN
        say([f"{proof.entries} entries are as they were written; head {proof.head_number}:{proof.head_hash}"])
        return 0

    run(command)


def _kept(head: str) -> tuple[int, str]:
    """Number and hash of an entry that was kept elsewhere; 0 and an empty text for none."""
    number, mark, digest = head.partition(":")
    if head and not (mark and number.isdecimal() and digest):
        raise typer.BadParameter(f"{head!r} is not NUMBER:HASH", param_hint="--head")
    return int(number or 0), digest
