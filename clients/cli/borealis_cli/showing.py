"""Prints one deployment as it is now: the tree, or its JSON."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from borealis_cli.options import Format
from borealis_cli.output import message_json, say, say_json
from borealis_cli.render.glyphs import glyphs_for
from borealis_cli.render.text import plain
from borealis_cli.render.tree import View, tree

if TYPE_CHECKING:
    from borealis_client import Deployment

_ENDLESS = 10_000


def show(deployment: Deployment, output: Format) -> None:
    """Writes the deployment to stdout."""
    if output is not Format.TEXT:
        say_json(message_json(deployment), output)
        return
    view = View(glyphs=glyphs_for(sys.stdout.encoding), columns=_ENDLESS)
    say(plain(line) for line in tree(deployment, view=view, now=datetime.now(UTC)))
