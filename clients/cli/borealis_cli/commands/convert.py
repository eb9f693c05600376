"""`convert`: objects of what is no longer developed, as objects of what comes after it."""

# ruff: noqa: PLC0415 - what is heavy is imported when a command runs, so that help and completion stay quick

from pathlib import Path
from typing import Annotated, Any

import typer

from borealis_cli.exit_codes import ExitCode
from borealis_cli.failures import CommandFailedError

HIGHEST_PORT = 65535


def register(app: typer.Typer) -> None:
    """Adds the commands to the table."""
    group = typer.Typer(help="Objects of what is no longer developed, as what comes after it.", no_args_is_help=True)
    group.command("trafficsplit")(traffic_split)
    app.add_typer(group, name="convert")


def traffic_split(
    file: Annotated[Path, typer.Option("--file", "-f", help="YAML or JSON with TrafficSplits; others are left out.")],
    *,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=1,
            max=HIGHEST_PORT,
            help="Port of the Services, unless their root Service is in the file and has only one.",
        ),
    ] = None,
    gateway: Annotated[
        str, typer.Option("--gateway", help="Gateway of the routes; without it they are for calls within the mesh.")
    ] = "",
) -> None:
    """SMI TrafficSplits as HTTPRoutes of the Gateway API: YAML on stdout, on stderr what cannot be carried over."""
    from borealis_cli.output import note, say
    from borealis_deployfile.language.reference import to_yaml
    from borealis_deployfile.traffic_splits import convert_split, is_traffic_split, port_of

    documents = _documents(file)
    splits = [document for document in documents if is_traffic_split(document)]
    if not splits:
        raise CommandFailedError(f"there is no TrafficSplit in {file}", code=ExitCode.INVALID_FILE)
    texts = []
    for split in splits:
        name = (split.get("metadata") or {}).get("name") or ""
        number = port or port_of(split, documents)
        if number is None:
            message = f"TrafficSplit {name} names no port"
            raise CommandFailedError(message, code=ExitCode.USAGE, advice="give the port of its Services with --port")
        try:
            converted = convert_split(split, port=number, gateway=gateway)
        except ValueError as error:
            raise CommandFailedError(f"TrafficSplit {name}: {error}", code=ExitCode.INVALID_FILE) from error
        texts.append(to_yaml(converted.document).rstrip())
        note(*(f"{name}: {remark}" for remark in converted.remarks))
    say(["\n---\n".join(texts)])


def _documents(file: Path) -> list[dict[str, Any]]:  # Any: JSON
    """The objects of a file. Errors: CommandFailedError."""
    from borealis_deployfile.manifest_documents import read_manifest

    try:
        content = file.read_bytes()
    except OSError as error:
        raise CommandFailedError(f"cannot read {file}: {error.strerror}", code=ExitCode.INVALID_FILE) from error
    found = read_manifest(content, str(file))
    if found.faults:
        fault = found.faults[0]
        raise CommandFailedError(f"{fault.file}:{fault.line}: {fault.message}", code=ExitCode.INVALID_FILE)
    return [document.value for document in found.documents if isinstance(document.value, dict)]
