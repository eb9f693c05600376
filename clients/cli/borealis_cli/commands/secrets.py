"""`secret`: sets, lists and deletes what deploy files name as `{{secrets.NAME}}`; values stand on no command line."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment

SecretId = Annotated[str, typer.Argument(metavar="NAME", help="The secret's name, as in {{secrets.NAME}}.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(
        help="Set, list and delete secrets of deploy files.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("set")(set_secret)
    group.command("list")(list_secrets)
    group.command("delete")(delete_secret)
    group.command("rotate-key")(rotate_key)
    app.add_typer(group, name="secret")


def set_secret(
    name: SecretId,
    *,
    keep_newline: Annotated[
        bool, typer.Option("--keep-newline", help="Keep the line end at the end of what stdin says.")
    ] = False,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Set a secret to what stdin says, or to what you type at a hidden prompt."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, note, say_json
    from borealis_cli.running import run

    value = _value(name, keep_newline=keep_newline)

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            secret = await borealis.secrets.set(name, value)
        if output is Format.TEXT:
            note(f"set {secret.name}; deploy files name it as {{{{secrets.{name}}}}}")
        else:
            say_json(message_json(secret), output)
        return 0

    run(command)


def list_secrets(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """List secrets; nobody can see their values."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.tables import secret_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            secrets = [secret async for secret in borealis.secrets.list()]
        if output is Format.TEXT:
            say(secret_table(secrets))
        elif output is Format.JSON:
            say_json({"secrets": [message_json(secret) for secret in secrets]}, output)
        else:
            for secret in secrets:
                say_json(message_json(secret), output)
        return 0

    run(command)


def delete_secret(
    name: SecretId,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete it although something uses it.")] = False,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Delete a secret; where something uses it still, only after you have agreed."""
    from borealis_cli.context import connected
    from borealis_cli.exit_codes import ExitCode
    from borealis_cli.output import note
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            tenant = borealis.settings.tenant or (await borealis.identity.caller()).tenant
            full_name = name if "/" in name else f"tenants/{tenant}/secrets/{name}"
            uses = await borealis.secrets.uses(full_name)
            for use in uses:
                note(f"warning: used by {use}, which will fail when it needs the value")
            if uses and not (yes or _agrees(name)):
                note("nothing was deleted; --yes deletes it all the same")
                return ExitCode.USAGE
            await borealis.secrets.delete(full_name)
        note(f"deleted {full_name}")
        return 0

    run(command)


def rotate_key(
    *,
    keep_key: Annotated[
        bool, typer.Option("--keep-key", help="Make no newer key: finish a rotation that was interrupted.")
    ] = False,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Encrypt the secrets of all tenants with a newer key, while they are set and used as ever."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, note, say, say_json
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            rotation = await borealis.secrets.rotate_key(keep_key=keep_key)
        if output is Format.TEXT:
            say([f"the key {rotation.key_id} encrypts now; encrypted with it anew: {rotation.encrypted}"])
        else:
            say_json(message_json(rotation), output)
        for unreadable in rotation.unreadable:
            note(f"warning: the key of {unreadable} is missing; set it again")
        return 0

    run(command)


def _value(name: str, *, keep_newline: bool) -> str:
    """What somebody types unseen, or all of stdin without its last line end."""
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(f"Value of {name} (not shown): ")
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter("a secret is text in UTF-8; encode other bytes, for example in base64") from error
    return text if keep_newline else text.removesuffix("\n").removesuffix("\r")


def _agrees(name: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(f"Delete {name} all the same?", err=True)
