"""Reads a deploy file and the manifests that it names, and checks them, so that a faulty one is never sent.

The rules are the server's own (`borealis_deployfile`); this module owns the disk: where paths lead, what may be
read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from borealis_client._generated.borealis.deployment.v1 import ManifestFile
from borealis_client.errors import DeployFileInvalidError, SettingsError, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.manifests import FileContent, ManifestObject
    from borealis_deployfile.model import DeployFile, Origin

FILE_LIMIT_BYTES: Final = 10 * 2**20
TOTAL_LIMIT_BYTES: Final = 15 * 2**20
"""A little below what the server takes in one call."""
_SUFFIXES: Final = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredFiles:
    """A deploy file as read, everything it names, and the verdict on both."""

    content: bytes
    """The deploy file."""
    file_name: str
    """Its name for messages: the path as it was given."""
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
    path: Path,
    *,
    application: str | None = None,
    account: str | None = None,
    context: Mapping[str, str] | None = None,
    targets: Sequence[str] = (),
    working_directory: Path | None = None,
    workspace: Path | None = None,
) -> GatheredFiles:
    """The deploy file at `path` with its manifests, read and checked.

    Manifest paths are relative to the deploy file's folder; where that has none, to the working directory, then to
    `workspace` (the checkout of a CI job), with a warning. With a workspace, an absolute path that does not exist
    starts there.

    Errors: SettingsError when the deploy file cannot be read, or has no target of a name in `targets`. Everything else
    that is wrong is a fault in the answer.
    """
    from borealis_deployfile.manifests import check_manifests, collect_paths  # noqa: PLC0415  # needs PyYAML
    from borealis_deployfile.parse import check  # noqa: PLC0415  # as above: callers who send bytes do without
    from borealis_deployfile.unsupported import unsupported  # noqa: PLC0415  # as above

    content, name = _read_deploy_file(path), str(path)
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
    reader = _ManifestReader(
        file, folder=path.parent, working_directory=working_directory or Path.cwd(), workspace=workspace
    )
    found = {written: reader.read(written) for written in collect_paths(file)}
    checked = check_manifests(file, {path: files for path, files in found.items() if files})
    # What could not be read was told by the reader, who knows why.
    faults = (*reader.faults, *(one for one in checked.faults if not _is_told(one, reader.faults)))
    return GatheredFiles(
        content=content,
        file_name=name,
        file=None if faults else file,
        manifest_files=tuple(
            ManifestFile(path=written, name=one.name, content=one.content)
            for written, files in found.items()
            for one in files
        ),
        faults=faults,
        warnings=(*verdict.warnings, *reader.warnings, *checked.warnings),
        unsupported=(*unsupported(file), *checked.unsupported),
        objects={} if faults else checked.objects_by_target,
    )


def _chosen(file: DeployFile, targets: Sequence[str]) -> DeployFile:
    from borealis_deployfile.selection import UnknownTargetError, select_targets  # noqa: PLC0415  # as in `gather`

    try:
        return select_targets(file, targets)
    except UnknownTargetError as error:
        raise SettingsError(f"{error}.") from error


class _ManifestReader:
    """Reads what the `path` entries of one deploy file name; collects faults instead of stopping."""

    def __init__(self, file: DeployFile, *, folder: Path, working_directory: Path, workspace: Path | None) -> None:
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self._folder = folder
        self._working_directory = working_directory
        self._workspace = workspace
        self._left_bytes = TOTAL_LIMIT_BYTES
        self._origins = {source.path: source.origin for source in reversed(file.manifests) if source.path}

    def read(self, written: str) -> tuple[FileContent, ...]:
        """The files that `written` names: one, or every manifest in a folder in lexical order of their paths."""
        place = self._locate(written)
        if place is None:
            self._fault(written, f"there is no file or folder {written}", f"It is looked for in {self._folder}/.")
            return ()
        names = [place] if not place.is_dir() else sorted(_manifests_below(place))
        if not names:
            self._fault(written, f"the folder {written} holds no *.yaml or *.yml", "Add manifests or remove the path.")
        return tuple(content for name in names if (content := self._read_file(written, name)))

    def _locate(self, written: str) -> Path | None:
        beside = self._folder / written
        if beside.exists():
            return beside
        elsewhere = next((one for one in self._elsewhere(written) if one.exists()), None)
        if elsewhere is not None:
            self._warn(
                written,
                f"{written} is read from {elsewhere}, since it is not beside the deploy file",
                "Write the path relative to the deploy file, so that it works from everywhere.",
            )
        return elsewhere

    def _elsewhere(self, written: str) -> Iterator[Path]:
        yield self._working_directory / written
        if self._workspace is not None:
            yield self._workspace / written.lstrip("/")  # an absolute path counts from the root of the checkout

    def _read_file(self, written: str, name: Path) -> FileContent | None:
        from borealis_deployfile.manifests import FileContent  # noqa: PLC0415  # as in `gather`

        if not name.is_file():
            self._fault(written, f"{name} is neither a file nor a folder", "")
            return None
        limit = min(FILE_LIMIT_BYTES, self._left_bytes)
        try:
            with name.open("rb") as opened:
                content = opened.read(limit + 1)
        except OSError as error:
            self._fault(written, f"{name} cannot be read: {error.strerror}", "")
            return None
        if len(content) > limit:
            self._fault(
                written,
                f"{name} is too large",
                f"At most {FILE_LIMIT_BYTES >> 20} MiB a file and {TOTAL_LIMIT_BYTES >> 20} MiB in all can be sent.",
            )
            return None
        self._left_bytes -= len(content)
        return FileContent(name=str(name), content=content)

    def _fault(self, written: str, message: str, advice: str) -> None:
        from borealis_deployfile.faults import Code  # noqa: PLC0415  # as in `gather`

        self.faults.append(_at(self._origins.get(written), Code.MANIFEST_NOT_FOUND, message, advice))

    def _warn(self, written: str, message: str, advice: str) -> None:
        from borealis_deployfile.faults import Code, Severity  # noqa: PLC0415  # as in `gather`

        fault = _at(self._origins.get(written), Code.MANIFEST_NOT_FOUND, message, advice)
        self.warnings.append(replace(fault, severity=Severity.WARNING))


def _read_deploy_file(path: Path) -> bytes:
    """The deploy file's bytes; one more than the limit is enough for the rules to refuse it."""
    try:
        with path.open("rb") as opened:
            return opened.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"cannot read the deploy file {path}: {error.strerror}.") from error


def _manifests_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file())


def _at(origin: Origin | None, code: object, message: str, advice: str) -> Fault:
    from borealis_deployfile.faults import Code, Fault  # noqa: PLC0415  # as in `gather`

    fault = Fault(code=Code(str(code)), message=message, help=advice)
    if origin is None:
        return fault
    return replace(fault, file=origin.file, line=origin.line, column=origin.column, end_column=origin.end_column)


def _is_told(fault: Fault, told: list[Fault]) -> bool:
    return any((fault.code, fault.file, fault.line) == (one.code, one.file, one.line) for one in told)


def _violation(fault: Fault) -> Violation:
    text = f"{fault.message}\nhelp: {fault.help}" if fault.help else fault.message
    return Violation(field=f"{fault.file}:{fault.line}:{fault.column}", description=text, reason=fault.code)
