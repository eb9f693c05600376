"""Bodies of webhooks that lie in files: found, read, judged like those in the deploy file, and put in their place."""

from __future__ import annotations

import pytest

from borealis_deployfile.bodies import check_bodies
from borealis_deployfile.faults import Code
from borealis_deployfile.manifests import FileContent, collect_addresses, collect_paths
from borealis_deployfile.parse import check

HEAD = """\
application: shop
targets: {qa: {account: c, namespace: n, strategy: s, constraints: {beforeDeployment: [{runWebhook: {name: w}}]}}}
strategies: {s: {canary: {steps: []}}}
manifests: [{path: k8s}, {path: 'https://m.example/a.yaml?key=k'}]
context: {suite: fast}
"""
HOOK = "webhooks: [{name: w, uriTemplate: 'https://a.example', bodyTemplate: {path: hooks/w.json}}]\n"


def file_of(text=HEAD + HOOK, **given):
    result = check(text, file_name="deploy.yaml", **given)
    assert result.file is not None, result.faults
    return result.file


def judged(content, text=HEAD + HOOK, **given):
    files = {"hooks/w.json": (FileContent(name="app/hooks/w.json", content=content),)}
    return check_bodies(file_of(text, **given), files)


def told(faults):
    return [(fault.code, f"{fault.file}:{fault.line}:{fault.column}") for fault in faults]


def test_bodies_are_collected_like_manifests():
    remote = HOOK.replace("hooks/w.json", "'https://b.example/w.json'")

    assert collect_paths(file_of()) == ("k8s", "hooks/w.json")
    assert collect_addresses(file_of(HEAD + remote)) == ("https://m.example/a.yaml?key=k", "https://b.example/w.json")


def test_the_text_takes_the_place_of_the_path_and_its_secrets_count():
    result = judged('\ufeff{"suite": "{{context.suite}}",\n "token": "{{secrets.t}}"}'.encode())

    webhook = result.file.webhooks["w"]
    assert (result.faults, result.warnings) == ((), ())
    assert webhook.body == '{"suite": "{{context.suite}}",\n "token": "{{secrets.t}}"}'
    assert webhook.body_path is None
    (secret,) = result.file.secrets
    assert (secret.name, secret.origin.file, secret.origin.line, secret.origin.column) == (
        "t",
        "app/hooks/w.json",
        2,
        12,
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a":\n "{{armory.sweet}}"}', [(Code.UNRESOLVED_VARIABLE, "app/hooks/w.json:2:3")]),
        (b'{"a": "{{#each}}"}', [(Code.TEMPLATE_INVALID, "app/hooks/w.json:1:8")]),
        (b'{"a": "{{armory.promQlStepInterval}}"}', [(Code.UNRESOLVED_VARIABLE, "app/hooks/w.json:1:8")]),
        (b'{"a": "{{context.other}}"}', [(Code.UNRESOLVED_VARIABLE, "deploy.yaml:2:88")]),
        (b'{"a": "{{armory.replicaSetName}}"}', [(Code.UNRESOLVED_VARIABLE, "deploy.yaml:2:88")]),
        (b'{"a": "\xff"}', [(Code.ENCODING, "app/hooks/w.json:1:1")]),
    ],
    ids=["unknown-variable", "section", "only-for-queries", "context-never-set", "before-the-version", "not-utf-8"],
)
def test_faults_of_a_body_say_where_they_are(content, expected):
    assert told(judged(content).faults) == expected


def test_what_is_given_at_the_start_reaches_a_body_in_a_file():
    assert judged(b'{"a": "{{context.other}}"}', context={"other": "x"}).faults == ()


def test_a_body_that_is_not_there_is_a_fault_at_its_path():
    file = file_of()
    remote = file_of(HEAD + HOOK.replace("hooks/w.json", "'https://b.example/w.json?key=hidden'"))
    two = tuple(FileContent(name=name, content=b"{}") for name in ("a", "b"))

    for result in (
        check_bodies(file, {}),
        check_bodies(file, {"hooks/w.json": two}),
        check_bodies(remote, {}),
        check_bodies(remote, {}, unread={"https://b.example/w.json?key=hidden": "it answers 404 Not Found"}),
    ):
        (fault,) = result.faults
        assert (fault.code, fault.line, fault.path) == (Code.BODY_NOT_FOUND, 6, "webhooks[0].bodyTemplate.path")
        assert "hidden" not in fault.message
    assert fault.message == '"https://b.example/w.json" cannot be fetched: it answers 404 Not Found'


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        (b'{"a": {{context.suite}}\n "b": 1}', "app/hooks/w.json:2:2", "expecting ',' delimiter"),
        (b'{"a": "b"} {', "app/hooks/w.json:1:12", "extra data"),
        (b"[" * 100_000, "deploy.yaml:6:77", "nested too deep"),
    ],
)
def test_a_body_that_is_sent_as_json_and_is_none_is_warned_about(content, place, problem):
    (warning,) = judged(content).warnings

    assert (warning.code, f"{warning.file}:{warning.line}:{warning.column}") == (Code.INVALID_VALUE, place)
    assert problem in warning.message


def test_a_body_in_the_deploy_file_is_warned_about_too():
    (warning,) = check_bodies(file_of(HEAD + HOOK.replace("path: hooks/w.json", "inline: '{a: 1}'")), {}).warnings

    assert (warning.file, warning.line) == ("deploy.yaml", 6)
    assert warning.message.endswith("at line 1, column 2 of it")


@pytest.mark.parametrize("kind", ["text/plain", "{{context.suite}}"])
def test_other_types_may_hold_anything(kind):
    header = f"headers: [{{key: content-type, value: '{kind}'}}], bodyTemplate"

    assert judged(b"hello", HEAD + HOOK.replace("bodyTemplate", header)).warnings == ()
    assert judged(b" \n").warnings == ()


def test_only_http_and_https_are_fetched_and_passwords_never_kept():
    for path, word in (
        ("s3://b/w.json", "by http and https only"),
        ("https://ana:pw@b.example/w", "may not hold a user"),
    ):
        (fault,) = check(HEAD + HOOK.replace("hooks/w.json", f"'{path}'"), file_name="f").faults
        assert (fault.code, fault.path) == (Code.INVALID_VALUE, "webhooks[0].bodyTemplate.path")
        assert word in fault.message
        assert "pw" not in fault.message
