"""`login`, `logout` and `context`: who you are at which server."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import TYPE_CHECKING, Annotated

import typer

from borealis_cli.options import CaFile, Format, Output

if TYPE_CHECKING:
    from borealis_cli.running import Attachment

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a context.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    app.command("login")(login)
    app.command("logout")(logout)
    group = typer.Typer(help="See and choose the servers that you are logged in to.", rich_markup_mode=None)
    group.callback()(lambda: None)
    group.command("list")(list_contexts)
    group.command("use")(use_context)
    app.add_typer(group, name="context")


def login(  # a command's options
    *,
    server: Annotated[
        str, typer.Argument(metavar="SERVER", help="The server's host:port. [BOREALIS_SERVER]", show_default=False)
    ] = "",
    web: Annotated[
        str, typer.Option("--web", help="Its web door, when that is not https://HOST:8443.", show_default=False)
    ] = "",
    tenant: Annotated[
        str,
        typer.Option("--tenant", "-e", "--envName", help="Tenant to act in, by name or id.", show_default=False),
    ] = "",
    name: Annotated[str, typer.Option("--context", help="What to call this login.", show_default=False)] = "",
    device: Annotated[bool, typer.Option("--device", help="Log in with a browser on another machine.")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Show the address and open nothing.")] = False,
    output: Output = Format.TEXT,
    ca_file: CaFile = None,
) -> None:
    """Log in as a person, with a browser here or on another machine.

    Someone who is logged in already and names a tenant only changes to it.
    """
    from borealis_cli.running import run
    from borealis_cli.signing_in import SignIn, sign_in

    wish = SignIn(
        server=server, web=web, tenant=tenant, context=name, is_device=device, opens_browser=not no_browser,
        ca_file=ca_file,
    )  # fmt: skip

    async def command(_: "Attachment") -> int:
        return await sign_in(wish, output)

    run(command)


def logout(
    *,
    name: Annotated[str, typer.Argument(metavar="[CONTEXT]", help="Which login; else the current one.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """End a login, here and at its server."""
    from borealis_cli.output import note, say
    from borealis_client.login.contexts import read_contexts
    from borealis_client.login.keeping import end_login
    from borealis_client.settings import own_config_folder

    folder = own_config_folder()
    contexts = read_contexts(folder)
    context = contexts.get(name or contexts.current)
    if context is None:
        say([f"not logged in{f' as {name}' if name else ''}; nothing to do"])
        return
    if not yes and not typer.confirm(f"Log {context.user or context.name} out of {context.server}?", err=True):
        note("still logged in")
        return
    trouble = end_login(folder, context)
    if trouble:
        note(f"warning: forgotten here, but the server was not told: {trouble}")
    say([f"logged out of {context.server}"])


def list_contexts(*, output: Output = Format.TEXT) -> None:
    """List the servers that you are logged in to; a star marks the current one."""
    from dataclasses import asdict

    from borealis_cli.output import say, say_json
    from borealis_cli.render.text import one_line
    from borealis_client.login.contexts import read_contexts
    from borealis_client.settings import own_config_folder

    contexts = read_contexts(own_config_folder())
    documents = [{**asdict(one), "isCurrent": one.name == contexts.current} for one in contexts.contexts]
    if output is Format.JSON:
        say_json({"contexts": documents}, output)
    elif output is Format.JSONL:
        for document in documents:
            say_json(document, output)
    else:
        marks = ["*" if one.name == contexts.current else " " for one in contexts.contexts]
        lines = [
            one_line(f"{mark} {one.name}  {one.server}  tenant {one.tenant}  {one.user}")
            for mark, one in zip(marks, contexts.contexts, strict=True)
        ]
        say(lines or ["no logins: borealis login SERVER"])


def use_context(name: _Name) -> None:
    """Choose the login that commands use; `local` is the server on this machine."""
    from borealis_cli.exit_codes import ExitCode
    from borealis_cli.failures import CommandFailedError
    from borealis_cli.output import say
    from borealis_client.login.contexts import read_contexts
    from borealis_client.login.keeping import use_context as use
    from borealis_client.settings import own_config_folder

    folder = own_config_folder()
    contexts = read_contexts(folder)
    is_local = name == "local" and contexts.get("local") is None
    if contexts.get(name) is None and not is_local:
        known = ", ".join(["local", *(one.name for one in contexts.contexts)])
        raise CommandFailedError(f"there is no context {name!r}", code=ExitCode.NOT_FOUND, advice=f"there is: {known}")
    use(folder, "" if is_local else name)
    say([f"commands go to {name} from now on"])
