"""Where to connect and as whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from borealis_client import NotLoggedInError, ServerAddress, SettingsError, resolve
from borealis_client.retry import RetryPolicy

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def context(tmp_path: Path) -> dict[str, str]:
    """An environment whose context file names a server and a credential."""
    file = tmp_path / "client.json"
    content = {
        "server": "localhost:7443",
        "web": "https://localhost:8443",
        "ca_file": "/ca.pem",
        "tenant": "main",
        "client_id": "file-id",
        "client_secret": "file-secret",
    }
    file.write_text(json.dumps(content))
    file.chmod(0o600)
    return {"BOREALIS_CONTEXT_FILE": str(file)}


def test_the_context_file_is_enough(context: dict[str, str]):
    settings = resolve(environment=context)

    assert str(settings.server) == "localhost:7443"
    assert str(settings.ca_file) == "/ca.pem"
    assert (settings.client_id, settings.client_secret, settings.tenant) == ("file-id", "file-secret", "main")
    assert settings.warnings == ()


@pytest.mark.usefixtures("context")
def test_the_context_file_is_found_in_the_data_home(tmp_path: Path):
    folder = tmp_path / "borealis" / "server"
    folder.mkdir(parents=True)
    (tmp_path / "client.json").rename(folder / "client.json")

    assert resolve(environment={"XDG_DATA_HOME": str(tmp_path)}).client_id == "file-id"


def test_the_environment_wins_over_the_file_and_arguments_over_both(context: dict[str, str]):
    env = context | {"BOREALIS_CLIENT_ID": "env-id", "BOREALIS_CLIENT_SECRET": "env-secret"}

    assert resolve(environment=env).client_id == "env-id"
    assert resolve(client_id="own", client_secret="own-secret", environment=env).client_id == "own"
    assert resolve(token="t", environment=env).token == "t"


def test_a_file_others_can_read_is_warned_about(tmp_path: Path, context: dict[str, str]):
    (tmp_path / "client.json").chmod(0o644)

    (warning,) = resolve(environment=context).warnings

    assert "chmod 600" in warning


def test_the_files_secret_never_goes_to_another_server(context: dict[str, str]):
    with pytest.raises(NotLoggedInError, match="elsewhere:7443"):
        resolve("elsewhere", environment=context)


def test_the_file_serves_when_the_same_server_is_named(context: dict[str, str]):
    assert resolve("localhost", environment=context).client_id == "file-id"


def test_no_server_at_all_says_how_to_get_one(tmp_path: Path):
    with pytest.raises(NotLoggedInError, match="borealis server"):
        resolve(environment={"HOME": str(tmp_path)})


@pytest.mark.parametrize("half", [{"BOREALIS_CLIENT_ID": "x"}, {"BOREALIS_CLIENT_SECRET": "x"}])
def test_half_a_credential_is_refused(half: dict[str, str]):
    with pytest.raises(SettingsError, match="missing"):
        resolve("h", environment=half)


@pytest.mark.parametrize("content", ["{", "[]", '{"server": 1}'])
def test_a_broken_context_file_is_named(tmp_path: Path, content: str):
    file = tmp_path / "client.json"
    file.write_text(content)

    with pytest.raises(SettingsError, match=r"client\.json"):
        resolve(environment={"BOREALIS_CONTEXT_FILE": str(file)})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", "localhost:7443"),
        ("localhost:1", "localhost:1"),
        ("https://hub.example:443/", "hub.example:443"),
        ("[::1]:7443", "[::1]:7443"),
        ("127.0.0.1:0", "127.0.0.1:0"),
    ],
)
def test_addresses_are_read(text: str, expected: str):
    assert str(ServerAddress.parse(text)) == expected


@pytest.mark.parametrize("text", ["http://h", "h:port", "https://", "h/path", "user@h", ":7443", "h:99999", "[::1"])
def test_other_addresses_are_refused(text: str):
    with pytest.raises(SettingsError, match="host:port"):
        ServerAddress.parse(text)


def test_a_missing_or_empty_authority_file_is_named(tmp_path: Path):
    empty = tmp_path / "empty.pem"
    empty.write_text("")

    with pytest.raises(SettingsError, match="no file"):
        resolve("h", ca_file=tmp_path / "none.pem", token="t").ssl_context()
    with pytest.raises(SettingsError, match="no certificate"):
        resolve("h", ca_file=empty, token="t").ssl_context()


def test_waits_double_up_to_the_limit_and_are_spread_over_the_whole_range():
    highest = RetryPolicy(base_s=1, limit_s=5, dice=lambda: 1.0)
    lowest = RetryPolicy(base_s=1, limit_s=5, dice=lambda: 0.0)

    assert [highest.wait_s(failures) for failures in range(1, 6)] == [1, 2, 4, 5, 5]
    assert lowest.wait_s(9999) == 0
    assert highest.wait_s(9999) == 5
