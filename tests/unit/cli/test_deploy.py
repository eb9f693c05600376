"""`deploy` and `validate`: what is wrong is found here, all of it, and nothing wrong is sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import grpc
import pytest

import borealis_client
from borealis_client import DeployFileInvalidError, DeploymentState, gather
from kit.client_messages import NAME, a_deployment, the_end
from kit.scripted_server import Failure, ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path


def test_deploy_sends_file_and_manifests_and_says_how_to_follow(cli, server: ScriptedServer, deploy_file: Path):
    outcome = cli("deploy", "-f", str(deploy_file))

    (request,) = server.called("StartDeployment")
    assert outcome.code == 0, outcome.err
    assert request.deploy_file == deploy_file.read_bytes()
    assert request.deploy_file_name == str(deploy_file)
    assert [(one.path, one.content) for one in request.manifest_files] == [
        ("manifests/web.yaml", (deploy_file.parent / "manifests/web.yaml").read_bytes())
    ]
    assert outcome.out == "started shop abcdefgh2345 (1 target)\n"
    assert "borealis watch abcdefgh2345" in outcome.err


def test_deploy_as_json_prints_the_deployment_alone(cli, deploy_file: Path):
    assert json.loads(cli("deploy", "-f", str(deploy_file), "-o", "json").out)["name"] == NAME


def test_deploy_and_watch_ends_with_the_deployments_exit_code(cli, server: ScriptedServer, deploy_file: Path):
    deploy_file.write_text(deploy_file.read_text().replace("version: v1", "version: v7"))
    server.warnings = ["mind the gap", f"{deploy_file}:1: the only version is v1; it is read as that"]
    server.watches.append([a_deployment(), the_end(2, DeploymentState.FAILED)])

    outcome = cli("deploy", "-f", str(deploy_file), "--watch")

    assert outcome.code == 10
    assert "mind the gap" in outcome.err
    assert outcome.err.count("the only version is v1") == 1
    assert outcome.out.splitlines()[-1].endswith("FAILED  it is over")


def test_a_timeout_without_watching_is_refused_before_anything_starts(cli, server: ScriptedServer, deploy_file: Path):
    assert cli("deploy", "-f", str(deploy_file), "--timeout", "10s").code == 2
    assert not server.calls


def test_a_second_start_names_the_running_deployment(cli, server: ScriptedServer, deploy_file: Path):
    """DF-41"""
    failure = Failure(
        code=grpc.StatusCode.ALREADY_EXISTS, reason="DEPLOYMENT_IN_PROGRESS", metadata={"deployment": NAME}
    )
    server.fail("StartDeployment", failure)

    outcome = cli("deploy", "-f", str(deploy_file))

    assert outcome.code == 3
    assert "borealis watch abcdefgh2345" in outcome.err


def test_all_faults_are_printed_with_their_places_and_nothing_is_sent(cli, server: ScriptedServer, deploy_file: Path):
    text = (
        deploy_file.read_text().replace("strategy: careful", "strategy: carefull").replace("weight: 25", "weight: 250")
    )
    deploy_file.write_text(text)

    outcome = cli("deploy", "-f", str(deploy_file))

    assert outcome.code == 7
    assert outcome.out == ""
    assert "UNKNOWN_STRATEGY" in outcome.err
    assert f"{deploy_file}:8:15" in outcome.err
    assert "WEIGHT_RANGE" in outcome.err
    assert not server.calls


def test_faults_as_json_carry_places_and_codes(cli, deploy_file: Path):
    deploy_file.write_text(deploy_file.read_text().replace("strategy: careful", "strategy: other"))

    error = json.loads(cli("validate", "-f", str(deploy_file), "-o", "json").err)["error"]

    assert error["code"] == 7
    assert error["violations"][0]["reason"] == "UNKNOWN_STRATEGY"
    assert error["violations"][0]["field"] == f"{deploy_file}:8:15"


def test_the_servers_faults_are_printed_the_same_way(cli, server: ScriptedServer, deploy_file: Path):
    place = f"{deploy_file}:6:14"
    server.fail(
        "StartDeployment",
        Failure(
            code=grpc.StatusCode.INVALID_ARGUMENT,
            reason="DEPLOY_FILE_INVALID",
            violations=[
                (place, "no agent kind\nhelp: borealis agent list", "INVALID_VALUE"),
                ("targets", "of a kind unknown here", "FROM_THE_FUTURE"),
            ],
        ),
    )

    outcome = cli("deploy", "-f", str(deploy_file))

    assert outcome.code == 7
    assert place in outcome.err
    assert "    account: kind" in outcome.err
    assert "^^^^\n" in outcome.err
    assert "borealis agent list" in outcome.err
    assert "targets: of a kind unknown here" in outcome.err


def test_a_missing_manifest_is_a_fault_at_its_line(cli, server: ScriptedServer, deploy_file: Path):
    (deploy_file.parent / "manifests" / "web.yaml").unlink()

    outcome = cli("deploy", "-f", str(deploy_file))

    assert outcome.code == 7
    assert "there is no file or folder manifests/web.yaml" in outcome.err
    assert f"{deploy_file}:18:" in outcome.err
    assert not server.calls


def test_a_missing_deploy_file_is_named(cli, tmp_path: Path):
    outcome = cli("deploy", "-f", str(tmp_path / "none.yaml"))

    assert outcome.code == 2
    assert "none.yaml" in outcome.err


def test_folders_are_read_recursively_in_lexical_order(deploy_file: Path):
    folder = deploy_file.parent / "manifests"
    for name in ("b/two.yml", "a.yaml", "c.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name[0]}}}\n")
    (folder / "notes.txt").write_text("not a manifest")
    deploy_file.write_text(deploy_file.read_text().replace("manifests/web.yaml", "manifests"))

    gathered = gather(deploy_file)

    assert gathered.faults == ()
    assert {one.path for one in gathered.manifest_files} == {"manifests"}
    assert [one.name for one in gathered.manifest_files] == [
        str(folder / name) for name in ("a.yaml", "b/two.yml", "c.yaml", "web.yaml")
    ]


def test_an_empty_folder_is_a_fault(deploy_file: Path):
    (deploy_file.parent / "empty").mkdir()
    deploy_file.write_text(deploy_file.read_text().replace("manifests/web.yaml", "empty"))

    (fault,) = gather(deploy_file).faults

    assert "holds no *.yaml" in fault.message


def test_the_working_directory_is_second_and_warned_about(deploy_file: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "manifests").mkdir(parents=True)
    (deploy_file.parent / "manifests" / "web.yaml").rename(elsewhere / "manifests" / "web.yaml")

    gathered = gather(deploy_file, working_directory=elsewhere)

    assert gathered.faults == ()
    assert [one.name for one in gathered.manifest_files] == [str(elsewhere / "manifests" / "web.yaml")]
    assert any("not beside the deploy file" in warning.message for warning in gathered.warnings)


@pytest.mark.parametrize("written", ["manifests/web.yaml", "/manifests/web.yaml"])
def test_the_checkout_of_a_job_is_third_and_its_root_is_a_slash(
    cli, server: ScriptedServer, deploy_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written
):
    checkout = tmp_path / "checkout"
    (deploy_file.parent / "manifests").rename(tmp_path / "moved")
    checkout.mkdir()
    (tmp_path / "moved").rename(checkout / "manifests")
    deploy_file.write_text(deploy_file.read_text().replace("manifests/web.yaml", written))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(checkout))

    outcome = cli("deploy", "-f", str(deploy_file))

    assert outcome.code == 0, outcome.err
    assert [one.name for one in server.called("StartDeployment")[0].manifest_files] == [
        str(checkout / "manifests" / "web.yaml")
    ]
    assert "is not beside the deploy file" in outcome.err


def test_a_manifest_that_is_too_large_is_a_fault(deploy_file: Path):
    (deploy_file.parent / "manifests" / "web.yaml").write_bytes(b"#" * (10 * 2**20 + 1))

    (fault,) = gather(deploy_file).faults

    assert "too large" in fault.message


async def test_the_sdk_refuses_a_faulty_file_before_it_connects(deploy_file: Path):
    deploy_file.write_text("kind: kubernetes\n")

    async with borealis_client.connect("127.0.0.1:1", token="t") as borealis:
        with pytest.raises(DeployFileInvalidError) as raised:
            await borealis.deployments.start(deploy_file)

    assert all(violation.field.startswith(str(deploy_file)) for violation in raised.value.violations)


def test_validate_counts_what_it_found(cli, deploy_file: Path):
    outcome = cli("validate", "-f", str(deploy_file))

    assert outcome.code == 0
    assert "application shop, 1 target, 1 strategy, 1 source of manifests" in outcome.out


def test_account_context_and_targets_go_to_the_server_and_into_the_check(
    cli, server: ScriptedServer, deploy_file: Path
):
    deploy_file.write_text(deploy_file.read_text().replace("    account: kind\n", ""))
    arguments = ["--account", "other", "--add-context", "a=1,b=x=y", "--add-context", "c=", "-t", "prod"]

    outcome = cli("deploy", "-f", str(deploy_file), *arguments)

    assert outcome.code == 0, outcome.err
    (request,) = server.called("StartDeployment")
    assert (request.account, list(request.targets)) == ("other", ["prod"])
    assert dict(request.context) == {"a": "1", "b": "x=y", "c": ""}


def test_a_target_that_does_not_exist_is_refused_before_anything_is_sent(
    cli, server: ScriptedServer, deploy_file: Path
):
    outcome = cli("deploy", "-f", str(deploy_file), "-t", "prd")

    assert outcome.code == 2
    assert 'did you mean "prod"?' in outcome.err
    assert not server.calls


@pytest.mark.parametrize("text", ["a", "=b", "a=1,b"])
def test_context_is_name_and_value(cli, deploy_file: Path, text):
    assert cli("deploy", "-f", str(deploy_file), "--add-context", text).code == 2


def test_an_application_given_on_the_command_line_replaces_the_files(cli, server: ScriptedServer, deploy_file: Path):
    assert cli("deploy", "-f", str(deploy_file), "-n", "other").code == 0

    assert server.called("StartDeployment")[0].application == "other"
