"""`deploy` and `redeploy`: what starts a deployment, from files or from what was stored with an earlier one."""

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
    DeploymentId,
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
    from borealis_client import Borealis, GatheredFiles, StartedDeployment

    Starter = Callable[..., Awaitable[StartedDeployment]]
    Begin = Callable[[Borealis], Awaitable[tuple[StartedDeployment, list[str]]]]

PipelineId = Annotated[
    str, typer.Option("--pipelineId", metavar="ID", help="As `redeploy ID`, in place of a file.", show_default=False)
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Follow it to its end.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    app.command("deploy")(deploy)
    app.command("redeploy")(redeploy)


def deploy(  # noqa: PLR0913 - a command's options
    file: DeployFilePath = "",
    *,
    pipeline_id: PipelineId = "",
    watch: Watch = False,
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
    from borealis_cli.deploy_files import Given, read

    _check_limit(timeout, watch=watch)
    connection = Connection(server=server, ca_file=ca_file)
    if pipeline_id:
        _check_alone(file=file, application=application, add_context=add_context)
        redeploy(
            pipeline_id,
            watch=watch,
            account=account,
            target=target,
            timeout=timeout,
            output=output,
            server=server,
            ca_file=ca_file,
        )
        return
    if not file:
        raise typer.BadParameter("write -f FILE, or --pipelineId ID to redeploy", param_hint="--file")
    given = Given(
        application=application,
        account=account,
        context=parse_context(add_context),
        targets=target or (),
        allows_private=allow_private,
    )
    gathered = read(file, given)
    _warn(gathered)

    async def begin(borealis: "Borealis") -> "tuple[StartedDeployment, list[str]]":
        started = await _start(borealis.deployments.start, gathered, given)
        return started, _news(started, gathered)

    _run(begin, connection, watch=watch, timeout=timeout, output=output)


def redeploy(  # a command's options
    deployment: DeploymentId,
    *,
    watch: Watch = False,
    account: Account = "",
    target: Targets = None,
    timeout: Timeout = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Start a stored deployment once more, whatever became of it: with its own files, not those of today."""
    from borealis_cli.ids import find

    _check_limit(timeout, watch=watch)

    async def begin(borealis: "Borealis") -> "tuple[StartedDeployment, list[str]]":
        name = await find(borealis, deployment)
        started = await borealis.deployments.redeploy(name, targets=target or (), account=account)
        return started, list(started.warnings)

    _run(begin, Connection(server=server, ca_file=ca_file), watch=watch, timeout=timeout, output=output)


def _run(begin: "Begin", connection: Connection, *, watch: bool, timeout: str, output: Format) -> None:
    """Start, then say so or follow it to its end."""
    from borealis_cli.context import connected
    from borealis_cli.following import follow
    from borealis_cli.output import note
    from borealis_cli.render.text import one_line
    from borealis_cli.running import run

    timeout_s = parse_duration(timeout)

    async def command(attachment: "Attachment") -> int:
        async with connected(connection) as borealis:
            started, warnings = await begin(borealis)
            attachment.name = started.deployment.name
            note(*(f"warning: {one_line(warning)}" for warning in warnings))
            if not watch:
                _say_started(started, output)
                return 0
            return await follow(borealis, started.deployment.name, output=output, timeout_s=timeout_s)

    run(command)


def _check_limit(timeout: str, *, watch: bool) -> None:
    """Errors: typer.BadParameter when it is no limit, or limits nothing."""
    if parse_duration(timeout) and not watch:
        raise typer.BadParameter("it limits --watch, which is missing", param_hint="--timeout")


def _check_alone(**options: object) -> None:
    """Errors: typer.BadParameter when an option is given that a stored deployment has itself."""
    for name, value in options.items():
        if value:
            hint = f"--{name.replace('_', '-')}"
            raise typer.BadParameter("a redeploy uses what was stored: leave it out", param_hint=hint)


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
