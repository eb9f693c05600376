"""Server, agents and CLI as processes over TLS, as a user runs them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from kit.programs import Program, free_ports

if TYPE_CHECKING:
    from pathlib import Path

_START_LIMIT_S = 30.0
_CLI_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as JSON."""
        assert self.code == 0, f"exit {self.code}: {self.err}"
        return json.loads(self.out)


@dataclass(slots=True)
class Platform:
    """A context manager: a server is running inside it; agents as told."""

    folder: Path
    server: Program | None = None
    agents: dict[str, Program] = field(default_factory=dict)
    commands: list[Program] = field(default_factory=list)
    ports: list[int] = field(default_factory=lambda: free_ports(2))
    server_settings: dict[str, str] = field(default_factory=dict)
    """More variables of the server's environment."""
    agent_settings: dict[str, str] = field(default_factory=dict)
    """More variables of every agent's environment."""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start_server()
        return self

    def __exit__(self, *_: object) -> None:
        for program in (*self.commands, *self.agents.values(), *([self.server] if self.server else [])):
            program.stop()

    @property
    def address(self) -> str:
        """Where the gRPC door answers."""
        return f"localhost:{self.ports[0]}"

    @property
    def web(self) -> str:
        """Where the web door answers."""
        return f"https://localhost:{self.ports[1]}"

    @property
    def client(self) -> dict[str, str]:
        """What the server wrote for clients on this machine."""
        return dict(json.loads((self.folder / "server" / "client.json").read_text()))

    def start_server(self) -> None:
        """Start it, on the same ports and data as before."""
        ready = self.folder / "ports.json"
        ready.unlink(missing_ok=True)
        environment = {
            **_clean_environment(),
            "BOREALIS_SERVER_DATA_DIR": str(self.folder / "server"),
            "BOREALIS_SERVER_GRPC_ADDRESS": f"127.0.0.1:{self.ports[0]}",
            "BOREALIS_SERVER_WEB_ADDRESS": f"127.0.0.1:{self.ports[1]}",
            **self.server_settings,
        }
        command: list[str | Path] = [sys.executable, "-m", "borealis_server", "--port-file", ready]
        self.server = Program(command, log=self.folder / "server.log", env=environment)
        self.server.wait_until(ready.exists, what="answer", limit_s=_START_LIMIT_S)

    def kill_server(self) -> None:
        """`kill -9`."""
        assert self.server
        self.server.kill()

    async def add_agent(self, name: str, kubeconfig: Path, *, targets: str = "") -> None:
        """Make the credential of an agent, start it, and wait until it is connected; `targets` is its list of them."""
        file = self.folder / f"{name}.json"
        if not file.exists():
            made = await self.cli("agent", "create", name, "--out", str(file))
            assert made.code == 0, made.err
        self.start_agent(name, kubeconfig, targets=targets)
        await self.until_agent(name, "CONNECTED")

    def start_agent(self, name: str, kubeconfig: Path, *, targets: str = "") -> None:
        """Start an agent whose credential was made before."""
        environment = {
            **_clean_environment(),
            "BOREALIS_AGENT_CREDENTIALS_FILE": str(self.folder / f"{name}.json"),
            "BOREALIS_AGENT_KUBECONFIG": str(kubeconfig),
            **self.agent_settings,
        }
        if targets:
            file = self.folder / f"{name}-targets.toml"
            file.write_text(targets)
            environment["BOREALIS_AGENT_TARGETS_FILE"] = str(file)
        command = [sys.executable, "-m", "borealis_agent"]
        self.agents[name] = Program(command, log=self.folder / f"{name}.log", env=environment)

    async def agent(self, name: str) -> dict[str, Any]:
        """An agent as `borealis agent list -o json` shows it; empty when it is not there."""
        listed = await self.cli("agent", "list", "-o", "json")
        agents = json.loads(listed.out)["agents"] if listed.code == 0 else []
        return next((agent for agent in agents if agent["name"].endswith(f"/{name}")), {})

    async def until_agent(self, name: str, state: str, limit_s: float = _START_LIMIT_S) -> None:
        """Wait until the server says that the agent is in `state`."""
        async with asyncio.timeout(limit_s):
            while f"STATE_{state}" != (await self.agent(name)).get("state"):
                await asyncio.sleep(0.2)

    async def cli(
        self,
        *arguments: str,
        env: dict[str, str] | None = None,
        limit_s: float = _CLI_LIMIT_S,
        stdin: str | None = None,
    ) -> Answer:
        """Run a CLI command to its end."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "borealis_cli",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment(env),
            cwd=self.folder,
        )
        async with asyncio.timeout(limit_s):
            out, err = await process.communicate(None if stdin is None else stdin.encode())
        assert process.returncode is not None
        return Answer(code=process.returncode, out=out.decode(), err=err.decode())

    def start_cli(self, *arguments: str, name: str) -> Program:
        """Start a CLI command and leave it running; its output goes to `name`.log."""
        command = [sys.executable, "-m", "borealis_cli", *arguments]
        program = Program(command, log=self.folder / f"{name}.log", env=self.environment(), cwd=self.folder)
        self.commands.append(program)
        return program

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """For clients: they find the server by its own file."""
        return {
            **_clean_environment(),
            "BOREALIS_CONTEXT_FILE": str(self.folder / "server" / "client.json"),
            **(extra or {}),
        }

    def write(self, name: str, text: str) -> str:
        """Write a file; returns its path."""
        path = self.folder / name
        path.write_text(text)
        return str(path)

    async def deployment(self, identifier: str) -> dict[str, Any]:
        """A deployment as `borealis status -o json` shows it."""
        return dict((await self.cli("status", identifier, "-o", "json")).json())

    async def until_state(self, identifier: str, *states: str, limit_s: float = 60.0) -> dict[str, Any]:
        """The deployment, once it is in one of `states`."""
        shown: dict[str, Any] = {}
        try:
            async with asyncio.timeout(limit_s):
                while shown.get("state") not in {f"STATE_{state}" for state in states}:
                    shown = await self.deployment(identifier)
        except TimeoutError:
            raise AssertionError(f"not {states} after {limit_s} s: {json.dumps(shown, indent=1)}") from None
        return shown


def _clean_environment() -> dict[str, str]:
    """The test's environment without anything of Borealis, and without colours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOREALIS_")}
    return {**kept, "NO_COLOR": "1", "PYTHONWARNINGS": "default"}
