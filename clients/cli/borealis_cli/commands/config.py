"""`config`: who may do what, as a file under version control."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment

ConfigPath = Annotated[
    Path, typer.Option("--file", "-f", metavar="FILE", help="The configuration.", show_default=False)
]
Answer = Annotated[
    str, typer.Option("--output", "-o", help="yaml, or json for one document.", metavar="FORMAT", show_default="yaml")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(
        help="See and change tenants, roles and credentials as a file.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("apply")(apply_config)
    group.command("diff")(diff_config)
    group.command("get")(get_config)
    app.add_typer(group, name="config")


def apply_config(
    file: ConfigPath,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Make everything as the file says, all of it or nothing."""
    _apply(file, Connection(server=server, ca_file=ca_file), output, dry_run=dry_run)


def diff_config(
    file: ConfigPath, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None
) -> None:
    """Show what applying the file would change, and change nothing."""
    _apply(file, Connection(server=server, ca_file=ca_file), output, dry_run=True)


def get_config(*, output: Answer = "yaml", server: Server = None, ca_file: CaFile = None) -> None:
    """Show what is configured, as a file that `config apply` takes."""
    from borealis_cli.config_files import document_of, yaml_of
    from borealis_cli.context import connected
    from borealis_cli.output import say, say_json
    from borealis_cli.running import run

    if output not in {"yaml", "json"}:
        raise typer.BadParameter(f"{output!r} is neither yaml nor json", param_hint="--output")

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            config = await borealis.config.get()
        if output == "json":
            say_json(document_of(config), Format.JSON)
        else:
            say(yaml_of(config).splitlines())
        return 0

    run(command)


def _apply(file: Path, connection: Connection, output: Format, *, dry_run: bool) -> None:
    from borealis_cli.config_files import difference
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, note, say, say_json
    from borealis_cli.running import run

    try:
        content = file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"cannot read {file}: {error.strerror}", param_hint="--file") from error

    async def command(_: "Attachment") -> int:
        async with connected(connection) as borealis:
            applied = await borealis.config.apply(content, file_name=str(file), dry_run=dry_run)
        if output is not Format.TEXT:
            say_json(message_json(applied), output)
            return 0
        if dry_run:
            say(difference(applied))
        else:
            say(change.message for change in applied.changes)
        note(*(f"warning: {warning}" for warning in applied.warnings))
        if not applied.changes:
            note("everything is as the file says")
        return 0

    run(command)
