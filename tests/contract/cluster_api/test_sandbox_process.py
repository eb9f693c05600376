"""The sandbox as people start it: one command, one line, a kubeconfig, and a clean end."""

from __future__ import annotations

import json
import ssl
import stat
import sys
import urllib.request
from typing import TYPE_CHECKING

import yaml

from kit.programs import Program

if TYPE_CHECKING:
    from pathlib import Path

_LIMIT_S = 20.0


def _start(folder: Path) -> Program:
    command = [sys.executable, "-W", "error", "-m", "borealis_sandbox", "--data-dir", str(folder), "--speed", "10"]
    return Program(command, log=folder.parent / "log")


def test_the_command_serves_what_its_kubeconfig_says_and_ends_when_told(tmp_path: Path) -> None:
    with _start(tmp_path / "data") as program:
        program.wait_until(lambda: "ready" in program.log.read_text(), what="the ready line", limit_s=_LIMIT_S)
        kubeconfig = tmp_path / "data" / "kubeconfig"
        found = yaml.safe_load(kubeconfig.read_text())
        url = found["clusters"][0]["cluster"]["server"]
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(f"{url}/version", context=context, timeout=_LIMIT_S) as answer:  # noqa: S310 - https
            version = json.load(answer)
        program.stop(grace_s=_LIMIT_S)

        assert program.exit_code == 0, program.log_tail()
    assert version["gitVersion"].endswith("+borealis-sandbox")
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
    assert len(program.log.read_text().splitlines()) == 1
