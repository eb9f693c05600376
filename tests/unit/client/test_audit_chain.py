"""An export that somebody has changed is found out by the file alone."""

from __future__ import annotations

import json

import pytest

from borealis_client import check_export
from borealis_server.domain.audit_chain import GENESIS, AuditRow, line, link


def an_export(count=5, first=1):
    lines, previous = [], GENESIS if first == 1 else "a" * 64
    for number in range(first, first + count):
        row = AuditRow("main", f"id{number}", "call", number, "west", "ana", '{"path":"/ü"}')
        one = link(number, row, previous)
        lines.append(line(one))
        previous = one.hash
    return lines


def rehashed(text, **changed):
    """The line with other facts and a hash that fits them, as a forger would write it."""
    document = json.loads(text)
    row = {**document["entry"], **changed}
    record = json.dumps(row["record"], ensure_ascii=False, separators=(",", ":"))
    facts = (row["tenant"], row["id"], row["part"], row["time_us"], row["agent"], row["actor"], record)
    return line(link(row["number"], AuditRow(*facts), document["previous"]))


LINES = an_export()


@pytest.mark.parametrize(
    ("lines", "broken_line", "fault"),
    [
        pytest.param([*LINES[:2], LINES[2].replace("ana", "eve"), *LINES[3:]], 3, "does not say", id="changed"),
        pytest.param([*LINES[:2], rehashed(LINES[2], actor="eve"), *LINES[3:]], 4, "does not continue", id="rehashed"),
        pytest.param([*LINES[:2], *LINES[3:]], 3, "entry 3 is missing", id="taken-out"),
        pytest.param([LINES[0], LINES[2], LINES[1], *LINES[3:]], 2, "entry 2 is missing", id="exchanged"),
        pytest.param([*LINES[:2], LINES[1], *LINES[2:]], 3, "entry 3 is missing", id="doubled"),
        pytest.param([*LINES[:2], "{}", *LINES[3:]], 3, "no line of an export", id="no-entry"),
        pytest.param([*LINES[:2], "nonsense"], 3, "no line of an export", id="no-json"),
        pytest.param([an_export(first=2)[0].replace('"number":2', '"number":1')], 1, "does not say", id="renumbered"),
    ],
)
def test_the_first_wrong_line_is_named(lines, broken_line, fault):
    found = check_export(lines)

    assert found.broken_line == broken_line
    assert fault in found.fault
    assert found.entries == broken_line - 1


def test_a_whole_export_tells_its_head():
    found = check_export([f"{text}\n" for text in LINES])

    assert (found.entries, found.first_number, found.head_number) == (5, 1, 5)
    assert found.head_hash == json.loads(LINES[-1])["hash"]


def test_the_first_entry_of_all_continues_nothing():
    document = json.loads(LINES[0])
    forged = rehashed(json.dumps({**document, "previous": "b" * 64}))

    assert "names an entry before it" in check_export([forged]).fault


def test_an_export_may_begin_anywhere():
    assert check_export(an_export(first=7)).head_number == 11
    assert check_export([]).entries == 0


def test_an_end_that_was_cut_off_is_noticed_by_an_entry_that_was_kept():
    head = json.loads(LINES[-1])["hash"]

    assert check_export(LINES, kept_number=5, kept_hash=head.upper()).broken_line == 0
    assert (
        "entry 5, which was kept elsewhere, is missing" in check_export(LINES[:3], kept_number=5, kept_hash=head).fault
    )
    assert check_export(LINES, kept_number=4, kept_hash=head).broken_line == 4
