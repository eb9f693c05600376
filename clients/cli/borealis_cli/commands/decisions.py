"""`approve`, `skip`, `report`, `rollback` and `cancel`: what a person decides about a deployment."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Comment, Connection, DeploymentId, Format, Output, Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from borealis_cli.running import Attachment
    from borealis_client import Borealis, Deployment

    Decide = Callable[[Borealis, str], Awaitable[Deployment]]


Place = Annotated[str, typer.Argument(metavar="ID[/TARGET]", help="As for `status`; a target narrows it.")]
OneStep = Annotated[str, typer.Option("--step", help="Only this step, as in step-2.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    app.command("approve")(approve)
    app.command("skip")(skip)
    app.command("report")(report)
    app.command("rollback")(rollback)
    app.command("cancel")(cancel)


def approve(  # a command's options
    deployment: Place,
    *,
    step: OneStep = "",
    comment: Comment = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Approve what waits for an approval: everywhere in the deployment, or in one target."""
    wanted, target = _place(deployment, step)

    async def decide(borealis: "Borealis", name: str) -> "Deployment":
        return await borealis.deployments.approve(name, target=target, step=step, comment=comment)

    _decide(decide, wanted, Connection(server=server, ca_file=ca_file), output)


def skip(
    deployment: Place,
    *,
    step: OneStep = "",
    comment: Comment = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Go on before a timed pause is over: everywhere in the deployment, or in one target."""
    wanted, target = _place(deployment, step)

    async def decide(borealis: "Borealis", name: str) -> "Deployment":
        return await borealis.deployments.skip(name, target=target, step=step, comment=comment)

    _decide(decide, wanted, Connection(server=server, ca_file=ca_file), output)


def report(  # a command's options
    deployment: Annotated[str, typer.Argument(metavar="ID/TARGET", help="As for `status`.")],
    *,
    step: Annotated[str, typer.Option("--step", help="The step whose webhook it was, as in step-2.")],
    success: Annotated[bool, typer.Option("--success/--failure", help="What came of it.")],
    message: Annotated[str, typer.Option("--message", "-m", help="Markdown for people; at most 8 KiB are kept.")] = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Report the result of a webhook in the place of its callback. The first report is final."""
    wanted, target = _place(deployment, step)

    async def decide(borealis: "Borealis", name: str) -> "Deployment":
        return await borealis.deployments.report_webhook(
            name, target=target, step=step, is_success=success, message=message
        )

    _decide(decide, wanted, Connection(server=server, ca_file=ca_file), output)


def rollback(
    deployment: Place,
    *,
    comment: Comment = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Bring the old version back and end the deployment: one target because of which all others end too, or all."""
    wanted, target = _place(deployment, "")

    async def decide(borealis: "Borealis", name: str) -> "Deployment":
        return await borealis.deployments.roll_back(name, target=target, comment=comment)

    _decide(decide, wanted, Connection(server=server, ca_file=ca_file), output)


def cancel(
    deployment: DeploymentId,
    *,
    comment: Comment = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """End a deployment: what has not started never starts, what is in progress is rolled back."""

    async def decide(borealis: "Borealis", name: str) -> "Deployment":
        return await borealis.deployments.cancel(name, comment=comment)

    _decide(decide, deployment, Connection(server=server, ca_file=ca_file), output)


def _place(text: str, step: str) -> tuple[str, str]:
    """Deployment and target in `text`; the target is empty when it names none."""
    from borealis_cli.ids import split_target

    wanted, target = split_target(text)
    if step and not target:
        raise typer.BadParameter("a step needs its target: write ID/TARGET", param_hint="--step")
    return wanted, target


def _decide(decide: "Decide", wanted: str, connection: Connection, output: Format) -> None:
    from borealis_cli.context import connected
    from borealis_cli.following import reattach
    from borealis_cli.ids import find
    from borealis_cli.output import note
    from borealis_cli.running import run
    from borealis_cli.showing import show
    from borealis_client import is_final

    async def command(_: "Attachment") -> int:
        async with connected(connection) as borealis:
            after = await decide(borealis, await find(borealis, wanted))
        show(after, output)
        if output is Format.TEXT and not is_final(after):
            note(f"follow it with: {reattach(after.name)}")
        return 0

    run(command)
