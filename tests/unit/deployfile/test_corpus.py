"""Every file of the corpus gives exactly the faults, or the plan, written beside it."""

from __future__ import annotations

import json
import re

import pytest

from borealis_deployfile.faults import Code
from borealis_deployfile.language.document import DOCUMENT
from borealis_deployfile.language.shapes import Choice, Either, ListOf, MapOf, Shape
from borealis_deployfile.parse import check
from borealis_deployfile.report import render
from kit.corpus import BAD, GOOD, REFUSED, expectation_of, refusal_of, verdict_of
from kit.yaml_json import documents_of

# Sizes that nobody keeps in a repository; their own tests name these.
ELSEWHERE = {Code.TOO_LARGE, Code.TOO_MANY_FAULTS}
CATALOGUE = {
    *("UNKNOWN_FIELD", "UNKNOWN_ACCOUNT", "AGENT_DISCONNECTED", "UNKNOWN_STRATEGY", "UNKNOWN_TARGET", "UNKNOWN_QUERY"),
    *("UNKNOWN_WEBHOOK", "UNKNOWN_SECRET", "UNKNOWN_PROVIDER", "DEPENDENCY_CYCLE", "DUPLICATE_TARGET", "WEIGHT_RANGE"),
    *("TIMEOUT_TOO_SHORT", "TTL_RANGE", "PAUSE_INVALID", "LIMITS_MISSING", "UNSUPPORTED_MANIFEST", "UNSUPPORTED_KIND"),
    *("STRATEGY_REQUIRED", "ACTIVE_SERVICE_REQUIRED", "SERVICE_NOT_MATCHED", "NAMESPACE_REQUIRED", "INVALID_MANIFEST"),
    "UNRESOLVED_VARIABLE",
}
"""Codes that users know from elsewhere; DEPLOYMENT_IN_PROGRESS and FORBIDDEN are no faults of a file."""
SPELLINGS = {
    "shorthand of a weight": r"setWeight: \d",
    "context of an analysis as a list": r"context: \[\{",
    "traffic as one map": r"trafficManagement: ?(\n  \w|\{)",
    "services in the strategy": r"blueGreen:[^}]*activeService|activeService: \S+\n\s+redirect",
    "units in capitals": r"units?: [A-Z]{2}",
    "modes in capitals": r"Mode: [A-Z]",
}
"""Spellings that mean the same without being another name."""


def places(faults) -> list[tuple[int, str]]:
    return sorted((fault["line"], fault["code"]) for fault in faults)


def test_corpus_is_there():
    assert len(GOOD) >= 60
    assert len(GOOD) + len(BAD) >= 150


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_bad_file_gives_the_expected_faults(file):
    verdict = verdict_of(file)

    expectation = expectation_of(file)
    assert places(verdict["faults"]) == places(expectation["faults"]) != []
    assert places(verdict["warnings"]) == places(expectation["warnings"])


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_good_file_gives_the_expected_plan(file):
    assert verdict_of(file) == expectation_of(file)


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: file.stem)
def test_a_sound_file_in_wrong_surroundings_is_refused_as_expected(file):
    expectation = expectation_of(file)

    assert refusal_of(file, expectation["given"]) == expectation
    assert expectation["faults"] or expectation["warnings"]


def codes_of(files):
    return {fault["code"] for file in files for part in ("faults", "warnings") for fault in expectation_of(file)[part]}


def test_every_code_is_in_the_corpus():
    seen = codes_of((*GOOD, *BAD, *REFUSED))

    assert {code.value for code in Code} - {code.value for code in ELSEWHERE} == seen
    assert seen >= CATALOGUE


def aliases_of(kind):
    """Every other spelling that the tables know below a type: as a key, or as a word."""
    if isinstance(kind, Shape):
        for field in kind.fields:
            yield from field.aliases
            yield from aliases_of(field.type)
    elif isinstance(kind, ListOf | MapOf):
        yield from aliases_of(kind.item)
    elif isinstance(kind, Either):
        for one in (kind.canonical, *kind.others):
            yield from aliases_of(one)
    elif isinstance(kind, Choice):
        yield from kind.aliases


def test_every_alias_is_in_the_corpus():
    text = "\n".join(file.read_text(encoding="utf-8") for file in GOOD)
    aliases = set(aliases_of(DOCUMENT))

    assert {"requiresRole", "shutdownOldVersionAfter", "RNA", "unit"} <= aliases
    assert {alias for alias in aliases if not re.search(rf"\b{alias}\b", text)} == set()
    assert {name for name, pattern in SPELLINGS.items() if not re.search(pattern, text)} == set()


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_every_fault_marks_a_place_in_the_text_and_can_be_printed(file):
    content = file.read_bytes()
    text = content.decode(errors="replace")
    result = check(content, file_name=file.name)

    lines = text.split("\n")
    for fault in (*result.faults, *result.warnings):
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column < fault.end_column
        assert fault.column <= len(lines[fault.line - 1]) + 1
        assert f"{file.name}:{fault.line}:{fault.column}" in render([fault], text)


def test_every_good_file_is_json_too():
    """A deploy file written as JSON means the same."""
    for file in GOOD:
        text = file.read_text(encoding="utf-8")
        (document,) = documents_of(text)
        result = check(text, file_name=file.name)
        if any(fault.code is Code.WRONG_TYPE for fault in result.warnings):
            continue  # JSON does not keep how a number was written

        assert check(json.dumps(document), file_name=file.name).file == result.file, file.name
