"""The live tree on a terminal: redrawn after changes, at least once a second, at most five times."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from borealis_cli.render.glyphs import glyphs_for
from borealis_cli.render.tree import View, tree

if TYPE_CHECKING:
    from borealis_cli.render.text import Line
    from borealis_client import Deployment, DeploymentUpdate

_FRAME_S: Final = 0.2
_CLOCK_S: Final = 1.0
_STYLES: Final = {
    "": "",
    "ok": "green",
    "busy": "cyan",
    "wait": "yellow",
    "bad": "bold red",
    "quiet": "dim",
    "bold": "bold",
}


class LiveFollower:
    """A tree that stays where it is and changes; its last state remains on the screen."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="visible", redirect_stdout=False)
        self._glyphs = glyphs_for(sys.stdout.encoding)
        self._deployment: Deployment | None = None
        self._is_changed = False
        self._drawn_at = 0.0
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        self._live.start()
        await self._tasks.__aenter__()
        self._clock = self._tasks.create_task(self._tick(), name="redraw the tree")
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._clock.cancel()
        try:
            await self._tasks.__aexit__(None, None, None)
        finally:
            self._draw(rows=None)
            self._live.stop()

    def show(self, update: DeploymentUpdate) -> None:
        """Draws the update with the next frame."""
        self._deployment = update.deployment
        self._is_changed = True

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_FRAME_S)
            if self._is_changed or time.monotonic() - self._drawn_at >= _CLOCK_S:
                self._draw(rows=self._console.height - 1)

    def _draw(self, *, rows: int | None) -> None:
        if self._deployment is None:
            return
        view = View(glyphs=self._glyphs, columns=self._console.width, rows=rows)
        lines = tree(self._deployment, view=view, now=datetime.now(UTC))
        self._live.update(Text("\n").join(_styled(line) for line in lines), refresh=True)
        self._is_changed, self._drawn_at = False, time.monotonic()


def _styled(line: Line) -> Text:
    text = Text(no_wrap=True, overflow="crop")
    for span in line:
        text.append(span.text, _STYLES.get(span.style, ""))
    return text
