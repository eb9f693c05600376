"""A deploy file with everything that it names, checked, so that a faulty one is never sent.

The rules are the server's own (`borealis_deployfile`); `sources` reads.
"""

# ruff: noqa: PLC0415 - the rules need PyYAML and more; callers who send bytes do without

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from borealis_client._generated.borealis.deployment.v1 import ManifestFile
from borealis_client.errors import DeployFileInvalidError, SettingsError, Violation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.manifests import ManifestObject
    from borealis_deployfile.model import DeployFile


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredFiles:
    """A deploy file as read, everything it names, and the verdict on both."""

    content: bytes
    """The deploy file."""
    file_name: str
    """Its name for messages: the path as it was given, or the address without its query."""
    file: DeployFile | None
    """What it means; None exactly when it has faults."""
    manifest_files: tuple[ManifestFile, ...]
    faults: tuple[Fault, ...]
    """Everything wrong, all at once."""
    warnings: tuple[Fault, ...]
    unsupported: tuple[Fault, ...] = ()
    """What the file asks for that the engine cannot do yet; the file is right, but a start of it is refused."""
    objects: Mapping[str, tuple[ManifestObject, ...]] = field(default_factory=dict)
    """The objects of each target; empty when there are faults."""

    def texts(self) -> Mapping[str, str]:
        """Text of every file that was read, by its name in messages."""
        files = {one.name: one.content for one in self.manifest_files} | {self.file_name: self.content}
        return {name: content.decode("utf-8", "replace") for name, content in files.items()}

    def raise_for_faults(self) -> None:
        """Errors: DeployFileInvalidError with all faults, if there are any."""
        if not self.faults:
            return
        raise DeployFileInvalidError(
            f"{self.file_name} has {len(self.faults)} fault{'s' if len(self.faults) > 1 else ''}. Nothing was sent.",
            violations=tuple(_violation(fault) for fault in self.faults),
        )


def gather(
    source: Path | str,
    *,
    application: str | None = None,
    account: str | None = None,
    context: Mapping[str, str] | None = None,
    targets: Sequence[str] = (),
    working_directory: Path | None = None,
    workspace: Path | None = None,
    allows_private: bool = False,
) -> GatheredFiles:
    """The deploy file at a path or an http address, with what it names, read and checked. Blocks.

    Paths are relative to the deploy file; where its folder has none, to the working directory, then to `workspace` (the
    checkout of a CI job), with a warning. With a workspace, an absolute path that does not exist starts there.
    Addresses are fetched, from machines of private networks only with `allows_private`.

    Errors: SettingsError when the deploy file cannot be read, or has no target of a name in `targets`. Everything else
    that is wrong is a fault in the answer.
    """
    from borealis_client.sources import Sources, read_deploy_file
    from borealis_deployfile.bodies import check_bodies
    from borealis_deployfile.manifests import check_manifests, collect_addresses, collect_paths
    from borealis_deployfile.parse import check
    from borealis_deployfile.unsupported import unsupported

    content, name = read_deploy_file(source, allows_private=allows_private)
    verdict = check(content, file_name=name, application=application, account=account, context=context)
    if verdict.file is None:
        return GatheredFiles(
            content=content,
            file_name=name,
            file=None,
            manifest_files=(),
            faults=verdict.faults,
            warnings=verdict.warnings,
        )
    file = _chosen(verdict.file, targets)
    sources = Sources(
        file,
        beside=source,
        working_directory=working_directory or Path.cwd(),
        workspace=workspace,
        allows_private=allows_private,
    )
    found = {written: sources.read(written) for written in (*collect_paths(file), *collect_addresses(file))}
    contents = {written: files for written, files in found.items() if files}
    checked, bodies = check_manifests(file, contents), check_bodies(file, contents)
    # What could not be read was told by whoever tried, and knows why.
    others = (one for one in (*checked.faults, *bodies.faults) if not _is_told(one, sources.faults))
    faults = (*sources.faults, *others)
    return GatheredFiles(
        content=content,
        file_name=name,
        file=None if faults else bodies.file,
        manifest_files=tuple(
            ManifestFile(path=written, name=one.name, content=one.content)
            for written, files in found.items()
            for one in files
        ),
        faults=faults,
        warnings=(*verdict.warnings, *sources.warnings, *checked.warnings, *bodies.warnings),
        unsupported=unsupported(bodies.file),
        objects={} if faults else checked.objects_by_target,
    )


def _chosen(file: DeployFile, targets: Sequence[str]) -> DeployFile:
    from borealis_deployfile.selection import UnknownTargetError, select_targets

    try:
        return select_targets(file, targets)
    except UnknownTargetError as error:
        raise SettingsError(f"{error}.") from error


def _is_told(fault: Fault, told: list[Fault]) -> bool:
    return any((fault.code, fault.file, fault.line) == (one.code, one.file, one.line) for one in told)


def _violation(fault: Fault) -> Violation:
    text = f"{fault.message}\nhelp: {fault.help}" if fault.help else fault.message
    return Violation(field=f"{fault.file}:{fault.line}:{fault.column}", description=text, reason=fault.code)
