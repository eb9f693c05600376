"""A server as a process: first start, later starts, what stops it, and what it refuses to start with."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READY_LIMIT_S = 30


class Process:
    def __init__(self, popen: subprocess.Popen[str], data_dir: Path, port_file: Path) -> None:
        self.popen = popen
        self.data_dir = data_dir
        self._port_file = port_file

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_LIMIT_S
        while not self._port_file.exists():
            assert self.popen.poll() is None, self.popen.stderr and self.popen.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.ports = json.loads(self._port_file.read_text())

    @property
    def client(self):
        return json.loads((self.data_dir / "client.json").read_text())

    def token_status(self):
        """HTTP status of a token request with the credential in client.json."""
        client = self.client
        context = ssl.create_default_context(cafile=client["ca_file"])
        form = f"grant_type=client_credentials&client_id={client['client_id']}&client_secret={client['client_secret']}"
        request = urllib.request.Request(f"{client['web']}/oauth/token", data=form.encode())  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as response:  # noqa: S310 - our own
                return response.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code


def command(data_dir: Path, *options: str) -> list[str]:
    free = ("--grpc-address", "127.0.0.1:0", "--web-address", "127.0.0.1:0")
    return [sys.executable, "-m", "borealis_server", "--data-dir", str(data_dir), *free, *options]


def environment(**variables: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BOREALIS_")}
    return clean | {f"BOREALIS_SERVER_{name}": value for name, value in variables.items()}


@contextmanager
def start(data_dir: Path, *options: str) -> Iterator[Process]:
    """A server process that is ready; killed at the end unless it has ended."""
    port_file = data_dir.with_suffix(".ports")
    port_file.unlink(missing_ok=True)
    with subprocess.Popen(
        command(data_dir, "--port-file", str(port_file), *options),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as popen:
        try:
            process = Process(popen, data_dir, port_file)
            process.wait_ready()
            yield process
        finally:
            popen.kill()


def refusal(data_dir: Path, *options: str, **variables: str) -> str:
    """What a start that is refused says, in one line."""
    done = subprocess.run(
        command(data_dir, *options),
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=READY_LIMIT_S,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not done.stdout
    return done.stderr


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_the_first_start_makes_everything_and_keeps_it_private(data_dir):
    with start(data_dir) as server:
        assert server.token_status() == 200
        assert set(server.client) == {"server", "web", "ca_file", "tenant", "client_id", "client_secret"}
        assert server.client["server"] == f"localhost:{server.ports['grpc']}"
        server.popen.send_signal(signal.SIGTERM)
        greeting, errors = server.popen.communicate(timeout=15)

    assert server.popen.returncode == 0, errors
    assert f"localhost:{server.ports['grpc']}" in greeting
    assert "borealis agent create" in greeting
    assert server.client["client_secret"] not in greeting + errors
    assert data_dir.stat().st_mode & 0o777 == 0o700
    files = [file for file in data_dir.rglob("*") if file.is_file()]
    assert files
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_a_second_start_goes_on_with_the_same_keys_authority_and_credential(data_dir):
    with start(data_dir) as server:
        before = server.client
        kept = {
            name: (data_dir / name).read_bytes() for name in ("tls/ca.pem", "tls/server.pem", "keys/token-signing.pem")
        }
        server.popen.send_signal(signal.SIGINT)
        assert server.popen.wait(15) == 0

    with start(data_dir) as server:
        assert server.client["client_id"] == before["client_id"]
        assert server.client["client_secret"] == before["client_secret"]
        assert {name: (data_dir / name).read_bytes() for name in kept} == kept
        assert server.token_status() == 200


def test_a_killed_server_starts_again_as_if_nothing_had_happened(data_dir):
    with start(data_dir) as server:
        before = server.client["client_id"]
        server.popen.kill()
        server.popen.wait(15)

    with start(data_dir) as server:
        assert server.client["client_id"] == before
        assert server.token_status() == 200


def test_a_lost_client_file_is_made_anew_and_the_lost_secret_is_good_no_more(data_dir):
    with start(data_dir) as server:
        before = server.client
    (data_dir / "client.json").unlink()

    with start(data_dir) as server:
        assert server.client["client_id"] != before["client_id"]
        assert server.token_status() == 200
        ports_now = {name: server.client[name] for name in ("server", "web")}
        (data_dir / "client.json").write_text(json.dumps(before | ports_now))
        assert server.token_status() == 401


def test_a_revoked_local_credential_stays_revoked(data_dir):
    with start(data_dir):
        pass
    with sqlite3.connect(data_dir / "borealis.db") as database:
        database.execute("DELETE FROM credentials")
    database.close()

    with start(data_dir) as server:
        assert server.token_status() == 401


def test_a_second_server_on_the_same_folder_is_refused_and_told_which_process(data_dir):
    """Hard case 17."""
    with start(data_dir) as server:
        said = refusal(data_dir)

        assert f"another server (process {server.popen.pid})" in said
        assert server.token_status() == 200


@pytest.mark.parametrize("door", ["grpc", "web"])
def test_a_taken_port_is_named(data_dir, door):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refusal(data_dir, f"--{door}-address", address)

    assert f"cannot listen on {address}" in said
    assert f"BOREALIS_SERVER_{door.upper()}_ADDRESS" in said


def test_a_folder_that_is_open_to_others_is_refused(data_dir):
    data_dir.mkdir()
    data_dir.chmod(0o755)
    (data_dir / "something").touch()

    assert "chmod 700" in refusal(data_dir)


def test_a_path_that_is_no_folder_is_refused(tmp_path):
    file = tmp_path / "file"
    file.touch()

    assert "cannot use" in refusal(file)


def test_a_certificate_that_cannot_be_used_is_refused(data_dir, tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("not a certificate")

    assert "holds no PEM certificate" in refusal(data_dir, TLS_CERT_FILE=str(bad), TLS_KEY_FILE=str(bad))
    missing = str(tmp_path / "missing.pem")
    assert "cannot read" in refusal(data_dir, TLS_CERT_FILE=missing, TLS_KEY_FILE=missing)


def test_a_store_of_a_newer_server_is_refused(data_dir):
    with start(data_dir):
        pass
    with sqlite3.connect(data_dir / "borealis.db") as database:
        database.execute("INSERT INTO schema_version (version) VALUES (999)")
    database.close()

    assert "newer Borealis (schema 999" in refusal(data_dir)


def test_wrong_settings_are_named_all_at_once_and_nothing_is_made(data_dir):
    done = subprocess.run(
        command(data_dir),
        env=environment(TOKEN_LIFETIME_S="soon", LOG_FORMAT="xml", TOKEN_LIFETME_S="5", TLS_KEY_FILE="x"),
        capture_output=True,
        text=True,
        timeout=READY_LIMIT_S,
        check=False,
    )

    assert done.returncode == 2
    for text in ("BOREALIS_SERVER_TOKEN_LIFETIME_S:", "BOREALIS_SERVER_LOG_FORMAT:", "did you mean"):
        assert text in done.stderr
    assert not data_dir.exists()
