"""`whoami`, `auth` and `version`."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    app.command("whoami")(whoami)
    app.command("version")(version)
    group = typer.Typer(help="Ask what you may.", no_args_is_help=True, rich_markup_mode=None)
    group.command("can-i")(can_i)
    group.command("whoami")(whoami)
    app.add_typer(group, name="auth")


def whoami(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """Say who the server takes you for."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, note, say, say_json
    from borealis_cli.render.text import one_line
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            caller = await borealis.identity.caller()
            where = str(borealis.settings.server)
        if output is Format.TEXT:
            roles = ", ".join(caller.roles) or "no role"
            say([one_line(f"{caller.display_name} ({caller.subject}), tenant {caller.tenant}, {roles}, at {where}")])
            if caller.administrators:
                note(f"You hold no role here, so that you can do nothing yet. Ask {', '.join(caller.administrators)}.")
        else:
            say_json(message_json(caller), output)
        return 0

    run(command)


def can_i(
    permission: Annotated[str, typer.Argument(help="For example deployments.write; docs/permissions.md lists them.")],
    *,
    application: Annotated[str, typer.Option("--application", "-n", help="Of this application.")] = "",
    target: Annotated[str, typer.Option("--target", "-t", help="To this target.")] = "",
    account: Annotated[str, typer.Option("--account", help="Behind this agent.")] = "",
    namespace: Annotated[str, typer.Option("--namespace", help="In this Kubernetes namespace.")] = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Say whether you may do something, and if not, which grant is missing and whom to ask. Exits with 5 for no."""
    from borealis_cli.context import connected
    from borealis_cli.exit_codes import ExitCode
    from borealis_cli.output import say_one
    from borealis_cli.render.people import verdict
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            answer = await borealis.identity.can_i(
                permission, application=application, target=target, account=account, namespace=namespace
            )
        say_one(answer, output, *verdict(answer))
        return 0 if answer.is_allowed else ExitCode.NOT_ALLOWED

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
