"""`server` and `sandbox`: the other programs, with their own arguments."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from typing import Final

import typer

PASS_THROUGH: Final = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""Everything after the command belongs to the program, `--help` included."""


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    app.command("server", context_settings=PASS_THROUGH)(server)
    app.command("sandbox", context_settings=PASS_THROUGH)(sandbox)


def server(context: typer.Context) -> None:
    """Run the control plane; arguments are its own."""
    from borealis_cli.programs import become

    become("server", context.args)


def sandbox(context: typer.Context) -> None:
    """Run a simulated cluster to try things out; arguments are its own."""
    from borealis_cli.programs import become

    become("sandbox", context.args)
