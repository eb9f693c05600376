"""`credential`: what machines log in with."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment
    from borealis_client import Borealis, ClientCredential

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the credential.")]
HeldRoles = Annotated[list[str], typer.Argument(metavar="ROLE...", help="Names or ids of all the roles that it holds.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(help="See and change what machines log in with.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_credentials)
    group.command("create")(create_credential)
    group.command("set-roles")(set_roles)
    group.command("delete")(delete_credential)
    app.add_typer(group, name="credential")


def list_credentials(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """List the tenant's credentials; secrets are never shown again."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_all
    from borealis_cli.render.people import credential_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            found = [one async for one in borealis.identity.list_credentials()]
        say_all(found, output, "credentials", credential_table)
        return 0

    run(command)


def create_credential(
    name: Name, roles: HeldRoles, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None
) -> None:
    """Create a credential, and print its id and secret: the secret is shown this once."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            made = await borealis.identity.create_credential(name, roles=roles)
        if output is Format.TEXT:
            say([f"BOREALIS_CLIENT_ID={made.credential.client_id}", f"BOREALIS_CLIENT_SECRET={made.client_secret}"])
        else:
            say_json({"credential": message_json(made.credential), "clientSecret": made.client_secret}, output)
        return 0

    run(command)


def set_roles(
    name: Name, roles: HeldRoles, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None
) -> None:
    """Give a credential these roles instead of all that it has."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.render.people import credential_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            found = await _find(borealis, name)
            changed = await borealis.identity.update_credential(found.name, roles)
        say_one(changed, output, *credential_table([changed]))
        return 0

    run(command)


def delete_credential(name: Name, *, server: Server = None, ca_file: CaFile = None) -> None:
    """Revoke a credential; what it has open ends within seconds."""
    from borealis_cli.context import connected
    from borealis_cli.output import note
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            found = await _find(borealis, name)
            await borealis.identity.delete_credential(found.name)
        note(f"Deleted credential: {name}")
        return 0

    run(command)


async def _find(borealis: "Borealis", name: str) -> "ClientCredential":
    """The credential of that display name or client id."""
    from borealis_client import CredentialNotFoundError

    async for one in borealis.identity.list_credentials(page_size=250):
        if name in (one.display_name, one.client_id):
            return one
    raise CredentialNotFoundError(f"no client credential {name}: borealis credential list shows those of the tenant.")
