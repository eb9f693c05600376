"""Files and folders of the owner alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from borealis_server.adapters import private_files
from borealis_server.adapters.client_file import ClientFile, read_client_file, write_client_file
from borealis_server.domain.startup import StartRefusedError

CLIENT = ClientFile(
    server="localhost:1", web="https://localhost:2", ca_file="/ca.pem", tenant="main", client_id="a", client_secret="b"
)


def test_a_new_folder_is_private_and_comes_back_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    opened = private_files.open_directory(tmp_path / "a" / ".." / "b" / "c")

    assert opened == tmp_path / "b" / "c"
    assert opened.stat().st_mode & 0o777 == 0o700


def test_an_empty_folder_is_closed_to_others(tmp_path):
    tmp_path.chmod(0o755)

    private_files.open_directory(tmp_path)

    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_folder_with_content_that_others_can_see_is_left_alone_and_refused(tmp_path):
    (tmp_path / "content").touch()
    tmp_path.chmod(0o750)

    with pytest.raises(StartRefusedError, match="chmod 700"):
        private_files.open_directory(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o750


def test_a_folder_of_somebody_else_is_refused(tmp_path):
    somebody_elses = Path("/")
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, -1)
        somebody_elses = tmp_path

    with pytest.raises(StartRefusedError, match="belongs to another user"):
        private_files.open_directory(somebody_elses)


def test_a_file_is_replaced_whole_and_private_and_nothing_else_stays(tmp_path):
    file = tmp_path / "sub" / "file"
    private_files.write(file, b"one")
    file.chmod(0o644)

    private_files.write(file, b"two")

    assert file.read_bytes() == b"two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path):
    file = tmp_path / "file"
    private_files.write(file, b"one")

    with pytest.raises(TypeError):
        private_files.write(file, "not bytes")  # type: ignore[arg-type]

    assert file.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(StartRefusedError, match="No such file"):
        private_files.read(tmp_path / "nothing")


HOLDER = """
import sys
from pathlib import Path
from borealis_server.adapters import private_files
with private_files.hold_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_held_by_one_and_free_when_its_holder_dies(tmp_path):
    file = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        with pytest.raises(StartRefusedError, match=rf"process {holder.pid}\b"), private_files.hold_lock(file):
            pass
        holder.kill()

    with private_files.hold_lock(file):
        assert file.read_text() == f"{os.getpid()}\n"


def test_a_client_file_comes_back_as_it_was(tmp_path):
    write_client_file(tmp_path / "client.json", CLIENT)

    assert read_client_file(tmp_path / "client.json") == CLIENT
    assert (tmp_path / "client.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"server": 1}'], ids=repr)
def test_a_damaged_client_file_holds_nothing(tmp_path, content):
    (tmp_path / "client.json").write_text(content)

    assert read_client_file(tmp_path / "client.json") is None
    assert read_client_file(tmp_path / "missing.json") is None
