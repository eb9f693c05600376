from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from borealis_cli.main import main
from kit.client_messages import NAME, a_deployment
from kit.scripted_server import CLIENT_ID, CLIENT_SECRET, ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScriptedServer]:
    with ScriptedServer(tmp_path) as server:
        server.deployments[NAME] = a_deployment()
        yield server


@pytest.fixture
def environment(server: ScriptedServer) -> dict[str, str]:
    return {
        "BOREALIS_SERVER": server.address,
        "BOREALIS_CA_FILE": str(server.ca_file),
        "BOREALIS_CLIENT_ID": CLIENT_ID,
        "BOREALIS_CLIENT_SECRET": CLIENT_SECRET,
    }


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Runs the command line in this process, with nothing configured."""
    for name in ("SERVER", "CA_FILE", "CLIENT_ID", "CLIENT_SECRET", "TOKEN"):
        monkeypatch.delenv(f"BOREALIS_{name}", raising=False)
    monkeypatch.setenv("BOREALIS_CONTEXT_FILE", str(tmp_path / "no-context.json"))

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = main(arguments)
        captured = capsys.readouterr()
        return Outcome(code=code, out=captured.out, err=captured.err)

    return run


@pytest.fixture
def cli(offline: Cli, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs the command line in this process, against the scripted server."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return offline


DEPLOY_FILE = """\
version: v1
kind: kubernetes
application: shop
targets:
  prod:
    account: kind
    namespace: shop
    strategy: careful
strategies:
  careful:
    canary:
      steps:
        - setWeight:
            weight: 25
        - pause:
            untilApproved: true
manifests:
  - path: manifests/web.yaml
"""

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"""


@pytest.fixture
def deploy_file(tmp_path: Path) -> Path:
    """A deploy file without faults, with its manifest."""
    folder = tmp_path / "app"
    (folder / "manifests").mkdir(parents=True)
    (folder / "manifests" / "web.yaml").write_text(MANIFEST)
    file = folder / "deploy.yaml"
    file.write_text(DEPLOY_FILE)
    return file
