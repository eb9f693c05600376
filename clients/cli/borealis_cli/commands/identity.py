"""`whoami` and `version`."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    app.command("whoami")(whoami)
    app.command("version")(version)


def whoami(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """Say who the server takes you for."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.text import one_line
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            caller = await borealis.identity.caller()
            where = str(borealis.settings.server)
        if output is Format.TEXT:
            roles = ", ".join(caller.roles) or "no role"
            say([one_line(f"{caller.display_name} ({caller.subject}), tenant {caller.tenant}, {roles}, at {where}")])
        else:
            say_json(message_json(caller), output)
        return 0

    run(command)


def version(*, output: Output = Format.TEXT) -> None:
    """Say which version this is."""
    from importlib.metadata import version as installed

    from borealis_cli.output import say, say_json

    number = installed("borealis-cd")
    if output is Format.TEXT:
        say([f"borealis {number}"])
    else:
        say_json({"version": number}, output)
