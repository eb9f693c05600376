"""`role` and `target-group`: what can be given to people and machines."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment
    from borealis_client import Grant, TargetPlace

_PARTS = 3
RoleName = Annotated[str, typer.Argument(metavar="ROLE", help="Name or id of the role.")]
GroupName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the target group.")]
Grants = Annotated[
    list[str] | None,
    typer.Option(
        "--grant", metavar="TYPE/RESOURCE/PERMISSION", help="For example api/deployment/full; may be repeated."
    ),
]
Places = Annotated[
    list[str],
    typer.Option(
        "--target",
        metavar="KEY=VALUE,...",
        help="Targets of the group by name, account, namespace, or some of these; may be repeated.",
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(help="See and change roles.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_roles)
    group.command("get")(get_role)
    group.command("create")(create_role)
    group.command("update")(update_role)
    group.command("delete")(delete_role)
    app.add_typer(group, name="role")
    groups = typer.Typer(help="Name targets, to grant them.", no_args_is_help=True, rich_markup_mode=None)
    groups.command("list")(list_groups)
    groups.command("create")(create_group)
    groups.command("update")(update_group)
    groups.command("delete")(delete_group)
    app.add_typer(groups, name="target-group")


def list_roles(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """List roles, those of the system first."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_all
    from borealis_cli.render.people import role_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            say_all([one async for one in borealis.roles.list()], output, "roles", role_table)
        return 0

    run(command)


def get_role(name: RoleName, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """Show one role."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.render.people import role_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            role = await borealis.roles.get(name)
        say_one(role, output, *role_table([role]))
        return 0

    run(command)


def create_role(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new role.")],
    *,
    grants: Grants = None,
    in_tenant: Annotated[
        str, typer.Option("--in-tenant", metavar="TENANT", help="Where it holds; else in the whole organization.")
    ] = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Create a role."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.running import run

    wanted = parse_grants(grants)

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            role = await borealis.roles.create(name, wanted, tenant=in_tenant)
        say_one(role, output, f"Created role: {role.display_name}")
        return 0

    run(command)


def update_role(
    name: RoleName,
    *,
    grants: Grants = None,
    new_name: Annotated[str, typer.Option("--name", help="Another name.", show_default=False)] = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Give a role another name, other grants instead of all that it has, or both."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.running import run

    wanted = parse_grants(grants)

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            role = await borealis.roles.update(name, display_name=new_name, grants=wanted)
        say_one(role, output, f"Updated role: {role.display_name}")
        return 0

    run(command)


def delete_role(name: RoleName, *, server: Server = None, ca_file: CaFile = None) -> None:
    """Delete a role; whoever held it does no longer."""
    from borealis_cli.context import connected
    from borealis_cli.output import note
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            await borealis.roles.delete(name)
        note(f"Deleted role: {name}")
        return 0

    run(command)


def list_groups(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """List target groups."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_all
    from borealis_cli.render.people import group_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            found = [one async for one in borealis.roles.list_target_groups()]
        say_all(found, output, "targetGroups", group_table)
        return 0

    run(command)


def create_group(
    name: GroupName,
    *,
    places: Places,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Create a target group in the tenant."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.running import run

    wanted = parse_places(places)

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            group = await borealis.roles.create_target_group(name, wanted)
        say_one(group, output, f"Created target group: {group.display_name}")
        return 0

    run(command)


def update_group(
    name: GroupName,
    *,
    places: Places,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Give a target group other targets instead of all that it has."""
    from borealis_cli.context import connected
    from borealis_cli.output import say_one
    from borealis_cli.running import run

    wanted = parse_places(places)

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            group = await borealis.roles.update_target_group(name, wanted)
        say_one(group, output, f"Updated target group: {group.display_name}")
        return 0

    run(command)


def delete_group(name: GroupName, *, server: Server = None, ca_file: CaFile = None) -> None:
    """Delete a target group; grants on it give nothing any more."""
    from borealis_cli.context import connected
    from borealis_cli.output import note
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            await borealis.roles.delete_target_group(name)
        note(f"Deleted target group: {name}")
        return 0

    run(command)


def parse_grants(texts: list[str] | None) -> "list[Grant]":
    """The grants of `TYPE/RESOURCE/PERMISSION`. Errors: typer.BadParameter."""
    from borealis_client import Grant

    found = []
    for text in texts or []:
        parts = text.split("/")
        if len(parts) != _PARTS or not all(parts):
            raise typer.BadParameter(f"{text!r} is not TYPE/RESOURCE/PERMISSION", param_hint="--grant")
        found.append(Grant(type=parts[0], resource=parts[1], permission=parts[2]))
    return found


def parse_places(texts: list[str]) -> "list[TargetPlace]":
    """The targets of `name=..,account=..,namespace=..`. Errors: typer.BadParameter."""
    from borealis_client import TargetPlace

    found = []
    for text in texts:
        words = dict(word.partition("=")[::2] for word in text.split(","))
        if not words.keys() <= {"name", "account", "namespace"} or not all(words.values()):
            raise typer.BadParameter(f"{text!r} is not name=,account=,namespace=", param_hint="--target")
        found.append(TargetPlace(**words))
    return found
