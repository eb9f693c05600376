"""The example is a program that users copy, so it must work as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from borealis_client import DeploymentState
from kit.client_messages import NAME, a_deployment, a_waiting_target, an_event, the_end
from kit.scripted_server import CLIENT_ID, CLIENT_SECRET

if TYPE_CHECKING:
    from kit.scripted_server import ScriptedServer

EXAMPLE = Path(__file__).parents[3] / "clients" / "python" / "examples" / "deploy_and_follow.py"
DEPLOY_FILE = """\
version: v1
kind: kubernetes
application: shop
targets:
  prod: {account: kind, namespace: shop}
manifests:
  - inline: "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}"
"""


def run(server: ScriptedServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "BOREALIS_SERVER": server.address,
        "BOREALIS_CA_FILE": str(server.ca_file),
        "BOREALIS_CLIENT_ID": CLIENT_ID,
        "BOREALIS_CLIENT_SECRET": CLIENT_SECRET,
    }
    return subprocess.run(
        [sys.executable, EXAMPLE, *arguments], capture_output=True, text=True, env=env, timeout=20, check=False
    )


@pytest.mark.parametrize(("state", "code"), [(DeploymentState.SUCCEEDED, 0), (DeploymentState.FAILED, 1)])
def test_it_starts_approves_and_follows_to_the_end(
    server: ScriptedServer, tmp_path: Path, state: DeploymentState, code: int
):
    file = tmp_path / "deploy.yaml"
    file.write_text(DEPLOY_FILE)
    awaiting = an_event(2, target_run=a_waiting_target(), deployment_state=DeploymentState.AWAITING_APPROVAL)
    server.watches.append([a_deployment(), awaiting, the_end(3, state)])

    done = run(server, str(file), "--approve")

    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == f"started {NAME}"
    assert done.stdout.splitlines()[-1].startswith(f"3 {state.name}")
    assert len(server.called("ApproveDeployment")) == 1
    assert done.returncode == code


def test_faults_of_the_file_are_all_shown(server: ScriptedServer, tmp_path: Path):
    file = tmp_path / "deploy.yaml"
    file.write_text("kind: kubernetes\ncolour: blue\n")

    done = run(server, str(file))

    assert done.returncode == 2
    assert "colour" in done.stderr
    assert not server.calls
