"""`agent`: runs an agent, shows agents, and creates what a new one needs to connect."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from borealis_cli.commands.programs import PASS_THROUGH
from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment

_HELP = ("-h", "--help")


class AgentGroup(TyperGroup):
    """A group that runs the agent when no command is named: `borealis agent --once` is `borealis agent run --once`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: the parser's context has no public name
        """Puts `run` in front where no command stands."""
        if not args or (args[0].startswith("-") and args[0] not in _HELP):
            args = ["run", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(cls=AgentGroup, help="Run an agent, or see and create agents.", rich_markup_mode=None)
    group.command("run", context_settings=PASS_THROUGH)(run_agent)
    group.command("list")(list_agents)
    group.command("get")(get_agent)
    group.command("create")(create_agent)
    app.add_typer(group, name="agent")


def run_agent(context: typer.Context) -> None:
    """Run an agent in this process; arguments are its own."""
    from borealis_cli.programs import become

    become("agent", context.args)


def list_agents(*, output: Output = Format.TEXT, server: Server = None, ca_file: CaFile = None) -> None:
    """List agents and whether they are connected."""
    from datetime import UTC, datetime

    from borealis_cli.context import connected
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.tables import agent_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            agents = [agent async for agent in borealis.agents.list()]
        if output is Format.TEXT:
            say(agent_table(agents, now=datetime.now(UTC)))
        elif output is Format.JSON:
            say_json({"agents": [message_json(agent) for agent in agents]}, output)
        else:
            for agent in agents:
                say_json(message_json(agent), output)
        return 0

    run(command)


def get_agent(
    name: Annotated[str, typer.Argument(help="The agent's name: the account of deploy files.")],
    *,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Show one agent."""
    from datetime import UTC, datetime

    from borealis_cli.context import connected
    from borealis_cli.output import message_json, say, say_json
    from borealis_cli.render.tables import agent_table
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            tenant = borealis.settings.tenant or (await borealis.identity.caller()).tenant
            agent = await borealis.agents.get(name if "/" in name else f"tenants/{tenant}/agents/{name}")
        if output is Format.TEXT:
            say(agent_table([agent], now=datetime.now(UTC)))
        else:
            say_json(message_json(agent), output)
        return 0

    run(command)


def create_agent(  # a command's options
    name: Annotated[str, typer.Argument(help="Name of the new agent: the account of deploy files.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the credentials to this new file, mode 0600.", show_default="stdout"),
    ] = None,
    agent_server: Annotated[
        str,
        typer.Option("--agent-server", help="The server's host:port as the agent sees it.", show_default="as --server"),
    ] = "",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Create a credential for a new agent, and write what the agent needs to connect as JSON."""
    from borealis_cli.agent_credentials import create, written
    from borealis_cli.context import connected
    from borealis_cli.output import note, say_json
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            if out is None:
                say_json(await create(borealis, name, agent_server), Format.JSON if output is Format.TEXT else output)
                return 0
            with written(out) as fill:
                fill(await create(borealis, name, agent_server))
        if output is not Format.TEXT:
            say_json({"agent": name, "file": str(out)}, output)
        note(f"wrote {out}; start the agent with: BOREALIS_AGENT_CREDENTIALS_FILE={out} borealis agent run")
        return 0

    run(command)
