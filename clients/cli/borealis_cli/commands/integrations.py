"""`integration`: the metric providers that analyses ask."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from borealis_cli.running import Attachment
    from borealis_client import Borealis, Integration


class Provider(StrEnum):
    """Kinds of metric providers."""

    PROMETHEUS = "prometheus"
    DATADOG = "datadog"
    NEW_RELIC = "new-relic"


IntegrationId = Annotated[
    str, typer.Argument(metavar="NAME", help="The name, which deploy files give as `metricProviderName`.")
]
Kind = Annotated[Provider, typer.Option("--type", help="Which provider it is.", show_default=False)]
Url = Annotated[
    str, typer.Option("--url", help="Where it is; Datadog and New Relic have a usual place.", show_default=False)
]
Through = Annotated[
    str, typer.Option("--agent", "-a", help="Agent that asks it from inside its network.", show_default=False)
]
Username = Annotated[str, typer.Option("--username", help="Prometheus: the user.", show_default=False)]
Password = Annotated[str, typer.Option("--password", help="Prometheus: a secret, by its name.", show_default=False)]
Token = Annotated[str, typer.Option("--token", help="Prometheus: a secret, by its name.", show_default=False)]
ApiKey = Annotated[str, typer.Option("--api-key", help="Datadog: a secret, by its name.", show_default=False)]
ApplicationKey = Annotated[
    str, typer.Option("--application-key", help="Datadog: a secret, by its name.", show_default=False)
]
UserKey = Annotated[str, typer.Option("--user-key", help="New Relic: a secret, by its name.", show_default=False)]
AccountId = Annotated[int, typer.Option("--account-id", help="New Relic: number of the account.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(
        help="See and change the metric providers that analyses ask.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("create")(create)
    group.command("update")(update)
    group.command("list")(list_integrations)
    group.command("get")(get)
    group.command("delete")(delete)
    group.command("test")(try_out)
    app.add_typer(group, name="integration")


def create(  # noqa: PLR0913 - a command's options
    name: IntegrationId,
    *,
    kind: Kind,
    url: Url = "",
    agent: Through = "",
    username: Username = "",
    password: Password = "",
    token: Token = "",
    api_key: ApiKey = "",
    application_key: ApplicationKey = "",
    user_key: UserKey = "",
    account_id: AccountId = 0,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Add a metric provider. Credentials are names of secrets: set them first, with `borealis secret set`."""
    keys = _Keys(username, password, token, api_key, application_key, user_key, account_id)

    async def command(borealis: "Borealis") -> "Integration":
        return await borealis.integrations.create(name, _integration(kind, url, agent, keys))

    _show(command, output, Connection(server=server, ca_file=ca_file))


def update(  # noqa: PLR0913 - a command's options
    name: IntegrationId,
    *,
    kind: Kind,
    url: Url = "",
    agent: Through = "",
    username: Username = "",
    password: Password = "",
    token: Token = "",
    api_key: ApiKey = "",
    application_key: ApplicationKey = "",
    user_key: UserKey = "",
    account_id: AccountId = 0,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Replace a metric provider: what is not given is gone."""
    keys = _Keys(username, password, token, api_key, application_key, user_key, account_id)

    async def command(borealis: "Borealis") -> "Integration":
        wanted = _integration(kind, url, agent, keys)
        wanted.name = await _full_name(borealis, name)
        return await borealis.integrations.update(wanted)

    _show(command, output, Connection(server=server, ca_file=ca_file))


def list_integrations(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """List metric providers."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.analyses import integration_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            found = [one async for one in borealis.integrations.list()]
        if output is Format.TEXT:
            say(integration_table(found))
        elif output is Format.JSON:
            say_json({"integrations": [message_json(one) for one in found]}, output)
        else:
            for one in found:
                say_json(message_json(one), output)
        return 0

    run(command)


def get(name: IntegrationId, *, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """Show a metric provider."""

    async def command(borealis: "Borealis") -> "Integration":
        return await borealis.integrations.get(await _full_name(borealis, name))

    _show(command, output, Connection(server=server, ca_file=ca_file))


def delete(name: IntegrationId, *, server: Server = None, ca_file: CaFile = None) -> None:
    """Delete a metric provider; analyses that ask it fail from then on."""
    from borealis_cli.context import connected
    from borealis_cli.output import note
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            full_name = await _full_name(borealis, name)
            await borealis.integrations.delete(full_name)
        note(f"deleted {full_name}")
        return 0

    run(command)


def try_out(
    name: IntegrationId,
    *,
    query: Annotated[str, typer.Option("--query", "-q", help="A question without variables.", show_default=False)] = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Ask a metric provider once; the exit status says whether it answered."""
    from borealis_cli.context import connected
    from borealis_cli.exit_codes import ExitCode
    from borealis_cli.output import message_json, note, say, say_json
    from borealis_cli.render.text import one_line
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            answer = await borealis.integrations.test(await _full_name(borealis, name), query=query)
        if output is not Format.TEXT:
            say_json(message_json(answer), output)
        elif answer.error:
            note(one_line(f"no answer to {answer.query}: {answer.error}"))
        else:
            say([one_line(f"{answer.query} = {', '.join(answer.values) or 'no data'}")])
        return ExitCode.FAILED if answer.error else ExitCode.OK

    run(command)


class _Keys:
    """The options about credentials."""

    def __init__(  # one for each option
        self, username: str, password: str, token: str, api_key: str, application_key: str, user_key: str, account: int
    ) -> None:
        self.username = username
        self.password = _reference(password)
        self.token = _reference(token)
        self.api_key = _reference(api_key)
        self.application_key = _reference(application_key)
        self.user_key = _reference(user_key)
        self.account_id = account


def _reference(name: str) -> str:
    """A secret as the API names it; what is a reference already stays one."""
    return name if not name or "{{" in name else f"{{{{secrets.{name}}}}}"


def _integration(kind: Provider, url: str, agent: str, keys: _Keys) -> "Integration":
    from borealis_client import Datadog, Integration, NewRelic, Prometheus

    one = Integration(url=url, agent=agent)
    match kind:
        case Provider.PROMETHEUS:
            one.prometheus = Prometheus(username=keys.username, password=keys.password, token=keys.token)
        case Provider.DATADOG:
            one.datadog = Datadog(api_key=keys.api_key, application_key=keys.application_key)
        case Provider.NEW_RELIC:
            one.new_relic = NewRelic(user_key=keys.user_key, account_id=keys.account_id)
    return one


async def _full_name(borealis: "Borealis", name: str) -> str:
    if "/" in name:
        return name
    tenant = borealis.settings.tenant or (await borealis.identity.caller()).tenant
    return f"tenants/{tenant}/integrations/{name}"


def _show(command: "Callable[[Borealis], Awaitable[Integration]]", output: Format, connection: Connection) -> None:
    """Show the integration that `command` comes to."""
    from borealis_cli.context import connected
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.analyses import integration_table
    from borealis_cli.running import run

    async def shown(_: "Attachment") -> int:
        async with connected(connection) as borealis:
            found = await command(borealis)
        if output is Format.TEXT:
            say(integration_table([found]))
        else:
            say_json(message_json(found), output)
        return 0

    run(shown)
