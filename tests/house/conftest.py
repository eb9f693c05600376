"""What the house tests look at: every file of the project that a person wrote."""

from __future__ import annotations

import ast
import gc
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_GENERATED = ("protos/gen/", "clients/python/borealis_client/_generated/")
_PACKAGE_FOLDERS = ("agent/", "clients/", "protos/", "server/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One Python file."""

    path: str
    """From the root of the repository."""
    text: str = field(repr=False)
    tree: ast.Module = field(repr=False)

    @property
    def is_in_package(self) -> bool:
        """Whether it is shipped, rather than a test or a script."""
        return self.path.startswith(_PACKAGE_FOLDERS) and "/examples/" not in self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The files of the project, generated ones left out."""

    root: Path
    paths: tuple[str, ...] = field(repr=False)
    """Every file, from the root, sorted."""

    def texts(self) -> Iterator[tuple[str, str]]:
        """Path and text of every file that is text in UTF-8."""
        for path in self.paths:
            try:
                yield path, (self.root / path).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue

    def matching(self, suffix: str) -> tuple[str, ...]:
        """Paths that end with `suffix`."""
        return tuple(path for path in self.paths if path.endswith(suffix))


@pytest.fixture(scope="session")
def repository() -> Repository:
    return Repository(
        root=ROOT,
        paths=tuple(path for path in sorted(_listed()) if not path.startswith(_GENERATED) and (ROOT / path).is_file()),
    )


@pytest.fixture(scope="session")
def modules(repository: Repository) -> tuple[Module, ...]:
    # Until Python 3.11.5, a parse during a parse breaks the outer one; a collected object that fails to end gets a
    # traceback, and printing one parses.
    gc.disable()
    try:
        return tuple(
            Module(path=path, text=text, tree=ast.parse(text, path))
            for path, text in repository.texts()
            if path.endswith(".py")
        )
    finally:
        gc.enable()


def _listed() -> list[str]:
    """What git tracks or would track; without git, everything outside hidden folders."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode == 0:
        return [path for path in set(listing.stdout.split("\0")) if path]
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return [str(path) for path in found if not any(part.startswith((".", "__pycache__")) for part in path.parts)]
