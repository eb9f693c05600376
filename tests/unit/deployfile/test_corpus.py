"""Every file of the corpus gives exactly the faults written beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from borealis_deployfile.parse import check
from borealis_deployfile.report import render
from borealis_server.domain.planning.graph import plan_order

CORPUS = Path(__file__).parents[2] / "conformance" / "corpus"


def files_in(folder: str) -> list[Path]:
    return sorted((CORPUS / folder).glob("*.yaml"))


def expectation_of(file: Path):
    return json.loads(file.with_suffix(".expect.json").read_text())


def found(faults) -> list[tuple[int, str]]:
    return sorted((fault.line, fault.code.value) for fault in faults)


def expected(faults) -> list[tuple[int, str]]:
    return sorted((fault["line"], fault["code"]) for fault in faults)


def test_corpus_is_there():
    assert len(files_in("good")) >= 15
    assert len(files_in("bad")) >= 40


@pytest.mark.parametrize(
    "file", [*files_in("good"), *files_in("bad")], ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_file_gives_the_expected_faults(file):
    result = check(file.read_bytes(), file_name=file.name)

    expectation = expectation_of(file)
    assert found(result.faults) == expected(expectation["faults"])
    assert found(result.warnings) == expected(expectation["warnings"])
    assert (result.file is None) == bool(expectation["faults"])


@pytest.mark.parametrize("file", files_in("good"), ids=lambda file: file.stem)
def test_good_file_runs_its_targets_in_the_expected_order(file):
    deploy_file = check(file.read_bytes(), file_name=file.name).file

    assert deploy_file is not None
    order = plan_order([t.name for t in deploy_file.targets], {t.name: t.depends_on for t in deploy_file.targets})
    assert [list(wave) for wave in order] == expectation_of(file)["waves"]


@pytest.mark.parametrize("file", files_in("bad"), ids=lambda file: file.stem)
def test_every_fault_marks_a_place_in_the_text_and_can_be_printed(file):
    content = file.read_bytes()
    text = content.decode(errors="replace")
    result = check(content, file_name=file.name)

    lines = text.split("\n")
    for fault in result.faults:
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column < fault.end_column
        assert fault.column <= len(lines[fault.line - 1]) + 1
        assert f"{file.name}:{fault.line}:{fault.column}" in render([fault], text)
