"""`deploy`: what begins with a deploy file."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import (
    Account,
    AddContext,
    AllowPrivate,
    Application,
    CaFile,
    Connection,
    DeployFilePath,
    Format,
    Output,
    Server,
    Targets,
    Timeout,
    parse_context,
    parse_duration,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from borealis_cli.deploy_files import Given
    from borealis_cli.running import Attachment
    from borealis_client import GatheredFiles, StartedDeployment

    Starter = Callable[..., Awaitable[StartedDeployment]]


def register(app: typer.Typer) -> None:
    """Adds the command to the table."""
    app.command("deploy")(deploy)


def deploy(  # noqa: PLR0913 - a command's options
    file: DeployFilePath,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it to its end.")] = False,
    application: Application = "",
    account: Account = "",
    allow_private: AllowPrivate = False,
    add_context: AddContext = None,
    target: Targets = None,
    timeout: Timeout = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Start a deployment from a deploy file.

    The file and its manifests are checked first: with faults, nothing is sent (exit status 7).
    """
    from borealis_cli.context import connected
    from borealis_cli.deploy_files import Given, read
    from borealis_cli.following import follow
    from borealis_cli.output import note
    from borealis_cli.render.text import one_line
    from borealis_cli.running import run

    timeout_s = parse_duration(timeout)
    if timeout_s and not watch:
        raise typer.BadParameter("it limits --watch, which is missing", param_hint="--timeout")
    given = Given(
        application=application,
        account=account,
        context=parse_context(add_context),
        targets=target or (),
        allows_private=allow_private,
    )
    gathered = read(file, given)
    _warn(gathered)

    async def command(attachment: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            started = await _start(borealis.deployments.start, gathered, given)
            attachment.name = started.deployment.name
            note(*(f"warning: {one_line(warning)}" for warning in _news(started, gathered)))
            if not watch:
                _say_started(started, output)
                return 0
            return await follow(borealis, started.deployment.name, output=output, timeout_s=timeout_s)

    run(command)


async def _start(start: "Starter", gathered: "GatheredFiles", given: "Given") -> "StartedDeployment":
    """The started deployment; the server's faults are shown like our own."""
    from borealis_cli.deploy_files import refused
    from borealis_client import DeployFileInvalidError

    try:
        return await start(
            gathered.content,
            manifests=gathered.manifest_files,
            file_name=gathered.file_name,
            application=given.application,
            account=given.account,
            context=given.context,
            targets=given.targets,
        )
    except DeployFileInvalidError as error:
        raise refused(gathered, error) from error


def _news(started: "StartedDeployment", gathered: "GatheredFiles") -> list[str]:
    """The server's warnings that were not printed before it was asked: both read the same file."""
    told = [warning.message for warning in gathered.warnings]
    return [text for text in started.warnings if not any(message in text for message in told)]


def _say_started(started: "StartedDeployment", output: Format) -> None:
    from borealis_cli.following import reattach
    from borealis_cli.output import message_json, note, say, say_json
    from borealis_cli.render.text import one_line, short_id

    deployment = started.deployment
    if output is not Format.TEXT:
        say_json(message_json(deployment), output)
        return
    targets = "1 target" if len(deployment.targets) == 1 else f"{len(deployment.targets)} targets"
    what = f"{one_line(deployment.application)} {short_id(deployment.name)} ({targets})"
    if deployment.blocked_by:
        say([f"queued {what} behind {short_id(deployment.blocked_by)}"])
    else:
        say([f"started {what}"])
    note(f"follow it with: {reattach(deployment.name)}")


def _warn(gathered: "GatheredFiles") -> None:
    from borealis_cli.deploy_files import warnings_text
    from borealis_cli.output import note

    text = warnings_text(gathered)
    if text:
        note(text.rstrip())
