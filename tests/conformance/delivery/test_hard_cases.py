"""Every hard case of progressive delivery, by the number of its row in the table that the engine was designed with.

A test names the cases that it shows, in its name (`case_32`, `row_32`) or in a docstring (`Hard case 32`).
"""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
CASES = set(range(1, 51))
CANNOT_EXIST: dict[int, str] = {
    2: "pods of the new version go as soon as the old one is whole: there is no delay that could be in the way",
    3: "autoscalers are away while pods of two versions run",
    5: "as 2",
    6: "as 2, and after a success nothing is kept warm",
    7: "as 2",
    13: "one deployment of an application is in progress: another one is refused, or waits until this one has ended",
    15: "after its success a deployment is brought out once more, with its steps, and not rolled back",
    26: "nothing is pruned: what a run does not name stays as it is",
    39: "an analysis that is ended early is cancelled with its step, whose states know no other end",
    44: "the new version is never made anew at the end: its own pods stay and serve",
    45: "steps of one stage run together, and whatever fails first ends them all",
    50: "nothing is promoted by itself",
}
_NAMED = (r"def test\w*?_(?:case|row)_(\d+)", r"(?i)hard cases? (\d+(?:(?:, | and )\d+)*)")


def test_every_hard_case_that_can_exist_is_named_by_a_test():
    named = set()
    for file in TESTS.rglob("test_*.py"):
        if file != Path(__file__):
            text = file.read_text("utf-8")
            named |= {int(number) for each in _NAMED for found in re.findall(each, text) for number in _numbers(found)}

    assert CASES - named - CANNOT_EXIST.keys() == set()
    assert named & CANNOT_EXIST.keys() == set()


def _numbers(found: str) -> list[str]:
    return re.findall(r"\d+", found)
