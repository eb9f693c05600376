"""A part of a deploy file: only some of its targets, as `-t` asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from borealis_deployfile.hints import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from borealis_deployfile.model import DeployFile


class UnknownTargetError(ValueError):
    """A target was chosen that the file does not have."""

    reason = "UNKNOWN_TARGET"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f'there is no target "{name}": {did_you_mean(name, known)}')
        self.name = name


def select_targets(file: DeployFile, names: Collection[str]) -> DeployFile:
    """The file with the chosen targets only, in its own order; no names choose all.

    A target waits for the nearest chosen ones on its way: from a, b after a, and c after b, choosing a and c makes c
    wait for a. Errors: UnknownTargetError.
    """
    if not names:
        return file
    known = [target.name for target in file.targets]
    for name in names:
        if name not in known:
            raise UnknownTargetError(name, known)
    chosen = frozenset(names)
    nearest = _nearest_chosen({target.name: target.depends_on for target in file.targets}, chosen)
    targets = tuple(
        replace(target, depends_on=nearest[target.name]) for target in file.targets if target.name in chosen
    )
    return replace(file, targets=targets)


def _nearest_chosen(depends_on: Mapping[str, tuple[str, ...]], chosen: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """For each target the chosen ones that it waits for when the others are left out; the graph has no loops."""
    found: dict[str, tuple[str, ...]] = {}
    stack = list(depends_on)
    while stack:
        name = stack[-1]
        waiting = [other for other in depends_on[name] if other not in found]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if name not in found:
            nearest = [(other,) if other in chosen else found[other] for other in depends_on[name]]
            found[name] = tuple(dict.fromkeys(one for names in nearest for one in names))
    return found
