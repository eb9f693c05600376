"""`preview`: lists, opens and ends temporary addresses of Services, and says whether a tenant allows any."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment
    from borealis_client import Borealis

PreviewId = Annotated[str, typer.Argument(metavar="PREVIEW", help="Its id, as `borealis preview list` says it.")]


class Rule(StrEnum):
    """What a tenant may allow."""

    PUBLIC = "public"
    LOGIN = "login"
    FORBIDDEN = "forbidden"


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(
        help="List, open and end temporary addresses of Services.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("list")(list_previews)
    group.command("open")(open_preview)
    group.command("revoke")(revoke_preview)
    group.command("rule")(preview_rule)
    app.add_typer(group, name="preview")


def list_previews(
    *,
    deployment: Annotated[str, typer.Option("--deployment", "-d", help="Only those of this deployment.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended, up to a week ago.")] = False,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """List previews, newest first."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.tables import preview_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            name = await _full_name(borealis, "deployments", deployment) if deployment else ""
            listed = borealis.previews.list(deployment=name, active_only=not everything)
            previews = [preview async for preview in listed]
        if output is Format.TEXT:
            say(preview_table(previews))
        elif output is Format.JSON:
            say_json({"previews": [message_json(preview) for preview in previews]}, output)
        else:
            for preview in previews:
                say_json(message_json(preview), output)
        return 0

    run(command)


def open_preview(preview: PreviewId, *, server: Server = None, ca_file: CaFile = None) -> None:
    """Print an address that logs a browser in to a preview; it is good for a minute, and for whoever has it."""
    from borealis_cli.context import connected
    from borealis_cli.output import note, say
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            url = await borealis.previews.enter(await _full_name(borealis, "previews", preview))
        note("open it within a minute, and give it to nobody else:")
        say([url])
        return 0

    run(command)


def revoke_preview(
    preview: PreviewId, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None
) -> None:
    """End a preview at once, with everything that goes through it."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, note, say_json
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            ended = await borealis.previews.revoke(await _full_name(borealis, "previews", preview))
        if output is Format.TEXT:
            note(f"{ended.url} leads nowhere any more")
        else:
            say_json(message_json(ended), output)
        return 0

    run(command)


def preview_rule(
    rule: Annotated[Rule | None, typer.Argument(help="What it allows from now on; without, it is shown.")] = None,
    *,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Show or say whether the tenant allows previews, and to whom."""
    from borealis_cli.context import connected
    from borealis_cli.output import say
    from borealis_cli.render.text import word
    from borealis_cli.running import run
    from borealis_client import PreviewRule

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            if rule is None:
                now = await borealis.previews.rule()
            else:
                now = await borealis.previews.set_rule(PreviewRule[rule.name])
        say([word(now).lower()])
        return 0

    run(command)


async def _full_name(borealis: "Borealis", collection: str, given: str) -> str:
    """The resource name of something of the caller's tenant that may be given by its id alone."""
    if "/" in given:
        return given
    tenant = borealis.settings.tenant or (await borealis.identity.caller()).tenant
    return f"tenants/{tenant}/{collection}/{given}"
