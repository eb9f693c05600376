"""`tenant`: the parts of the organization."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment

TenantName = Annotated[str, typer.Argument(metavar="TENANT", help="Id or name of the tenant.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(help="See, create and delete tenants.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_tenants)
    group.command("create")(create_tenant)
    group.command("delete")(delete_tenant)
    app.add_typer(group, name="tenant")


def list_tenants(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """List the tenants in which you can do anything; `*` marks the one that commands act in."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_all
    from borealis_cli.render.people import tenant_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            say_all([one async for one in borealis.tenants.list()], output, "tenants", tenant_table)
        return 0

    run(command)


def create_tenant(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new tenant.")],
    *,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Create a tenant."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            made = await borealis.tenants.create(name)
        say_one(made, output, f"Created tenant: {made.display_name} ({made.name.removeprefix('tenants/')})")
        return 0

    run(command)


def delete_tenant(
    name: TenantName,
    *,
    confirm: Annotated[
        str, typer.Option("--confirm", metavar="NAME", help="The tenant's name once more; else you are asked for it.")
    ] = "",
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Delete a tenant with its roles, target groups and credentials. Nothing brings it back."""
    from borealis_cli.context import connected
    from borealis_cli.output import note
    from borealis_cli.running import run

    told = confirm or typer.prompt(f"To delete tenant {name} with all that belongs to it, type its name", err=True)

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            await borealis.tenants.delete(name, confirm_name=told)
        note(f"Deleted tenant: {name}")
        return 0

    run(command)
