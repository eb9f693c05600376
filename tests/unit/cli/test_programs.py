"""The command line as a program: start-up, other programs, pipes, terminals, Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from borealis_client import DeploymentState
from kit.client_messages import NAME, a_deployment, a_waiting_target, an_event, the_end
from kit.scripted_server import ScriptedServer, Silence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-c", "from borealis_cli.main import run; run()"]
HEAVY = (
    "grpclib",
    "grpc",
    "rich.live",
    "borealis_client",
    "borealis_server",
    "borealis_agent",
    "kubernetes_asyncio",
    "yaml",
)
LIMIT_S = 20


@pytest.fixture
def env(environment: dict[str, str]) -> dict[str, str]:
    return os.environ | environment | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", "LINES": "30"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["version"], ["deploy", "--help"], ["agent", "--help"], ["nonsense"]]
)
def test_what_needs_no_server_loads_nothing_heavy(arguments: list[str]):
    code = (
        "import sys; from borealis_cli.main import main\n"
        f"main({arguments!r})\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "module", "passed"),
    [
        (["server", "--check-settings"], "borealis_server", ["--check-settings"]),
        (["server", "--help"], "borealis_server", ["--help"]),
        (["sandbox", "--port", "0", "x"], "borealis_sandbox", ["--port", "0", "x"]),
        (["agent"], "borealis_agent", []),
        (["agent", "--once", "--name", "x"], "borealis_agent", ["--once", "--name", "x"]),
        (["agent", "run", "--help"], "borealis_agent", ["--help"]),
    ],
)
def test_other_programs_take_over_with_their_arguments(
    tmp_path: Path, env: dict[str, str], arguments: list[str], module: str, passed: list[str]
):
    (tmp_path / module).mkdir()
    (tmp_path / module / "__init__.py").touch()
    (tmp_path / module / "__main__.py").write_text("import os, sys; print(os.getpid(), *sys.argv[1:])")
    started = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env=env | {"PYTHONPATH": str(tmp_path)}
    )

    out, _ = started.communicate(timeout=LIMIT_S)

    assert out.split() == [str(started.pid), *passed]
    assert started.returncode == 0


def test_agent_help_is_the_groups_own(cli):
    assert "create" in cli("agent", "--help").out


def test_each_change_is_a_line_in_a_pipe_as_it_happens(server: ScriptedServer, env: dict[str, str]):
    server.watches.append([a_deployment(), an_event(2, target_run=a_waiting_target()), Silence(seconds=LIMIT_S)])
    watching = subprocess.Popen([*COMMAND, "watch", NAME], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)

    with ended(watching):
        assert watching.stdout is not None
        lines = [watching.stdout.readline().decode() for _ in range(3)]

    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  shop", line) for line in lines)
    assert "\x1b" not in "".join(lines)
    assert "borealis approve abcdefgh2345/prod" in lines[2]


def test_ctrl_c_detaches_and_says_how_to_return(server: ScriptedServer, env: dict[str, str]):
    server.watches.append([a_deployment(), Silence(seconds=LIMIT_S)])
    watching = subprocess.Popen([*COMMAND, "watch", NAME], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)

    with ended(watching):
        assert watching.stdout is not None
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=LIMIT_S)

    assert watching.returncode == 130
    assert "detached; the deployment goes on: borealis watch abcdefgh2345" in err.decode()


def test_a_reader_that_leaves_is_no_crash(env: dict[str, str]):
    done = subprocess.run(
        ["bash", "-c", '"$@" | true', "_", *COMMAND, "list"], capture_output=True, env=env, timeout=LIMIT_S, check=False
    )

    assert b"Traceback" not in done.stderr


def test_the_tree_on_a_terminal_is_redrawn_and_its_end_stays(server: ScriptedServer, env: dict[str, str]):
    server.deployments[NAME] = a_deployment(state=DeploymentState.SUCCEEDED, message="all is well")
    waiting = an_event(2, target_run=a_waiting_target())
    server.watches.append([a_deployment(), waiting, Silence(seconds=0.8), the_end(3, DeploymentState.SUCCEEDED)])

    code, screen = on_terminal(["watch", NAME], env)

    assert code == 0
    assert "\x1b[" in screen
    assert "├─" in screen
    assert "borealis approve abcdefgh2345/prod" in plain(screen)
    assert "SUCCEEDED" in plain(screen).split("AWAITING APPROVAL")[-1]
    assert "all is well" in plain(screen)
    assert screen.rstrip().endswith("\x1b[?25h")  # the cursor is back


def test_no_color_means_no_color_and_other_encodings_get_ascii(server: ScriptedServer, env: dict[str, str]):
    server.deployments[NAME] = a_deployment(state=DeploymentState.SUCCEEDED)

    _, screen = on_terminal(["watch", NAME], env | {"NO_COLOR": "1", "PYTHONIOENCODING": "ascii"})

    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", screen)
    assert plain(screen).isascii()
    assert "`- " in screen


@pytest.mark.parametrize("variable", [{"TERM": "dumb"}, {"BOREALIS_SCREEN_READER": "1"}])
def test_a_terminal_that_cannot_be_redrawn_gets_lines(
    server: ScriptedServer, env: dict[str, str], variable: dict[str, str]
):
    server.deployments[NAME] = a_deployment(state=DeploymentState.SUCCEEDED)

    _, screen = on_terminal(["watch", NAME], env | variable)

    assert "\x1b" not in screen
    assert "shop/prod" in screen


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.kill()
        process.wait(LIMIT_S)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def plain(screen: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)


def on_terminal(arguments: list[str], env: dict[str, str]) -> tuple[int, str]:
    """Exit code and everything written, of the command on a terminal of its own."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    written, deadline = b"", time.monotonic() + LIMIT_S
    with ended(process):
        while time.monotonic() < deadline and select.select([ours], [], [], LIMIT_S)[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other end is closed: how Linux says that a terminal has gone
                break
            written += chunk
        code = process.wait(LIMIT_S)
    os.close(ours)
    return code, written.decode("utf-8", "replace")
