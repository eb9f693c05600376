"""`python -m borealis_server`: starts the control plane.

Exit status: 0 after a stop that was asked for, 1 when the server cannot start or a backup cannot be made, 2 when an
option or setting is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from pydantic import ValidationError

from borealis_server.domain.startup import StartRefusedError
from borealis_server.settings import PREFIX, ServerSettings, describe, faults_of, unknown_variables
from borealis_server.telemetry import set_up_logging

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REFUSED = 1
_USAGE = 2
_SHORTCUTS = ("data_dir", "grpc_address", "web_address", "host_names", "log_level", "log_format")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is told to stop; the exit status."""
    options = _parser().parse_args(arguments)
    given = {name: getattr(options, name) for name in _SHORTCUTS if getattr(options, name) is not None}
    try:
        faults = unknown_variables(os.environ)
        settings = ServerSettings(**given)
    except ValidationError as error:
        faults += faults_of(error)
    if faults:
        return _complain(faults, _USAGE)
    if options.backup or options.restore:
        return _keep(settings, options.backup, options.restore)
    if options.check_settings:
        sys.stdout.write(f"{describe(settings)}\n")
        return 0
    return _serve(settings, options.port_file)


def _serve(settings: ServerSettings, port_file: Path | None) -> int:
    set_up_logging(level=settings.log_level, form=settings.log_format)
    if settings.log_level != "debug":
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # a line for every port scan; its errors reach us anyway
    from borealis_server.main import serve  # noqa: PLC0415 - gRPC reads its environment when it is imported

    gc.freeze()  # code stays for good: looking through it again and again would stop the loop for 40 ms each time
    status = 0
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, port_file=port_file))
    except* StartRefusedError as refused:
        status = _complain([str(error) for error in _leaves(refused)], _REFUSED)
    return status


def _keep(settings: ServerSettings, backup: Path | None, source: Path | None) -> int:
    """Back the store up, or restore it."""
    from borealis_server.adapters.store.backup import back_up, restore  # noqa: PLC0415 - as above

    file = settings.data_dir / "borealis.db"
    try:
        if backup:
            text = f"wrote {backup} ({back_up(file, backup):,} bytes); back up {settings.data_dir / 'keys'} elsewhere"
        elif source:
            before = restore(source, file)
            text = f"restored {source}" + (f"; what was there is {before}" if before else "")
    except StartRefusedError as refused:
        return _complain([str(refused)], _REFUSED)
    sys.stdout.write(f"{text}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="borealis server",
        description="Start the control plane. Every option is also a setting; --check-settings shows all settings.",
    )
    parser.add_argument("--version", action="version", version=version("borealis-cd"))
    parser.add_argument("--check-settings", action="store_true", help="show every setting and its value, then exit")
    parser.add_argument(
        "--backup",
        type=Path,
        metavar="FILE",
        help="write the store to the new FILE, while a server runs or not; then exit",
    )
    parser.add_argument(
        "--restore",
        type=Path,
        metavar="FILE",
        help="put a backup in the place of the store, while no server runs; then exit",
    )
    parser.add_argument(
        "--port-file", type=Path, metavar="FILE", help="once ready, write the ports as JSON to FILE (for tests)"
    )
    for name in _SHORTCUTS:
        text = " ".join((ServerSettings.model_fields[name].description or "").split())
        parser.add_argument(
            f"--{name.replace('_', '-')}", metavar="VALUE", help=f"{text} ({PREFIX}{name.upper()})".replace("%", "%%")
        )
    return parser


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _complain(lines: Sequence[str], status: int) -> int:
    for line in lines:
        sys.stderr.write(f"borealis server: {line}\n")
    return status


if __name__ == "__main__":
    sys.exit(run())
