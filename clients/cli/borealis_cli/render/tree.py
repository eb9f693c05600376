"""A deployment as a tree that fits the terminal: what is over folds first, what has not begun next, trouble never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from borealis_cli.render.glyphs import UNICODE, sign
from borealis_cli.render.target import TROUBLE, details, headline
from borealis_cli.render.text import Span, elapsed, fit, one_line, short_id, word
from borealis_client import TargetRunState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from borealis_cli.render.glyphs import Glyphs
    from borealis_cli.render.text import Line
    from borealis_client import Deployment

_FOLDING_ORDER: Final = (TargetRunState.SUCCEEDED, TargetRunState.NOT_STARTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The terminal to fit into."""

    glyphs: Glyphs = UNICODE
    columns: int = 100
    rows: int | None = None
    """Lines that there are; None when there is no end."""


@dataclass(slots=True)
class _Branch:
    state: TargetRunState | None
    head: Line
    below: list[Line]

    def size(self) -> int:
        return 1 + len(self.below)


def tree(deployment: Deployment, *, view: View, now: datetime) -> list[Line]:
    """The lines of the deployment: one for itself, then its targets, each with what is worth saying about it."""
    branches = [
        _Branch(
            target.state,
            headline(target, glyphs=view.glyphs, now=now),
            details(deployment, target, glyphs=view.glyphs, now=now),
        )
        for target in deployment.targets
    ]
    top = _top(deployment, view.glyphs, now)
    if view.rows is not None:
        branches = _folded(branches, max(1, view.rows - len(top)), view.glyphs)
    lines = [*top, *_drawn(branches, view.glyphs)]
    return [fit(line, view.columns, ellipsis=view.glyphs.ellipsis) for line in lines]


def _top(deployment: Deployment, glyphs: Glyphs, now: datetime) -> list[Line]:
    mark, style = sign(deployment.state, glyphs)
    head = (
        Span(f"{mark} ", style),
        Span(one_line(deployment.application), "bold"),
        Span(f"  {short_id(deployment.name)}"),
        Span(f"  {word(deployment.state)}", style),
        Span(f"  {elapsed(deployment.start_time, deployment.end_time, now)}", "quiet"),
        Span(f"  by {one_line(deployment.started_by)}" if deployment.started_by else "", "quiet"),
    )
    is_said_below = any(target.message and target.message in deployment.message for target in deployment.targets)
    message = "" if is_said_below else one_line(deployment.message)
    return [head, (Span(f"  {message}"),)] if message else [head]


def _folded(branches: Sequence[_Branch], rows: int, glyphs: Glyphs) -> list[_Branch]:
    """The branches in at most `rows` lines, as far as trouble permits."""
    kept = list(branches)
    for branch in kept:
        if branch.state not in TROUBLE:
            # The last lines, pods and waits, say more than steps done.
            branch.below = branch.below[max(0, _size(kept) - rows) :]
    for state in _FOLDING_ORDER:
        surplus = _size(kept) - rows
        foldable = [branch for branch in kept if branch.state is state]
        if surplus <= 0 or not foldable:
            continue
        gone = foldable[: surplus + 1]
        note = (Span(f"{glyphs.ellipsis} {len(gone)} more {word(state)}", "quiet"),)
        kept = [branch for branch in kept if not any(branch is one for one in gone)] + [_Branch(None, note, [])]
    return kept


def _size(branches: Sequence[_Branch]) -> int:
    return sum(branch.size() for branch in branches)


def _drawn(branches: Sequence[_Branch], glyphs: Glyphs) -> list[Line]:
    lines: list[Line] = []
    for number, branch in enumerate(branches, start=1):
        is_last = number == len(branches)
        lines.append((Span(glyphs.last if is_last else glyphs.branch, "quiet"), *branch.head))
        trunk = Span(" " * len(glyphs.trunk) if is_last else glyphs.trunk, "quiet")
        for place, below in enumerate(branch.below, start=1):
            twig = Span(glyphs.last if place == len(branch.below) else glyphs.branch, "quiet")
            lines.append((trunk, twig, *below))
    return lines
