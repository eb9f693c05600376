"""Reads a deploy file and what it names: from the disk, or from http addresses.

Owns where paths lead and what may be read; judges nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from borealis_client.errors import SettingsError
from borealis_deployfile.addresses import is_address, shown
from borealis_deployfile.faults import Code, Severity, fault_at
from borealis_deployfile.manifests import FileContent
from borealis_deployfile.model import Origin
from borealis_fetch.addresses import resolve_against
from borealis_fetch.errors import FetchError, NotPublicError
from borealis_fetch.fetch import Limits, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.model import DeployFile

FILE_LIMIT_BYTES: Final = 10 * 2**20
TOTAL_LIMIT_BYTES: Final = 15 * 2**20
"""A little below what the server takes in one call."""
_SUFFIXES: Final = frozenset({".yaml", ".yml"})


def read_deploy_file(source: Path | str, *, allows_private: bool) -> tuple[bytes, str]:
    """The deploy file's bytes, and its name for messages. Errors: SettingsError when it cannot be read."""
    if isinstance(source, str) and is_address(source):
        try:
            return fetch(source, Limits(allows_private=allows_private)), shown(source)
        except FetchError as error:
            advice = f" {_advice(error)}" if _advice(error) else ""
            raise SettingsError(f"cannot fetch the deploy file {shown(source)}: {error}.{advice}") from error
    path = Path(source)
    try:
        with path.open("rb") as opened:
            return opened.read(FILE_LIMIT_BYTES + 1), str(path)  # one more is enough for the rules to refuse it
    except OSError as error:
        raise SettingsError(f"cannot read the deploy file {path}: {error.strerror}.") from error


class Sources:
    """Reads what the `path` entries of one deploy file name; collects faults instead of stopping."""

    def __init__(
        self,
        file: DeployFile,
        *,
        beside: Path | str,
        working_directory: Path,
        workspace: Path | None,
        allows_private: bool,
    ) -> None:
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self._base = beside if isinstance(beside, str) and is_address(beside) else ""
        self._folder = Path() if self._base else Path(beside).parent
        self._working_directory = working_directory
        self._workspace = workspace
        self._allows_private = allows_private
        self._left_bytes = TOTAL_LIMIT_BYTES
        self._places = _places(file)

    def read(self, written: str) -> tuple[FileContent, ...]:
        """What `written` names: one file, or every manifest in a folder in lexical order of their paths."""
        if self._base or is_address(written):
            content = self._fetch(written)
            return (content,) if content else ()
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

    def _fetch(self, written: str) -> FileContent | None:
        address = resolve_against(self._base, written) if self._base else written
        limits = Limits(size_bytes=min(FILE_LIMIT_BYTES, self._left_bytes), allows_private=self._allows_private)
        try:
            content = fetch(address, limits)
        except FetchError as error:
            advice = (
                "" if is_address(written) else "Paths are relative to the deploy file's address; name single files."
            )
            self._fault(written, f"{shown(address)} cannot be fetched: {error}", _advice(error) or advice)
            return None
        self._left_bytes -= len(content)
        return FileContent(name=shown(address), content=content)

    def _fault(self, written: str, message: str, advice: str) -> None:
        origin, code = self._places[written]
        self.faults.append(fault_at(origin, code, message, advice))

    def _warn(self, written: str, message: str, advice: str) -> None:
        origin, code = self._places[written]
        self.warnings.append(fault_at(origin, code, message, advice, Severity.WARNING))


def _manifests_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file())


def _places(file: DeployFile) -> dict[str, tuple[Origin, Code]]:
    """Where each path and address is written first, and the code of its faults."""
    nowhere = Origin(file="", line=1, column=1, end_column=2)
    manifests = ((one.path or one.url, one.origin, Code.MANIFEST_NOT_FOUND) for one in file.manifests)
    bodies = ((one.body_path, one.body_origin, Code.BODY_NOT_FOUND) for one in file.webhooks.values())
    found: dict[str, tuple[Origin, Code]] = {}
    for written, origin, code in (*manifests, *bodies):
        if written is not None:
            found.setdefault(written, (origin or nowhere, code))
    return found


def _advice(error: FetchError) -> str:
    if isinstance(error, NotPublicError):
        return "If it is meant, allow it: --allow-private-addresses, or `allows_private` in Python."
    return ""
