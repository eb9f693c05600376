"""Places in a deploy file, as people and tools read them: `targets.qa.constraints.dependsOn[0]`."""

from __future__ import annotations

import json
import re
from typing import Final

Path = tuple[str | int, ...]
"""Keys and list indices from the root."""

_SIMPLE: Final = re.compile(r"[A-Za-z0-9_-]+")


def format_path(path: Path) -> str:
    """The path as text; keys with other characters than letters, digits, `_` and `-` stand in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _SIMPLE.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text
