"""Settings of the agent: where they come from, which wins, and that secrets stay secret."""

from __future__ import annotations

import json

import pytest

from borealis_agent.settings import AgentSettings, SettingsFault, load_settings

GIVEN = {
    "server": "cd.example.com:7443",
    "ca_pem": "PEM",
    "agent": "prod",
    "client_id": "abc",
    "client_secret": "hush",
}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in AgentSettings.model_fields:
        monkeypatch.delenv(f"BOREALIS_AGENT_{name.upper()}", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def credentials(tmp_path):
    path = tmp_path / "prod.json"
    path.write_text(json.dumps(GIVEN))
    return path


def test_a_credentials_file_says_everything(credentials):
    link = load_settings(credentials_file=credentials).link()

    assert (link.server, link.agent, link.client_id) == ("cd.example.com:7443", "prod", "abc")
    assert link.client_secret.get_secret_value() == "hush"
    assert link.ca_pem == b"PEM"


def test_the_environment_wins_over_the_file(credentials, monkeypatch):
    monkeypatch.setenv("BOREALIS_AGENT_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("BOREALIS_AGENT_SERVER", "other:1")
    monkeypatch.setenv("BOREALIS_AGENT_CLIENT_SECRET", "other")

    link = load_settings().link()

    assert link.server == "other:1"
    assert link.client_secret.get_secret_value() == "other"
    assert link.agent == "prod"


def test_secret_and_certificates_can_come_from_files(tmp_path, credentials):
    (tmp_path / "secret").write_text("from-file\n")
    (tmp_path / "ca.pem").write_text("from-file")
    settings = load_settings(
        credentials_file=credentials,
        client_secret_file=tmp_path / "secret",
        ca_file=tmp_path / "ca.pem",
    )

    assert settings.link().client_secret.get_secret_value() == "from-file"
    assert settings.link().ca_pem == b"from-file"


def test_a_credentials_file_may_name_the_file_of_the_certificates(tmp_path):
    (tmp_path / "ca.pem").write_text("named")
    path = tmp_path / "prod.json"
    path.write_text(json.dumps({**GIVEN, "ca_pem": "", "ca_file": str(tmp_path / "ca.pem")}))

    assert load_settings(credentials_file=path).link().ca_pem == b"named"


def test_without_certificates_those_of_the_system_are_trusted(tmp_path):
    path = tmp_path / "prod.json"
    path.write_text(json.dumps({**GIVEN, "ca_pem": ""}))

    assert load_settings(credentials_file=path).link().ca_pem is None
    assert load_settings(credentials_file=path, ca_pem="MINE").link().ca_pem == b"MINE"


def test_all_faults_are_told_at_once():
    with pytest.raises(SettingsFault) as caught:
        load_settings().link()

    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == ["BOREALIS_AGENT_SERVER", "BOREALIS_AGENT_NAME", "no"]


@pytest.mark.parametrize("text", ["{", "[]", '"x"'])
def test_a_broken_credentials_file_is_named(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_text(text)

    with pytest.raises(SettingsFault, match=r"broken\.json .*borealis agent create"):
        load_settings(credentials_file=path).link()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsFault, match=r"cannot read .*nowhere"):
        load_settings(credentials_file=tmp_path / "nowhere").link()


def test_prefixes_are_a_comma_separated_list(monkeypatch):
    monkeypatch.setenv("BOREALIS_AGENT_KUBE_PATH_PREFIXES", "/api, /apis")

    assert load_settings().kube_path_prefixes == ("/api", "/apis")


def test_without_a_targets_file_the_kubernetes_api_is_all_there_is():
    policy = load_settings(kube_path_prefixes=("/api",)).policy()

    assert policy.names == ("kube",)
    assert policy.kube.paths == ("/api",)


def test_a_targets_file_says_all_that_may_be_reached(tmp_path):
    path = tmp_path / "targets.toml"
    path.write_text('[http.prometheus]\nurl = "http://prometheus:9090"\n')

    assert load_settings(targets_file=path).policy().names == ("prometheus",)


def test_a_missing_targets_file_is_named(tmp_path):
    with pytest.raises(SettingsFault, match=r"BOREALIS_AGENT_TARGETS_FILE: cannot read .*nowhere"):
        load_settings(targets_file=tmp_path / "nowhere").policy()


def test_a_targets_file_and_prefixes_do_not_go_together(tmp_path):
    with pytest.raises(SettingsFault, match="into the targets file"):
        load_settings(targets_file=tmp_path / "x", kube_path_prefixes=("/api",))


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "BOREALIS_AGENT_HTTPS_PROXY"])
def test_the_proxy_of_the_environment_is_used_for_the_server(credentials, monkeypatch, name):
    monkeypatch.setenv(name, "http://me:hush@proxy:3128")
    settings = load_settings(credentials_file=credentials)
    monkeypatch.setenv("NO_PROXY", "example.com")

    assert settings.link().proxy.host == "proxy"
    assert load_settings(credentials_file=credentials).link().proxy is None
    assert "hush" not in repr(settings) + settings.model_dump_json() + repr(settings.link())


def test_a_proxy_that_cannot_be_used_stops_the_start(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy:1")

    with pytest.raises(SettingsFault, match="https_proxy: a proxy is reached with http://"):
        load_settings()


def test_certificates_in_a_file_are_read_again(tmp_path, credentials):
    (tmp_path / "ca.pem").write_text("first")
    link = load_settings(credentials_file=credentials, ca_file=tmp_path / "ca.pem").link()
    before = link.trusted_pem()
    (tmp_path / "ca.pem").write_text("second")
    after = link.trusted_pem()
    (tmp_path / "ca.pem").unlink()

    assert (before, after, link.trusted_pem()) == (b"first", b"second", b"first")


def test_pages_are_on_in_a_pod(monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert load_settings().pages_address() == ""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert load_settings().pages_address() == ":8080"
    assert load_settings(health_address="127.0.0.1:1").pages_address() == "127.0.0.1:1"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("KUBE_PATH_PREFIXES", "api", "every prefix starts with /"),
        ("MAX_STREAMS", "0", "MAX_STREAMS"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch, name, value, says):
    monkeypatch.setenv(f"BOREALIS_AGENT_{name}", value)

    with pytest.raises(SettingsFault, match=says):
        load_settings()


def test_secrets_are_not_shown(credentials):
    settings = load_settings(credentials_file=credentials, client_secret="hush")

    shown = [repr(settings), str(settings), repr(settings.link()), json.dumps(settings.model_dump(mode="json"))]
    assert not any("hush" in text for text in shown)


def test_every_setting_is_described():
    undescribed = [name for name, field in AgentSettings.model_fields.items() if not field.description]

    assert undescribed == []
