"""Settings: where they come from, what they must be, how they are shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from borealis_server.__main__ import run
from borealis_server.settings import ServerSettings, describe, faults_of, split_address, unknown_variables


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("BOREALIS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return monkeypatch


def faults(**fields) -> list[str]:
    with pytest.raises(ValidationError) as error:
        ServerSettings(**fields)
    return faults_of(error.value)


def test_without_any_setting_there_is_a_default_for_each(tmp_path):
    settings = ServerSettings()

    assert settings.data_dir == tmp_path / "borealis" / "server"
    assert settings.grpc_address == "127.0.0.1:7443"
    assert settings.web_address == "127.0.0.1:8443"
    assert settings.host_names[:2] == ("localhost", "127.0.0.1")


def test_the_environment_sets_and_arguments_override(environment):
    environment.setenv("BOREALIS_SERVER_HOST_NAMES", " a.example.com, b.example.com ,")
    environment.setenv("BOREALIS_SERVER_TOKEN_LIFETIME_S", "120")
    environment.setenv("BOREALIS_SERVER_GRPC_ADDRESS", "0.0.0.0:1")

    settings = ServerSettings(grpc_address="[::1]:2")

    assert settings.host_names == ("a.example.com", "b.example.com")
    assert settings.token_lifetime_s == 120
    assert settings.grpc_address == "[::1]:2"


@pytest.mark.parametrize(
    ("address", "parts"),
    [("localhost:0", ("localhost", 0)), ("[::1]:65535", ("::1", 65535)), ("10.0.0.1:7", ("10.0.0.1", 7))],
)
def test_an_address_has_a_host_and_a_port(address, parts):
    assert split_address(address) == parts


@pytest.mark.parametrize(
    "address", ["", "localhost", ":1", "localhost:", "localhost:x", "localhost:65536", "a:-1", "a:²"]
)
def test_anything_else_is_no_address(address):
    (fault,) = faults(grpc_address=address)

    assert fault == "BOREALIS_SERVER_GRPC_ADDRESS: must be `host:port`, with a port from 0 to 65535"


def test_every_fault_is_named_at_once():
    lines = faults(token_lifetime_s=1, log_level="loud", host_names="")

    assert [line.partition(":")[0] for line in lines] == [
        "BOREALIS_SERVER_HOST_NAMES",
        "BOREALIS_SERVER_TOKEN_LIFETIME_S",
        "BOREALIS_SERVER_LOG_LEVEL",
    ]


def test_a_certificate_comes_with_its_key():
    assert faults(tls_cert_file="c.pem") == ["tls_cert_file and tls_key_file: give both or none"]
    assert faults(tls_ca_file="c.pem") == ["tls_ca_file goes with tls_cert_file and tls_key_file"]
    assert ServerSettings(tls_cert_file=Path("c.pem"), tls_key_file=Path("k.pem")).tls_cert_file == Path("c.pem")


def test_a_mistyped_variable_is_not_ignored():
    variables = {"BOREALIS_SERVER_DATADIR": "x", "BOREALIS_SERVER_XYZ": "x", "BOREALIS_SERVER": "x", "PATH": "x"}

    assert unknown_variables(variables) == [
        "BOREALIS_SERVER_DATADIR: there is no such setting; did you mean BOREALIS_SERVER_DATA_DIR?",
        "BOREALIS_SERVER_XYZ: there is no such setting",
    ]


def test_the_variables_of_a_kubernetes_service_are_not_ours():
    variables = {
        "BOREALIS_SERVER_SERVICE_HOST": "10.0.0.1",
        "BOREALIS_SERVER_SERVICE_PORT_GRPC": "7443",
        "BOREALIS_SERVER_PORT": "tcp://10.0.0.1:7443",
        "BOREALIS_SERVER_PORT_7443_TCP_ADDR": "10.0.0.1",
    }

    assert unknown_variables(variables) == []


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        ServerSettings().log_level = "debug"


@pytest.mark.parametrize("name", ServerSettings.model_fields)
def test_every_setting_has_a_sentence_and_is_shown(name):
    field = ServerSettings.model_fields[name]

    assert field.description
    assert field.description.rstrip().endswith((".", "`."))
    assert f"\nBOREALIS_SERVER_{name.upper()}=" in describe(ServerSettings())


def test_check_settings_shows_them_and_starts_nothing(capsys, tmp_path):
    assert run(["--check-settings", "--grpc-address", "localhost:5"]) == 0

    assert "BOREALIS_SERVER_GRPC_ADDRESS=localhost:5" in capsys.readouterr().out
    assert not (tmp_path / "borealis").exists()


def test_wrong_options_and_variables_are_told_together(capsys, environment):
    environment.setenv("BOREALIS_SERVER_LOG_LEVL", "debug")

    assert run(["--web-address", "nowhere"]) == 2

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all(line.startswith("borealis server: BOREALIS_SERVER_") for line in said)
