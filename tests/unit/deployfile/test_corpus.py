"""Every file of the corpus gives exactly the faults, or the plan, written beside it."""

from __future__ import annotations

import json

import pytest

from borealis_deployfile.faults import Code
from borealis_deployfile.parse import check
from borealis_deployfile.report import render
from kit.corpus import BAD, GOOD, expectation_of, verdict_of
from kit.yaml_json import documents_of

# Codes that need more than a file: other documents, the state of a server, hostile sizes; their own tests name them.
ELSEWHERE = {
    Code.ACCOUNT_REPLACED,
    Code.ACTIVE_SERVICE_REQUIRED,
    Code.AGENT_DISCONNECTED,
    Code.ALIAS_LIMIT,
    Code.DUPLICATE_OBJECT,
    Code.INVALID_MANIFEST,
    Code.MANIFEST_NOT_FOUND,
    Code.NAMESPACE_REQUIRED,
    Code.SERVICE_NOT_MATCHED,
    Code.STRATEGY_REQUIRED,
    Code.TOO_LARGE,
    Code.TOO_MANY_FAULTS,
    Code.UNKNOWN_ACCOUNT,
    Code.UNKNOWN_PROVIDER,
    Code.UNKNOWN_ROLE,
    Code.UNKNOWN_SECRET,
    Code.UNSUPPORTED_MANIFEST,
}


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


def test_every_code_is_in_the_corpus():
    seen = {
        fault["code"]
        for file in (*GOOD, *BAD)
        for part in ("faults", "warnings")
        for fault in expectation_of(file)[part]
    }

    assert {code.value for code in Code} - {code.value for code in ELSEWHERE} <= seen


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
