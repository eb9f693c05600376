"""`kube`: kubectl on clusters behind agents."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Connection, Format, Output, Server

if TYPE_CHECKING:
    from borealis_cli.running import Attachment

AgentName = Annotated[
    str, typer.Option("--agent", "-a", help="Name of the agent: the account of deploy files.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(help="Use kubectl on the clusters behind agents.", no_args_is_help=True, rich_markup_mode=None)
    group.command("config")(config)
    group.command("proxy")(proxy)
    group.command("token")(token)
    app.add_typer(group, name="kube")


def config(
    agent: AgentName,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Merge into this kubeconfig, or make it.", show_default="print it"),
    ] = None,
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Make a kubeconfig for the cluster behind an agent. It holds no secret: kubectl asks for tokens when it runs."""
    from borealis_cli.context import connected
    from borealis_cli.kube.kubeconfig import merge_into, render
    from borealis_cli.kube.places import entry_of
    from borealis_cli.output import note, say, say_json
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            entry = await entry_of(borealis, agent)
        if out is None:
            say(render(entry.document()).rstrip().splitlines())
            return 0
        was_there = merge_into(out.expanduser(), entry)
        if output is not Format.TEXT:
            say_json({"file": str(out), "context": entry.name}, output)
        note(
            f"{'merged into' if was_there else 'wrote'} {out}; "
            f"try: kubectl --kubeconfig {out} --context {entry.name} get pods"
        )
        return 0

    run(command)


def proxy(
    agent: AgentName,
    *,
    port: Annotated[int, typer.Option("--port", "-p", help="Port to listen on; 0 takes a free one.", min=0)] = 0,
    address: Annotated[str, typer.Option("--address", help="Address to listen on.")] = "127.0.0.1",
    output: Output = Format.TEXT,
    server: Server = None,
    ca_file: CaFile = None,
) -> None:
    """Serve the API of a cluster on this machine until Ctrl-C, for any kubectl; exec and port-forward too.

    Only who can read the kubeconfig that it writes can use it.
    """
    from borealis_cli.context import connected
    from borealis_cli.kube.places import serve_proxy
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            return await serve_proxy(borealis, agent, address=address, port=port, output=output)

    run(command)


def token(*, server: Server = None, ca_file: CaFile = None) -> None:
    """Print a token for kubectl, as its credential plugins do."""
    from borealis_cli.context import connected
    from borealis_cli.kube.places import exec_credential
    from borealis_cli.output import say_json
    from borealis_cli.running import run

    async def command(_: "Attachment") -> int:
        async with connected(Connection(server=server, ca_file=ca_file)) as borealis:
            say_json(exec_credential(await borealis.kube.token()), Format.JSONL)
        return 0

    run(command)
