"""The demo's three acts: version 1, version 2 as a canary with an approval, version 3 that never becomes ready."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from importlib import resources
from typing import TYPE_CHECKING

from borealis_cli.demo.stage import ProcessFailedError, Stage, stop_kept

if TYPE_CHECKING:
    from pathlib import Path

_AGENT = "demo-cluster"
_APPLICATION = "demo-shop"
_CONNECT_LIMIT_S = 60.0
_APPROVAL_LIMIT_S = 120.0
_READING_S = 3.0
_POLL_S = 0.5
_ROLLED_BACK = 11


class DemoFailedError(Exception):
    """Something went otherwise than the demo tells; the text says what."""


def play(folder: Path, *, context: str, is_kept: bool) -> None:
    """Play the demo in `folder`. Errors: DemoFailedError."""
    stop_kept(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    with resources.as_file(resources.files("borealis_cli.demo") / "files") as files:
        shutil.copytree(files, folder / "files")
    stage = Stage(folder)
    try:
        _set_up(stage, context)
        _first_version(stage)
        _canary(stage)
        _bad_version(stage)
        _farewell(stage, context, is_kept=is_kept)
    except ProcessFailedError as failure:
        raise DemoFailedError(str(failure)) from failure
    finally:
        if is_kept:
            stage.keep()
        else:
            stage.stop()


def stop(folder: Path) -> int:
    """Stop what an earlier demo left running; the exit status."""
    stopped = stop_kept(folder)
    _say(f"stopped: {', '.join(stopped)}" if stopped else "nothing of a demo is running")
    return 0


def _set_up(stage: Stage, context: str) -> None:
    _title("Setting the stage", "server, agent and cluster as processes of their own, talking over TLS")
    started = time.monotonic()
    ports = stage.folder / "ports.json"
    settings = {
        "BOREALIS_SERVER_DATA_DIR": str(stage.folder / "server"),
        "BOREALIS_SERVER_GRPC_ADDRESS": "127.0.0.1:0",
        "BOREALIS_SERVER_WEB_ADDRESS": "127.0.0.1:0",
    }
    stage.start("server", "borealis_server", "--port-file", str(ports), is_ready=ports.exists, env=settings)
    _done("control plane", started, "SQLite store, own certificate authority")
    agent_settings = {"BOREALIS_AGENT_CONTEXT": context} if context else _simulated_cluster(stage)
    credentials = stage.folder / "agent.json"
    _run(stage, "agent", "create", _AGENT, "--out", str(credentials), is_quiet=True)
    agent_settings["BOREALIS_AGENT_CREDENTIALS_FILE"] = str(credentials)
    started = time.monotonic()
    stage.start("agent", "borealis_agent", is_ready=lambda: _is_connected(stage), env=agent_settings)
    _done("agent", started, f"{_AGENT}, dialled out to the server; its cluster's credentials stay with it")


def _simulated_cluster(stage: Stage) -> dict[str, str]:
    started = time.monotonic()
    folder = stage.folder / "sandbox"
    kubeconfig = folder / "kubeconfig"
    stage.start("sandbox", "borealis_sandbox", "--data-dir", str(folder), is_ready=kubeconfig.exists, env={})
    _done("cluster", started, "a simulated Kubernetes API; CONTEXT=name takes a real one")
    return {"BOREALIS_AGENT_KUBECONFIG": str(kubeconfig)}


def _first_version(stage: Stage) -> None:
    _title("Version 1", "a first deployment has nothing to compare with, so the canary's steps are skipped")
    _deploy(stage, "v1")


def _canary(stage: Stage) -> None:
    _title("Version 2", "a canary: 25 % of the pods, then a person decides, then 100 %")
    command = _command("deploy", "-f", str(stage.folder / "files" / "v2" / "deploy.yaml"), "--watch")
    _show_command("deploy", "-f", "v2/deploy.yaml", "--watch")
    with subprocess.Popen(command, env=stage.environment()) as watching:  # noqa: S603 - our own CLI
        try:
            _await_approval(stage, watching)
            time.sleep(_READING_S)
            _run(stage, "approve", _APPLICATION, "--comment", "looks good", is_quiet=True)
        except BaseException:
            watching.terminate()  # leaving the context waits for it
            raise
        status = watching.wait()
    if status != 0:
        raise DemoFailedError(f"version 2 ended with exit status {status}, expected 0")


def _bad_version(stage: Stage) -> None:
    _title("Version 3", "its pods never become ready: after 60 s the old version is brought back by itself")
    _deploy(stage, "v3", expected=_ROLLED_BACK)
    _say("Exit status 11 says: failed and rolled back. Version 2 serves as before.")


def _deploy(stage: Stage, version: str, *, expected: int = 0) -> None:
    _show_command("deploy", "-f", f"{version}/deploy.yaml", "--watch")
    command = _command("deploy", "-f", str(stage.folder / "files" / version / "deploy.yaml"), "--watch")
    status = subprocess.run(command, env=stage.environment(), check=False).returncode  # noqa: S603 - our own CLI
    if status != expected:
        raise DemoFailedError(
            f"version {version.removeprefix('v')} ended with exit status {status}, expected {expected}"
        )


def _await_approval(stage: Stage, watching: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _APPROVAL_LIMIT_S
    while time.monotonic() < deadline and watching.poll() is None:
        (newest,) = _ask(stage, "list", _APPLICATION, "--limit", "1")["deployments"]
        if newest["state"] == "STATE_AWAITING_APPROVAL":
            return
        time.sleep(_POLL_S)
    raise DemoFailedError("version 2 never came to its approval")


def _is_connected(stage: Stage) -> bool:
    return any(agent["state"] == "STATE_CONNECTED" for agent in _ask(stage, "agent", "list")["agents"])


def _ask(stage: Stage, *arguments: str) -> dict[str, list[dict[str, str]]]:
    answer = subprocess.run(  # noqa: S603 - our own CLI
        _command(*arguments, "-o", "json"), env=stage.environment(), check=False, capture_output=True, text=True
    )
    if answer.returncode != 0:
        raise DemoFailedError(f"borealis {' '.join(arguments)}: {answer.stderr.strip()}")
    result: dict[str, list[dict[str, str]]] = json.loads(answer.stdout)
    return result


def _run(stage: Stage, *arguments: str, is_quiet: bool = False) -> None:
    answer = subprocess.run(  # noqa: S603 - our own CLI
        _command(*arguments), env=stage.environment(), check=False, capture_output=is_quiet, text=True
    )
    if answer.returncode != 0:
        raise DemoFailedError(f"borealis {' '.join(arguments)}: {(answer.stderr or '').strip()}")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "borealis_cli", *arguments]


def _farewell(stage: Stage, context: str, *, is_kept: bool) -> None:
    _title("That was it", "")
    if is_kept:
        _say("Server, agent and cluster are still running. In another terminal:")
        _say(f"  export BOREALIS_CONTEXT_FILE={stage.context_file}")
        _say("  .venv/bin/borealis list                      see what was deployed")
        _say(f"  .venv/bin/borealis status {_APPLICATION}          see the newest deployment")
        _say(f"  .venv/bin/borealis deploy -f {stage.folder}/files/v2/deploy.yaml --watch")
        _say("  make demo-stop                               stop everything")
    else:
        _say("Next:")
        _say("  make demo KEEP=1                             the same, and leave it running to play with")
        _say("  make demo CONTEXT=name                       the same on a cluster of your kubeconfig")
        _say("  .venv/bin/borealis server                    your own control plane; it tells what to type next")
        _say("  docs/first-deploy.md                         your first own deploy file")
    if context:
        _say(f"The example is left in the cluster: kubectl --context {context} delete namespace borealis-demo")


def _title(title: str, text: str) -> None:
    _say(f"\n== {title}" + (f": {text}" if text else ""))


def _show_command(*arguments: str) -> None:
    _say(f"$ borealis {' '.join(arguments)}")


def _done(what: str, started: float, detail: str) -> None:
    _say(f"  ✔ {what:<14} {time.monotonic() - started:4.1f} s   {detail}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
