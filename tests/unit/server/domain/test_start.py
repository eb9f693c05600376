"""From a request to the first record: every fault at once, or a deployment with its first events."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from borealis_deployfile.manifests import FileContent
from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.errors import DeployFileInvalid, InvalidArgument
from borealis_server.domain.start import (
    ADDRESS_LIMIT,
    CONTEXT_LIMIT,
    CONTEXT_LIMIT_BYTES,
    StartRequest,
    away_warnings,
    check_request_id,
    checked,
    first_record,
    read_file,
    request_of,
)
from borealis_server.domain.states import DeploymentState, EventKind, Phase, StepKind, TargetState
from kit.shop import APPROVAL, SET_25, deploy_file, manifests

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = DeploymentKey(tenant="main", id="abc")


def files(text=None, path="shop.yaml"):
    return {path: (FileContent(name=path, content=(text or manifests("1")).encode()),)}


def a_request(text=None, **fields):
    given = {"files": files(), "file_name": "deploy.yaml", **fields}
    text = deploy_file("ns", SET_25, APPROVAL) if text is None else text
    return StartRequest(tenant="main", actor="ana", deploy_file=text.encode(), **given)


def started(request, agents=("cluster-1",)):
    return first_record(checked(request, agents), request, KEY, NOW)


def faults_of(request, agents=("cluster-1",)):
    with pytest.raises(DeployFileInvalid) as refused:
        checked(request, agents)
    return [(fault.code, f"{fault.file}:{fault.line}:{fault.column}") for fault in refused.value.faults]


def test_the_first_record_is_a_running_deployment_that_says_who_started_it():
    recorded, _ = started(a_request(request_id="r1"))

    deployment = recorded.deployment
    assert (deployment.key, deployment.application, deployment.state) == (KEY, "shop", DeploymentState.RUNNING)
    assert (deployment.started_by, deployment.started_at, deployment.request_id) == ("ana", NOW, "r1")
    assert deployment.readiness_timeout_s == 60
    assert [(event.kind, event.actor, event.sequence) for event in recorded.events] == [
        (EventKind.DEPLOYMENT_STARTED, "ana", 1),
        (EventKind.TARGET_CHANGED, "borealis", 2),
    ]


def test_a_target_starts_with_its_strategys_steps_and_the_way_to_full_weight():
    (run,) = started(a_request())[0].deployment.targets

    assert (run.name, run.account, run.namespace) == ("prod", "cluster-1", "ns")
    assert (run.state, run.phase) == (TargetState.RUNNING, Phase.PREPARING)
    assert [(step.ref, step.kind, step.weight_percent) for step in run.steps] == [
        ("step-1", StepKind.SET_WEIGHT, 25),
        ("step-2", StepKind.PAUSE, 0),
        ("step-3", StepKind.SET_WEIGHT, 100),
    ]


def test_a_target_that_gets_no_pods_has_no_steps():
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {a: b}\n"

    (run,) = started(a_request(files=files(settings)))[0].deployment.targets

    assert run.steps == ()


def test_a_target_without_a_strategy_goes_straight_to_full_weight():
    text = (
        "version: v1\nkind: kubernetes\napplication: shop\ntargets:\n  prod: {account: cluster-1}\n"
        "manifests: [{path: shop.yaml}]\n"
    )
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s, namespace: ns}\n"

    (run,) = started(a_request(text, files=files(settings)))[0].deployment.targets

    assert (run.namespace, run.steps) == ("", ())


def test_inputs_keep_the_file_and_the_objects_deployments_last():
    recorded, inputs = started(a_request())

    kinds = [json.loads(text)["kind"] for text in inputs.objects["prod"]]
    assert inputs.deploy_file == deploy_file("ns", SET_25, APPROVAL)
    assert set(kinds) == {"ConfigMap", "Service", "Deployment"}
    assert kinds[-1] == "Deployment"
    assert all(json.loads(text)["metadata"]["namespace"] == "ns" for text in inputs.objects["prod"])
    assert recorded.deployment.digest == a_request().digest()


def test_the_request_may_replace_the_application():
    assert started(a_request(application="other"))[0].deployment.application == "other"


def test_a_broken_file_is_refused_with_its_place():
    assert faults_of(a_request("version: [")) == [("SYNTAX", "deploy.yaml:2:1")]


def test_a_file_without_a_name_is_called_deploy_yaml():
    assert faults_of(a_request("version: [", file_name=""))[0][1].startswith("deploy.yaml:")


def test_faults_of_file_accounts_and_manifests_come_together():
    text = deploy_file("ns", SET_25, account="cluster-9")
    broken = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {replicas: many}\n"

    codes = [code for code, _ in faults_of(a_request(text, files=files(broken)))]

    assert "UNKNOWN_ACCOUNT" in codes
    assert "INVALID_MANIFEST" in codes


@pytest.mark.parametrize(
    ("agents", "advice"),
    [
        pytest.param(("cluster-2", "east"), "did you mean 'cluster-2'?", id="a-near-name"),
        pytest.param(
            ("west", "east"), "known agents: east, west; make one with: borealis agent create NAME", id="no-near-name"
        ),
        pytest.param((), "known agents: none yet; make one with: borealis agent create NAME", id="no-agent"),
    ],
)
def test_an_unknown_account_is_told_where_it_stands_and_what_to_do(agents, advice):
    with pytest.raises(DeployFileInvalid) as refused:
        checked(a_request(), agents)

    (fault,) = refused.value.faults
    lines = deploy_file("ns", SET_25, APPROVAL).splitlines()
    assert fault.message == "target 'prod': account 'cluster-1' does not exist"
    assert fault.help == advice
    assert lines[fault.line - 1][fault.column - 1 :].startswith("cluster-1")


def test_an_agent_that_is_away_is_warned_of_with_its_last_sign_of_life():
    file = checked(a_request(), ("cluster-1",)).file

    (seen,) = away_warnings(file, {"cluster-1": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "other": None})
    (never,) = away_warnings(file, {"cluster-1": None})

    assert "the agent 'cluster-1' is not connected (last seen 2026-01-02 03:04:05 UTC)" in seen
    assert "(never seen)" in never


def test_warnings_about_the_file_come_with_their_place():
    text = "version: v1\n" + deploy_file("ns", SET_25).removeprefix("version: v1\n") + "webhooks: []\n"

    start = checked(a_request(text), ("cluster-1",))

    assert all(warning.startswith("deploy.yaml:") for warning in start.warnings)


def test_a_request_id_has_a_limit():
    check_request_id("r" * 64)

    with pytest.raises(InvalidArgument, match="at most 64"):
        check_request_id("r" * 65)
    with pytest.raises(InvalidArgument, match="request_id"):
        checked(a_request(request_id="r" * 65), ("cluster-1",))


OTHERS = [
    pytest.param({"actor": "bob"}, id="actor"),
    pytest.param({"deploy_file": b"version: v2"}, id="file"),
    pytest.param({"application": "other"}, id="application"),
    pytest.param({"account": "cluster-2"}, id="account"),
    pytest.param({"context": {"suite": "full"}}, id="context"),
    pytest.param({"targets": ("prod",)}, id="targets"),
    pytest.param({"files": files(manifests("2"))}, id="content"),
    pytest.param({"files": files(path="other.yaml")}, id="path"),
    pytest.param({"files": {"shop.yaml": files()["shop.yaml"] * 2}}, id="one-file-more"),
]


@pytest.mark.parametrize("change", OTHERS)
def test_the_digest_tells_every_other_request_apart(change):
    assert replace(a_request(), **change).digest() != a_request().digest()


def test_the_digest_of_a_repeat_is_the_same_whatever_the_order_of_files():
    two = {**files(path="a.yaml"), **files(path="b.yaml")}

    one = a_request(files=two, request_id="r1").digest()

    assert one == a_request(files=dict(reversed(two.items())), request_id="r2").digest()


def test_the_digest_does_not_confuse_where_one_part_ends_and_the_next_begins():
    one = a_request(files={"a": (FileContent(name="bc", content=b""),)})
    other = a_request(files={"ab": (FileContent(name="c", content=b""),)})

    assert one.digest() != other.digest()


ADDRESS = "https://manifests.example/shop.yaml?key=hidden"
BODY = "https://hooks.example/w.json"
HOOK = f"webhooks: [{{name: w, uriTemplate: 'https://a.example', bodyTemplate: {{path: '{BODY}'}}}}]\n"


def by_address(*more):
    return deploy_file("ns", SET_25).replace("shop.yaml", ADDRESS, 1) + "".join(more)


def test_what_the_client_did_not_send_has_to_be_fetched():
    request = a_request(by_address(HOOK), files={BODY: files()["shop.yaml"]})

    assert read_file(request).addresses == (ADDRESS,)
    assert read_file(a_request()).addresses == ()


def test_what_was_fetched_is_deployed_and_kept_like_what_was_sent():
    fetched = {ADDRESS: files()["shop.yaml"], BODY: (FileContent(name=BODY, content=b"{}"),)}
    request = a_request(by_address(HOOK), files={"unused.yaml": ()})

    start = checked(request, ("cluster-1",), fetched=fetched)
    _, inputs = first_record(start, request, KEY, NOW)

    assert start.file.webhooks["w"].body == "{}"
    assert {path: [one.content for one in kept] for path, kept in inputs.files.items()} == {
        ADDRESS: [manifests("1")],
        BODY: ["{}"],
    }


def test_what_could_not_be_fetched_is_a_fault_where_it_is_named():
    request = a_request(by_address(HOOK), files={})

    with pytest.raises(DeployFileInvalid) as refused:
        checked(request, ("cluster-1",), unread={ADDRESS: "it answers 404 Not Found", BODY: "it is too large"})

    assert [(fault.code, fault.message) for fault in refused.value.faults] == [
        ("MANIFEST_NOT_FOUND", '"https://manifests.example/shop.yaml" cannot be fetched: it answers 404 Not Found'),
        ("BODY_NOT_FOUND", '"https://hooks.example/w.json" cannot be fetched: it is too large'),
    ]
    assert [code for code, _ in faults_of(request)] == ["MANIFEST_NOT_FOUND", "BODY_NOT_FOUND"]


def test_no_more_addresses_are_fetched_than_a_person_would_name():
    entries = "".join(f"  - {{path: 'https://m.example/{number}.yaml'}}\n" for number in range(ADDRESS_LIMIT + 1))
    text = f"application: shop\ntargets: {{qa: {{account: c, namespace: n}}}}\nmanifests:\n{entries}"

    with pytest.raises(InvalidArgument, match="names 51 addresses; at most 50 are fetched"):
        read_file(a_request(text))


def test_a_target_that_the_file_does_not_have_cannot_be_chosen():
    with pytest.raises(InvalidArgument, match="eu"):
        checked(a_request(targets=("eu",)), ("cluster-1",))


def test_the_context_is_kept_within_its_limits():
    recorded, inputs = started(a_request(context={"suite": "fast"}))

    assert recorded.deployment.context == inputs.context == {"suite": "fast"}
    for context in ({str(number): "" for number in range(CONTEXT_LIMIT + 1)}, {"a": "ä" * CONTEXT_LIMIT_BYTES}):
        with pytest.raises(InvalidArgument, match="at most 100 variables with 16 KiB"):
            read_file(a_request(context=context))


def test_what_is_kept_starts_the_same_once_more_without_fetching():
    fetched = {ADDRESS: files()["shop.yaml"]}
    request = a_request(
        by_address(), files={}, account="cluster-1", application="other", targets=("prod",), context={"a": "b"}
    )
    start = checked(request, ("cluster-1",), fetched=fetched)
    _, inputs = first_record(start, request, KEY, NOW)

    again = request_of(inputs, tenant="main", actor="ben")

    assert read_file(again).addresses == ()
    assert checked(again, ("cluster-1",)) == start
    assert again == replace(request, actor="ben", files=fetched)
