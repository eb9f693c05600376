"""Every feature row of targets, pauses, the canary by pods, blue/green, and rollback is named by a test."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
ROWS = {
    *(f"PL-{number:02}" for number in range(1, 22)),
    *(f"ST-{number:02}" for number in range(1, 6)),
    *(f"ST-{number:02}" for number in range(15, 25)),
    *(f"CN-{number:02}" for number in range(1, 7)),
    *(f"BG-{number:02}" for number in range(1, 12)),
    *(f"RB-{number:02}" for number in range(1, 5)),
    "DF-41",
}


def test_every_row_is_named_by_a_test():
    named = set()
    for file in TESTS.rglob("test_*.py"):
        if file == Path(__file__):
            continue
        text = file.read_text("utf-8")
        named |= {
            f"{kind.upper()}-{number}" for kind, number in re.findall(r"def test_(pl|st|cn|bg|rb|df)_(\d\d)", text)
        }
        # In a docstring of a test, which says nothing else.
        named |= {
            row
            for line in re.findall(r'^ +"""([A-Z]{2}-[^"]*)"""$', text, re.MULTILINE)
            for row in re.split(r",\s*|:.*", line)
        }

    assert ROWS - named == set()
