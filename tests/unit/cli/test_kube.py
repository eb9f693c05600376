"""Kubeconfigs and credentials for kubectl."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from borealis_cli.failures import CommandFailedError
from borealis_cli.kube.kubeconfig import Entry, merge_into, token_plugin, write_new
from borealis_cli.kube.places import _is_loopback, exec_credential
from borealis_client import AccessToken, SettingsError

PROD = Entry(
    name="borealis-prod",
    server="https://localhost:8443/kube/prod",
    ca_file=Path("/etc/ca.crt"),
    user=token_plugin(["--server", "localhost:7443"], {"BOREALIS_CONTEXT_FILE": "/etc/client.json"}),
)


def test_a_new_kubeconfig_is_whole_and_private(tmp_path):
    file = tmp_path / "folder" / "config"

    was_there = merge_into(file, PROD)

    document = yaml.safe_load(file.read_text())
    assert not was_there
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert document["current-context"] == "borealis-prod"
    assert document["clusters"][0]["cluster"] == {
        "server": "https://localhost:8443/kube/prod",
        "certificate-authority": "/etc/ca.crt",
    }
    plugin = document["users"][0]["user"]["exec"]
    assert plugin["args"] == ["-m", "borealis_cli", "kube", "token", "--server", "localhost:7443"]
    assert plugin["env"] == [{"name": "BOREALIS_CONTEXT_FILE", "value": "/etc/client.json"}]


def test_merging_keeps_everything_else_and_replaces_the_entry_of_the_same_name(tmp_path):
    file = tmp_path / "config"
    old = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {"colors": True},
        "current-context": "mine",
        "clusters": [{"name": "mine", "cluster": {"server": "https://mine"}}, {"name": "borealis-prod", "cluster": {}}],
        "users": [{"name": "mine", "user": {"token": "secret"}}],
        "contexts": None,
    }
    file.write_text(yaml.safe_dump(old))

    was_there = merge_into(file, PROD)
    merge_into(file, PROD)

    document = yaml.safe_load(file.read_text())
    assert was_there
    assert (document["current-context"], document["preferences"]) == ("mine", {"colors": True})
    assert [one["name"] for one in document["clusters"]] == ["mine", "borealis-prod"]
    assert document["users"][0] == {"name": "mine", "user": {"token": "secret"}}
    assert [one["name"] for one in document["contexts"]] == ["borealis-prod"]


@pytest.mark.parametrize("text", ["a: [", "- a list", "clusters: a text", "\x00"])
def test_what_is_no_kubeconfig_is_left_alone(tmp_path, text):
    file = tmp_path / "config"
    file.write_text(text)

    with pytest.raises(CommandFailedError, match="is no kubeconfig"):
        merge_into(file, PROD)

    assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandFailedError, match="cannot write"):
        merge_into(tmp_path / "file" / "config", PROD)


def test_the_proxys_kubeconfig_is_private_from_the_start(tmp_path):
    file = tmp_path / "kubeconfig"

    write_new(file, Entry(name="a", server="http://127.0.0.1:1/secret"))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert yaml.safe_load(file.read_text())["users"] == [{"name": "a", "user": {}}]


TOKEN = AccessToken(text="a.b.c", expires_at=datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC), issuer="https://localhost")


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("", "client.authentication.k8s.io/v1beta1"),
        ('{"apiVersion": "client.authentication.k8s.io/v1"}', "client.authentication.k8s.io/v1"),
        ("not json", "client.authentication.k8s.io/v1beta1"),
        ("[]", "client.authentication.k8s.io/v1beta1"),
    ],
)
def test_kubectl_gets_the_token_in_the_version_that_it_asks_for_and_asks_again_in_time(asked, version):
    document = exec_credential(TOKEN, {"KUBERNETES_EXEC_INFO": asked})

    assert document == {
        "apiVersion": version,
        "kind": "ExecCredential",
        "status": {"token": "a.b.c", "expirationTimestamp": "2026-01-01T12:00:00Z"},
    }


@pytest.mark.parametrize("text", ["", "opaque", "a.b", "a.!!!.c", "a.e30.c"])
def test_a_token_that_says_nothing_about_itself_is_refused(text):
    with pytest.raises(SettingsError, match="no JSON Web Token"):
        AccessToken.parse(text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("10.0.0.1", False), ("me", False)],  # noqa: S104 - a value to look at
)
def test_addresses_that_others_can_reach_are_told_apart(address, expected):
    assert _is_loopback(address) is expected


def test_an_agent_must_be_named(cli):
    outcome = cli("kube", "proxy")

    assert outcome.code == 2
    assert "--agent" in outcome.err


def test_an_unknown_agent_is_exit_code_6_before_anything_is_written(cli, tmp_path):
    outcome = cli("kube", "config", "--agent", "nobody", "--out", str(tmp_path / "config"), "-o", "json")

    assert outcome.code == 6
    assert json.loads(outcome.err)["error"]["reason"] == "AGENT_NOT_FOUND"
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("value", ["soon", "0s", "-5m"])
def test_a_time_that_is_none_names_its_option(cli, value):
    outcome = cli("audit", "list", f"--since={value}")

    assert outcome.code == 2
    assert "--since" in outcome.err
