"""`validate`, `plan`, `explain`, `schema`, `template`: what one learns of a deploy file without starting anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from borealis_deployfile.language.json_schema import deploy_file_schema
from borealis_deployfile.parse import check
from borealis_deployfile.planning.document import plan_schema
from kit.corpus import GOOD
from kit.json_schema import errors_of

if TYPE_CHECKING:
    from pathlib import Path

CORPUS = {file.stem: str(file) for file in GOOD}


def break_strategy(file: Path) -> None:
    file.write_text(file.read_text().replace("strategy: careful", "strategy: carefull"))


def test_validate_says_that_a_sound_file_cannot_be_started_yet_and_why(offline):
    outcome = offline("validate", "-f", CORPUS["secrets-in-names"])

    assert outcome.code == 0
    assert "is valid: application shop" in outcome.out
    assert "a start is refused, for what is not supported yet in 3 places" in outcome.out
    assert outcome.err.count("warning[NOT_SUPPORTED]") == 3


def test_validate_as_json_is_one_document_on_stdout(offline, deploy_file: Path):
    sound = json.loads(offline("validate", "-f", str(deploy_file), "-o", "json").out)
    ahead = json.loads(offline("validate", "-f", CORPUS["secrets-in-names"], "-o", "json").out)
    break_strategy(deploy_file)
    outcome = offline("validate", "-f", str(deploy_file), "-o", "json")
    broken = json.loads(outcome.out)

    assert (sound["valid"], sound["startable"], sound["faults"]) == (True, True, [])
    assert (ahead["valid"], ahead["startable"], len(ahead["not_supported"])) == (True, False, 3)
    assert outcome.code == 7
    assert (broken["valid"], broken["startable"]) == (False, False)
    assert [(one["code"], one["line"], one["path"]) for one in broken["faults"]] == [
        ("UNKNOWN_STRATEGY", 8, "targets.prod.strategy")
    ]


def test_validate_writes_sarif(offline, deploy_file: Path):
    break_strategy(deploy_file)

    outcome = offline("validate", "-f", str(deploy_file), "-o", "sarif")

    assert outcome.code == 7
    (run,) = json.loads(outcome.out)["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["UNKNOWN_STRATEGY"]


def test_validate_writes_annotations(offline, deploy_file: Path):
    break_strategy(deploy_file)

    outcome = offline("validate", "-f", str(deploy_file), "-o", "github")

    assert outcome.code == 7
    assert outcome.out.startswith(f"::error file={deploy_file},line=8,")


def test_validate_strictly_takes_remarks_for_faults(offline):
    assert offline("validate", "-f", CORPUS["webhook-unused"]).code == 0
    assert offline("validate", "-f", CORPUS["webhook-unused"], "--strict").code == 7
    assert offline("validate", "-f", CORPUS["secrets-in-names"], "--strict").code == 7
    assert offline("validate", "-f", CORPUS["two-targets"], "--strict").code == 0


def test_validate_asks_the_server_for_accounts(cli, deploy_file: Path):
    outcome = cli("validate", "-f", str(deploy_file), "--ask-server", "-o", "json")

    assert outcome.code == 7
    assert [fault["code"] for fault in json.loads(outcome.out)["faults"]] == ["UNKNOWN_ACCOUNT"]


def test_validate_tells_the_faults_of_manifests_that_can_be_read_beside_those_that_cannot(offline, tmp_path: Path):
    (tmp_path / "bad.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
    file = tmp_path / "deploy.yaml"
    file.write_text(
        "application: a\ntargets: {t: {account: c, namespace: n}}\nmanifests: [{path: gone/}, {path: bad.yaml}]\n"
    )

    faults = json.loads(offline("validate", "-f", str(file), "-o", "json").out)["faults"]

    assert [fault["code"] for fault in faults] == ["MANIFEST_NOT_FOUND", "UNSUPPORTED_MANIFEST"]


def test_plan_as_json_is_what_its_published_schema_promises(offline, deploy_file: Path):
    document = json.loads(offline("plan", "-f", str(deploy_file), "-o", "json").out)
    schema = json.loads(offline("schema", "plan").out)

    assert schema == plan_schema()
    assert errors_of(schema, document) == []
    (target,) = document["targets"]
    assert [(step.get("weight_percent"), step.get("pods")) for step in target["steps"]] == [
        (25, {"new": 1, "old": 3}),
        (None, None),
        (100, {"new": 4, "old": 0}),
    ]


def test_plan_for_people_has_order_pods_room_and_approvals(offline):
    lines = offline("plan", "-f", CORPUS["golden"]).out.splitlines()

    assert "plan for checkout" in lines
    assert "wave 2 (together)" in lines
    assert "    step-1     100 % to the new version: 4 new, 0 old (at most 5 on the way)" in lines
    assert "      before-1   wait for an approval, by Release Manager, within 2h" in lines
    assert "    room needed: 4 more pods at most" in lines
    assert "earliest finish: 22m after the start, plus what is waited for" in lines
    assert "a start of this file is refused for now:" not in lines
    ahead = offline("plan", "-f", CORPUS["secrets-in-names"]).out
    assert "a start of this file is refused for now:" in ahead.splitlines()


def test_plan_of_a_faulty_file_is_its_faults(offline, deploy_file: Path):
    break_strategy(deploy_file)

    outcome = offline("plan", "-f", str(deploy_file))

    assert (outcome.code, outcome.out) == (7, "")
    assert "UNKNOWN_STRATEGY" in outcome.err


def test_plan_of_some_targets(offline):
    document = json.loads(offline("plan", "-f", CORPUS["golden"], "-t", "dev", "-t", "live", "-o", "json").out)
    unknown = offline("plan", "-f", CORPUS["golden"], "-t", "life")

    assert document["waves"] == [["dev"], ["live"]]
    assert unknown.code == 2
    assert 'did you mean "live"' in unknown.err


def test_plan_with_live_pods(offline):
    document = json.loads(offline("plan", "-f", CORPUS["two-targets"], "--replicas", "live/web=40", "-o", "json").out)

    assert [one["deployments"][0]["replicas"] for one in document["targets"]] == [4, 40]
    assert offline("plan", "-f", CORPUS["two-targets"], "--replicas", "web").code == 2


def test_explain_tells_a_field_and_lists_all(offline):
    one = offline("explain", "targets.prod.constraints.dependsOn")
    everything = offline("explain").out.splitlines()

    assert one.code == 0
    assert one.out.startswith("targets.NAME.constraints.dependsOn: list of texts\n")
    assert "Example:" in one.out
    assert len(everything) > 150
    assert json.loads(offline("explain", "webhooks.method", "-o", "json").out)["default"] == "POST"


def test_explain_of_a_field_that_does_not_exist_names_the_nearest(offline):
    outcome = offline("explain", "targets.acount")

    assert outcome.code == 6
    assert 'did you mean "account"?' in outcome.err


def test_schema_of_the_deploy_file_is_printed(offline):
    assert json.loads(offline("schema").out) == deploy_file_schema()


@pytest.mark.parametrize(
    "arguments", [("canary",), ("canary", "-f", "automated,webhook"), ("bluegreen", "-f", "manual", "-f", "WEBHOOK")]
)
def test_template_prints_a_file_that_passes(offline, arguments):
    outcome = offline("template", "kubernetes", *arguments)

    assert outcome.code == 0
    assert check(outcome.out, file_name="f").faults == ()


def test_template_refuses_unknown_features_and_those_that_clash(offline):
    assert offline("template", "kubernetes", "canary", "-f", "magic").code == 2
    assert "either SMI or Istio" in offline("template", "kubernetes", "canary", "-f", "smi,istio").err
