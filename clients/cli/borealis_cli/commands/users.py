"""`user` and `invitation`: the people of the organization, and those who are asked to come."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="E-mail address, or id.")]
GivenRoles = Annotated[list[str], typer.Argument(metavar="ROLE...", help="Names or ids of roles.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(help="See people and decide what they may.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_users)
    group.command("get")(get_user)
    group.command("grant")(grant_roles)
    group.command("revoke")(revoke_roles)
    group.command("deactivate")(deactivate_user)
    group.command("reactivate")(reactivate_user)
    app.add_typer(group, name="user")
    invitations = typer.Typer(help="Ask people into the organization.", no_args_is_help=True, rich_markup_mode=None)
    invitations.command("list")(list_invitations)
    invitations.command("create")(create_invitation)
    invitations.command("resend")(resend_invitation)
    invitations.command("revoke")(revoke_invitation)
    app.add_typer(invitations, name="invitation")


def list_users(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """List the people of the organization."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_all
    from borealis_cli.render.people import user_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            say_all([one async for one in borealis.users.list()], output, "users", user_table)
        return 0

    run(command)


def get_user(name: Email, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """Show one person."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.render.people import user_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            user = await borealis.users.get(name)
        say_one(user, output, *user_table([user]))
        return 0

    run(command)


def grant_roles(
    name: Email, roles: GivenRoles, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None
) -> None:
    """Give a person roles."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.render.people import user_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            user = await borealis.users.update_roles(name, add=roles)
        say_one(user, output, *user_table([user]))
        return 0

    run(command)


def revoke_roles(
    name: Email, roles: GivenRoles, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None
) -> None:
    """Take roles from a person."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.render.people import user_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            user = await borealis.users.update_roles(name, remove=roles)
        say_one(user, output, *user_table([user]))
        return 0

    run(command)


def deactivate_user(
    name: Email, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None
) -> None:
    """Lock a person out; what they have open ends within seconds."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.render.people import user_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            user = await borealis.users.deactivate(name)
        say_one(user, output, *user_table([user]))
        return 0

    run(command)


def reactivate_user(
    name: Email, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None
) -> None:
    """Let a person in again."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.render.people import user_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            user = await borealis.users.reactivate(name)
        say_one(user, output, *user_table([user]))
        return 0

    run(command)


def list_invitations(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """List invitations that nobody has accepted."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_all
    from borealis_cli.render.people import invitation_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            say_all([one async for one in borealis.users.list_invitations()], output, "invitations", invitation_table)
        return 0

    run(command)


def create_invitation(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Whom to ask.")],
    roles: GivenRoles,
    *,
    display_name: Annotated[str, typer.Option("--name", help="Their name; else their address is it.")] = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Ask somebody into the organization, and print their link: it is shown this once."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_sent
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            say_sent(await borealis.users.invite(email, display_name or email, roles), output)
        return 0

    run(command)


def resend_invitation(
    name: Email, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None
) -> None:
    """Make a new link for somebody who was asked; the one of before no longer works."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_sent
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            say_sent(await borealis.users.resend_invitation(name), output)
        return 0

    run(command)


def revoke_invitation(name: Email, *, server: Server = None, ca_file: CaFile = None) -> None:
    """Take an invitation back."""
    from borealis_cli.context import connected
    from borealis_cli.output import note
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            await borealis.users.revoke_invitation(name)
        note(f"Revoked the invitation of {name}")
        return 0

    run(command)
