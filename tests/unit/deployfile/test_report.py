"""Faults read like those of a good compiler."""

from __future__ import annotations

import json

import pytest

from borealis_deployfile.annotations import to_annotations
from borealis_deployfile.faults import Code, Fault, Severity
from borealis_deployfile.parse import check
from borealis_deployfile.report import render, to_json
from borealis_deployfile.sarif import to_sarif
from kit.corpus import BAD
from kit.json_schema import errors_of

TEXT = """\
application: shop
targets:
  staging: {account: c, namespace: n}
  prod: {account: d, namespace: n, constraints: {dependsOn: ["stagin"]}}
manifests: [{path: k8s/}]
"""


def a_fault(**changes) -> Fault:
    fields = {"code": Code.SYNTAX, "message": "wrong", "file": "f", "line": 1, "column": 1, "end_column": 2, **changes}
    return Fault(**fields)


def test_a_fault_shows_its_line_with_a_mark_and_help():
    faults = check(TEXT, file_name="deploy.yaml").faults

    assert render(faults, TEXT) == (
        'error[UNKNOWN_TARGET]: target "prod" depends on "stagin", which does not exist\n'
        " --> deploy.yaml:4:62\n"
        '4 |   prod: {account: d, namespace: n, constraints: {dependsOn: ["stagin"]}}\n'
        "  |                                                              ^^^^^^^^\n"
        '  = help: did you mean "staging"?\n'
    )


def test_nothing_wrong_prints_nothing():
    assert render([], TEXT) == ""


def test_a_blank_line_stands_between_faults():
    text = render([a_fault(), a_fault(severity=Severity.WARNING)], "x")

    assert text.count("\n\n") == 1
    assert text.endswith("^\n")
    assert "warning[SYNTAX]: wrong" in text


def test_colour_comes_only_on_request():
    assert "\x1b[1;31merror[SYNTAX]\x1b[0m" in render([a_fault()], "x", color=True)
    assert "\x1b" not in render([a_fault()], "x")


def test_a_line_is_taken_from_the_file_that_has_the_fault():
    faults = [a_fault(file="a"), a_fault(file="b", line=2), a_fault(file="c")]

    text = render(faults, {"a": "from a", "b": "1\nfrom b"})

    assert "1 | from a\n" in text
    assert "2 | from b\n" in text
    assert text.endswith(" --> c:1:1\n")


def test_a_place_beyond_the_text_shows_no_line():
    assert "|" not in render([a_fault(line=3)], "one\ntwo")


def test_a_mark_never_runs_past_its_line():
    text = render([a_fault(column=2, end_column=99)], "abc")

    assert text.endswith("1 | abc\n  |  ^^\n")


def test_a_mark_at_the_end_of_the_line_is_still_there():
    assert render([a_fault(column=4, end_column=5)], "abc").endswith("1 | abc\n  |    ^\n")


def test_long_lines_are_cut_around_the_mark():
    line = "a" * 500 + "HERE" + "b" * 500

    rows = render([a_fault(column=501, end_column=505)], line).splitlines()

    assert len(rows[2]) < 160
    start = rows[3].index("^")
    assert rows[2][start : start + 4] == "HERE"
    assert rows[3].count("^") == 4


def test_the_start_of_a_long_line_is_not_cut():
    rows = render([a_fault(column=3, end_column=4)], "abC" + "d" * 500).splitlines()

    assert rows[2][rows[3].index("^")] == "C"
    assert rows[2].endswith("...")


def test_a_terminal_is_never_given_orders_by_a_file():
    text = render([a_fault(message="bad \x1b[2J name", file="\x1b]0;x\x07f", column=2)], "a\tb\x1b[31mc")

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "1 | a b" in text


def test_tabs_keep_the_mark_in_place():
    rows = render([a_fault(column=3, end_column=4)], "\t\tx").splitlines()

    assert rows[2][rows[3].index("^")] == "x"


def test_json_has_every_field_of_a_fault():
    faults = check(TEXT, file_name="deploy.yaml").faults

    assert json.loads(to_json(faults)) == [
        {
            "code": "UNKNOWN_TARGET",
            "message": 'target "prod" depends on "stagin", which does not exist',
            "help": 'did you mean "staging"?',
            "path": "targets.prod.constraints.dependsOn[0]",
            "file": "deploy.yaml",
            "line": 4,
            "column": 62,
            "end_column": 70,
            "severity": "error",
        },
    ]


def test_sarif_has_a_result_with_its_place_for_each_fault():
    faults = check(TEXT + "zzz: 1\n", file_name="my deploy.yaml").faults

    (run,) = json.loads(to_sarif(faults, tool_version="1.2"))["runs"]

    assert run["tool"]["driver"]["name"] == "borealis"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["UNKNOWN_FIELD", "UNKNOWN_TARGET"]
    first, second = run["results"]
    assert first["ruleId"] == "UNKNOWN_TARGET"
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "UNKNOWN_TARGET"
    assert first["level"] == "error"
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20deploy.yaml"
    assert place["region"] == {"startLine": 4, "startColumn": 62, "endColumn": 70}
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].endswith("dependsOn[0]")
    assert second["message"]["text"].startswith('a deploy file has no field "zzz"\n')


def test_annotations_are_one_line_each_and_cannot_break_out():
    faults = [a_fault(message="50% of\nlines: bad", file="a,b:c.yaml"), a_fault(severity=Severity.WARNING, help="do")]

    lines = to_annotations(faults).splitlines()

    assert lines == [
        "::error file=a%2Cb%3Ac.yaml,line=1,endLine=1,col=1,endColumn=1,title=SYNTAX::50%25 of%0Alines: bad",
        "::warning file=f,line=1,endLine=1,col=1,endColumn=1,title=SYNTAX::wrong%0Ado",
    ]


SARIF_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "run": {
            "type": "object",
            "required": ["tool"],
            "additionalProperties": False,
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "additionalProperties": False,
                    "properties": {"driver": {"$ref": "#/$defs/driver"}},
                },
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
        },
        "driver": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "version": {"type": "string"},
                "informationUri": {"type": "string"},
                "rules": {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {
                        "type": "object",
                        "required": ["id"],
                        "additionalProperties": False,
                        "properties": {"id": {"type": "string"}, "shortDescription": SARIF_TEXT},
                    },
                },
            },
        },
        "result": {
            "type": "object",
            "required": ["message"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": -1},
                "level": {"enum": ["none", "note", "warning", "error"]},
                "message": SARIF_TEXT,
                "locations": {"type": "array", "items": {"$ref": "#/$defs/location"}},
            },
        },
        "location": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation"],
                    "additionalProperties": False,
                    "properties": {
                        "artifactLocation": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {"uri": {"type": "string", "pattern": "^[!-~]*$"}},
                        },
                        "region": {"$ref": "#/$defs/region"},
                    },
                },
                "logicalLocations": {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {"type": "object", "properties": {"fullyQualifiedName": {"type": "string"}}},
                },
            },
        },
        "region": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: {"type": "integer", "minimum": 1} for name in ("startLine", "startColumn", "endColumn")
            },
        },
    },
}
"""The part of SARIF 2.1.0 (OASIS standard) that we write: which properties there are, which must be, of which type."""


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_sarif_keeps_to_the_standard_whatever_the_faults(file):
    result = check(file.read_bytes(), file_name=f"größe/{file.name}")

    assert errors_of(SARIF, json.loads(to_sarif((*result.faults, *result.warnings), tool_version="1"))) == []


def test_sarif_without_faults_keeps_to_the_standard():
    document = json.loads(to_sarif((), tool_version="1"))

    assert errors_of(SARIF, document) == []
    assert errors_of(SARIF, {**document, "runs": [{}]})
