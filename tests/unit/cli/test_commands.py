"""Commands against a real gRPC server over TLS: answers on stdout, the rest on stderr, exit codes as documented."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import grpc
import pytest

from borealis_cli.errors import report
from borealis_client import Agent, AgentState, DeploymentState, TargetRunRollback, TargetRunState
from kit.client_messages import NAME, a_deployment, a_target, a_waiting_target, an_event, the_end
from kit.scripted_server import Failure, ScriptedServer, Silence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Cli = Callable[..., object]

ID = "abcdefgh2345"


def test_status_shows_the_tree(cli):
    outcome = cli("status", ID)

    assert outcome.code == 0
    assert outcome.out.startswith("◐ shop  abcdefgh2345  RUNNING")
    assert outcome.err == ""


@pytest.mark.parametrize("text", [NAME, ID, "abc", "shop", "@latest", "shop@latest"])
def test_a_deployment_is_found_by(cli, server: ScriptedServer, text: str):
    other = "tenants/main/deployments/zzzzzzzzzzzz"
    server.deployments[other] = a_deployment(name=other, application="other")

    outcome = cli("status", text, "-o", "json")

    assert json.loads(outcome.out)["name"] == NAME


def test_status_without_a_name_is_the_latest(cli):
    assert json.loads(cli("status", "-o", "json").out)["name"] == NAME


def test_an_ambiguous_start_of_an_id_lists_the_candidates(cli, server: ScriptedServer):
    other = "tenants/main/deployments/abczzz"
    server.deployments[other] = a_deployment(name=other)

    outcome = cli("status", "abc")

    assert outcome.code == 2
    assert "abcdefgh2345" in outcome.err
    assert "abczzz" in outcome.err


@pytest.mark.parametrize("text", ["nothing", "nothing@latest", "tenants/main/deployments/nothing"])
def test_what_does_not_exist_is_exit_code_6(cli, text: str):
    outcome = cli("status", text)

    assert outcome.code == 6
    assert "borealis list" in outcome.err


def test_list_is_a_table_or_json(cli, server: ScriptedServer):
    for number in range(3):
        name = f"tenants/main/deployments/{number}"
        server.deployments[name] = a_deployment(name=name, state=DeploymentState.SUCCEEDED)

    assert len(cli("list").out.splitlines()) == 5
    assert len(json.loads(cli("list", "-o", "json").out)["deployments"]) == 4
    assert len(cli("list", "-o", "jsonl", "--limit", "2").out.splitlines()) == 2
    assert len(json.loads(cli("list", "--in-progress", "-o", "json").out)["deployments"]) == 1
    assert json.loads(cli("list", "elsewhere", "-o", "json").out) == {"deployments": []}


def test_json_has_every_field_in_every_state(cli):
    document = json.loads(cli("status", ID, "-o", "json").out)

    assert document["state"] == "STATE_RUNNING"
    assert document["message"] == ""
    assert document["endTime"] is None
    assert document["targets"][0]["endReason"] == "END_REASON_UNSPECIFIED"


@pytest.mark.parametrize(("command", "method"), [("approve", "ApproveDeployment"), ("skip", "SkipPause")])
@pytest.mark.parametrize(
    ("text", "target"), [(f"{ID}/prod", "prod"), (f"{NAME}/prod", "prod"), ("shop/prod", "prod"), (ID, "")]
)
def test_approve_and_skip_take_a_deployment_or_one_target(
    cli, server: ScriptedServer, text: str, target: str, command: str, method: str
):
    outcome = cli(command, text, "--comment", "fine")

    (request,) = server.called(method)
    assert (request.name, request.target, request.comment) == (NAME, target, "fine")
    assert outcome.code == 0
    assert "borealis watch abcdefgh2345" in outcome.err


def test_rollback_and_cancel_send_their_comment(cli, server: ScriptedServer):
    assert cli("rollback", ID, "-m", "bad").code == 0
    assert cli("cancel", "shop", "-m", "stop").code == 0

    assert server.called("RollBackDeployment")[0].comment == "bad"
    assert server.called("CancelDeployment")[0].comment == "stop"


@pytest.mark.parametrize("command", [("redeploy", ID), ("deploy", "--pipelineId", ID)])
def test_pl_21_a_redeploy_sends_the_stored_deployment_and_nothing_else(cli, server: ScriptedServer, command):
    outcome = cli(*command, "-t", "qa", "-t", "prod", "--account", "other")

    assert outcome.code == 0
    (request,) = server.called("StartDeployment")
    assert (request.source_deployment, list(request.targets), request.account) == (NAME, ["qa", "prod"], "other")
    assert (request.deploy_file, len(request.manifest_files), request.application, len(request.context)) == (
        b"",
        0,
        "",
        0,
    )
    assert outcome.out.startswith("started shop")


@pytest.mark.parametrize(
    "more",
    [("-f", "deploy.yaml"), ("--application", "stock"), ("--add-context", "a=b")],
    ids=["file", "name", "context"],
)
def test_pl_21_a_redeploy_takes_no_file_and_nothing_that_belongs_to_one(cli, server: ScriptedServer, more):
    outcome = cli("deploy", "--pipelineId", ID, *more)

    assert outcome.code == 2
    assert "leave it out" in outcome.err
    assert server.called("StartDeployment") == []


def test_a_deploy_without_a_file_says_what_is_missing(cli):
    outcome = cli("deploy")

    assert outcome.code == 2
    assert "write -f FILE" in outcome.err


def test_a_queued_deployment_is_told_with_what_it_waits_for(cli, server: ScriptedServer):
    blocker = "tenants/main/deployments/zyxwvu5432aa"
    server.deployments[NAME] = a_deployment(state=DeploymentState.QUEUED, blocked_by=blocker)

    assert cli("redeploy", ID).out.startswith("queued shop abcdefgh2345 (1 target) behind zyxwvu5432aa")


@pytest.mark.parametrize(("text", "target"), [(ID, ""), (f"{ID}/prod", "prod")])
def test_why_prints_the_sentence_and_what_to_type(cli, server: ScriptedServer, text: str, target: str):
    outcome = cli("why", text)

    assert server.called("ExplainDeployment")[0].target == target
    place = text if target else ID
    assert outcome.out.splitlines() == [
        "prod waits for approval; to do: approve it, or roll back.",
        f"  borealis approve {place}",
        f"  borealis rollback {place}",
    ]


def test_why_as_json_is_what_the_server_sent(cli):
    document = json.loads(cli("why", ID, "-o", "json").out)

    assert document["explanation"]["actions"] == ["ACTION_APPROVE", "ACTION_ROLL_BACK"]
    assert document["targets"] == []


def test_a_rollback_may_name_the_target_that_has_to_go_back(cli, server: ScriptedServer):
    assert cli("rollback", f"{ID}/prod").code == 0

    assert server.called("RollBackDeployment")[0].target == "prod"


@pytest.mark.parametrize("command", ["approve", "skip"])
def test_a_step_needs_its_target(cli, command):
    assert cli(command, ID, "--step", "step-2").code == 2


def test_watch_prints_a_line_for_each_change_and_ends_with_the_deployment(cli, server: ScriptedServer):
    server.deployments[NAME] = a_deployment(state=DeploymentState.SUCCEEDED, message="done")
    waiting = an_event(2, target_run=a_waiting_target())
    server.watches.append([a_deployment(), waiting, the_end(3, DeploymentState.SUCCEEDED)])

    outcome = cli("watch", ID)

    assert outcome.code == 0
    assert len(outcome.out.splitlines()) == 4
    assert "borealis approve abcdefgh2345/prod" in outcome.out


def test_watch_as_jsonl_prints_what_the_server_sent(cli, server: ScriptedServer):
    server.deployments[NAME] = a_deployment(state=DeploymentState.SUCCEEDED)
    server.watches.append([a_deployment(), an_event(2), the_end(3, DeploymentState.SUCCEEDED)])

    documents = [json.loads(line) for line in cli("watch", ID, "-o", "jsonl").out.splitlines()]

    assert [document["sequence"] for document in documents] == ["1", "2", "3"]
    assert documents[0]["snapshot"]["name"] == NAME
    assert documents[1]["event"]["message"] == "event 2"
    assert documents[2]["event"]["kind"] == "KIND_DEPLOYMENT_ENDED"


def test_watch_as_json_prints_one_document_and_progress_on_stderr(cli, server: ScriptedServer):
    server.deployments[NAME] = a_deployment(state=DeploymentState.SUCCEEDED)
    server.watches.append([a_deployment(), the_end(2, DeploymentState.SUCCEEDED)])

    outcome = cli("watch", ID, "-o", "json")

    assert json.loads(outcome.out)["state"] == "STATE_SUCCEEDED"
    assert "RUNNING" in outcome.err


BACK = a_target(state=TargetRunState.FAILED, rollback=TargetRunRollback.DONE)
LEFT = a_target(state=TargetRunState.FAILED, rollback=TargetRunRollback.FAILED)


@pytest.mark.parametrize(
    ("deployment", "code"),
    [
        pytest.param(a_deployment(state=DeploymentState.SUCCEEDED), 0, id="succeeded"),
        pytest.param(a_deployment(state=DeploymentState.FAILED, targets=[LEFT]), 10, id="failed"),
        pytest.param(a_deployment(state=DeploymentState.FAILED, targets=[LEFT, BACK]), 11, id="rolled-back"),
        pytest.param(a_deployment(state=DeploymentState.CANCELLED, targets=[BACK]), 12, id="cancelled"),
    ],
)
def test_the_end_of_a_deployment_is_the_exit_code(cli, server: ScriptedServer, deployment, code: int):
    server.deployments[NAME] = deployment

    assert cli("watch", ID).code == code


def test_a_timeout_leaves_the_deployment_alone_and_says_how_to_return(cli, server: ScriptedServer):
    server.watches.append([a_deployment(), Silence(seconds=30)])

    outcome = cli("watch", ID, "--timeout", "1s")

    assert outcome.code == 13
    assert "borealis watch abcdefgh2345" in outcome.err
    assert not server.called("CancelDeployment")


@pytest.mark.parametrize("text", ["x", "0", "-1", "1d", "10 m"])
def test_a_strange_timeout_is_a_usage_error(cli, text: str):
    assert cli("watch", ID, f"--timeout={text}").code == 2


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure(code=grpc.StatusCode.ALREADY_EXISTS, reason="DEPLOYMENT_IN_PROGRESS"), 3),
        (Failure(code=grpc.StatusCode.UNAUTHENTICATED, reason="CREDENTIAL_REFUSED"), 4),
        (Failure(code=grpc.StatusCode.PERMISSION_DENIED, reason="PERMISSION_DENIED"), 5),
        (Failure(code=grpc.StatusCode.NOT_FOUND, reason="AGENT_NOT_FOUND"), 6),
        (Failure(code=grpc.StatusCode.INVALID_ARGUMENT, reason="INVALID_ARGUMENT"), 2),
        (Failure(code=grpc.StatusCode.FAILED_PRECONDITION, reason="DEPLOYMENT_ENDED"), 1),
        (Failure(code=grpc.StatusCode.UNAVAILABLE, reason="UNAVAILABLE"), 14),
        (Failure(code=grpc.StatusCode.UNAVAILABLE, reason="AGENT_UNAVAILABLE"), 15),
        (Failure(code=grpc.StatusCode.INTERNAL, reason="INTERNAL", request_id="r-7"), 1),
    ],
    ids=lambda value: value.reason if isinstance(value, Failure) else str(value),
)
def test_each_error_has_its_exit_code_in_text_and_json(cli, server: ScriptedServer, failure: Failure, code: int):
    server.fail("CancelDeployment", *[failure] * 8)

    text = cli("cancel", ID)
    document = json.loads(cli("cancel", ID, "-o", "json").err)

    assert text.code == code
    assert text.out == ""
    assert text.err.startswith("error: as the test says")
    assert document["error"]["code"] == code
    assert document["error"]["reason"] == failure.reason
    assert failure.request_id in text.err


def test_a_server_that_is_away_is_exit_code_14_and_named(cli, server: ScriptedServer):
    server.stop()

    outcome = cli("list")

    assert outcome.code == 14
    assert server.address in outcome.err


def test_without_any_configuration_the_next_command_is_named(offline):
    outcome = offline("list")

    assert outcome.code == 4
    assert "borealis server" in outcome.err


def test_flags_win_over_the_environment(cli, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BOREALIS_SERVER", "nowhere.invalid:1")

    assert cli("list", "--server", server.address, "--ca-file", str(server.ca_file)).code == 0


def test_whoami_and_version(cli):
    assert "clients/test-client" in cli("whoami").out
    assert json.loads(cli("whoami", "-o", "json").out)["tenant"] == "main"
    assert json.loads(cli("version", "-o", "json").out)["version"] == cli("version").out.split()[1]


def test_agents_are_listed_and_shown(cli, server: ScriptedServer):
    server.agents = [Agent(name="tenants/main/agents/kind", state=AgentState.CONNECTED)]

    assert "CONNECTED" in cli("agent", "list").out
    assert json.loads(cli("agent", "list", "-o", "json").out)["agents"][0]["state"] == "STATE_CONNECTED"
    assert "kind" in cli("agent", "get", "kind").out
    assert cli("agent", "get", "none").code == 6


def test_a_new_agents_credentials_are_for_its_owner_only(cli, server: ScriptedServer, tmp_path: Path):
    file = tmp_path / "kind.json"

    outcome = cli("agent", "create", "Kind_1", "--out", str(file), "--agent-server", "hub.example:443")

    (request,) = server.called("CreateClientCredential")
    assert outcome.code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {
        "server": "hub.example:443",
        "ca_pem": server.ca_file.read_text(),
        "agent": "Kind_1",
        "client_id": "c-1",
        "client_secret": "s-1",
    }
    assert (request.role, request.agent, request.display_name) == ("agent", "Kind_1", "agent-kind-1")
    assert "s-1" not in outcome.out + outcome.err


def test_a_new_agents_credentials_go_to_stdout_when_no_file_is_named(cli, server: ScriptedServer):
    assert json.loads(cli("agent", "create", "kind").out)["server"] == server.address


def test_nothing_is_created_when_the_file_cannot_be_made(cli, server: ScriptedServer, tmp_path: Path):
    file = tmp_path / "kind.json"
    file.write_text("precious")

    assert cli("agent", "create", "kind", "--out", str(file)).code == 2
    assert file.read_text() == "precious"
    assert not server.called("CreateClientCredential")


def test_no_file_is_left_when_the_server_refuses(cli, server: ScriptedServer, tmp_path: Path):
    server.fail("CreateClientCredential", Failure(code=grpc.StatusCode.ALREADY_EXISTS, reason="CREDENTIAL_EXISTS"))
    file = tmp_path / "kind.json"

    assert cli("agent", "create", "kind", "--out", str(file)).code == 1
    assert not file.exists()


@pytest.mark.parametrize("arguments", [["nonsense"], ["status", "--nonsense"], ["-o"], ["list", "-o", "xml"], []])
def test_a_wrong_command_line_is_exit_code_2(cli, arguments: list[str]):
    outcome = cli(*arguments)

    assert outcome.code == 2


def test_usage_errors_are_json_when_asked_for(cli):
    assert json.loads(cli("list", "-o", "json", "--nonsense").err)["error"]["code"] == 2


def test_a_bug_says_so_and_never_looks_like_success():
    found = report(ExceptionGroup("in a task group", [ZeroDivisionError("oh")]))

    assert found.code == 1
    assert "ZeroDivisionError: oh" in found.text
    assert "BOREALIS_DEBUG" in found.text
