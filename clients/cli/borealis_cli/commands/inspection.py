"""`status`, `why`, `list` and `watch`: looking at deployments."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, DeploymentId, Format, Output, Server, Timeout, parse_duration

if TYPE_CHECKING:
    from borealis_cli.running import Attachment


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    app.command("status")(status)
    app.command("why")(why)
    app.command("list")(list_deployments)
    app.command("watch")(watch)


def status(
    deployment: DeploymentId = "@latest",
    *,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Show a deployment as it is now."""
    from borealis_cli.context import connected
    from borealis_cli.ids import find
    from borealis_cli.running import run
    from borealis_cli.showing import show

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            show(await borealis.deployments.get(await find(borealis, deployment)), output)
        return 0

    run(command)


def why(
    deployment: Annotated[str, typer.Argument(metavar="ID[/TARGET]", help="As for `status`; a target narrows it.")],
    *,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Say why a deployment is as it is, who or what ends that, and what can be done."""
    from borealis_cli.context import connected
    from borealis_cli.ids import find, split_target
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.why import explanation_lines
    from borealis_cli.running import run

    wanted, target = split_target(deployment)

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            name = await find(borealis, wanted)
            found = await borealis.deployments.explain(name, target=target)
        if output is Format.TEXT:
            say(explanation_lines(name, found))
        else:
            targets = [message_json(one) for one in found.targets]
            say_json({"explanation": message_json(found.explanation), "targets": targets}, output)
        return 0

    run(command)


def list_deployments(  # a command's options
    application: Annotated[str, typer.Argument(help="Only deployments of this application.")] = "",
    *,
    in_progress: Annotated[bool, typer.Option("--in-progress", help="Only those that have not ended.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 20,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """List deployments, newest first."""
    from contextlib import aclosing
    from datetime import UTC, datetime

    from borealis_cli.context import connected
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.tables import deployment_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        found = []
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            pages = borealis.deployments.list(
                application=application, in_progress_only=in_progress, page_size=min(limit, 250)
            )
            async with aclosing(pages):
                async for one in pages:
                    found.append(one)
                    if len(found) == limit:
                        break
        if output is Format.TEXT:
            say(deployment_table(found, now=datetime.now(UTC)))
        elif output is Format.JSON:
            say_json({"deployments": [message_json(one) for one in found]}, output)
        else:
            for one in found:
                say_json(message_json(one), output)
        return 0

    run(command)


def watch(  # a command's options
    deployment: DeploymentId = "@latest",
    *,
    timeout: Timeout = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Follow a deployment to its end; the exit status says how it ended."""
    from borealis_cli.context import connected
    from borealis_cli.following import follow
    from borealis_cli.ids import find
    from borealis_cli.running import run

    timeout_s = parse_duration(timeout)

    async def command(attachment: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            attachment.name = await find(borealis, deployment)
            return await follow(borealis, attachment.name, output=output, timeout_s=timeout_s)

    run(command)
