"""Clients and providers of OpenID Connect that are not ours, as programs of node."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_HERE = Path(__file__).parent
_ANSWER_S = 30.0


@cache
def node_folder() -> Path:
    """Where node and its modules are."""
    done = subprocess.run(
        [_HERE.parent / "tools" / "install-oidc.sh"], check=True, stdout=subprocess.PIPE, text=True, timeout=300
    )
    return Path(done.stdout.strip())


@asynccontextmanager
async def _node(script: str, environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    folder = node_folder()
    # Modules are found beside the script that wants them.
    program = folder / script
    text = (_HERE / "node" / script).read_text()
    if not program.exists() or program.read_text() != text:
        beside = folder / f"{script}.{os.getpid()}"
        beside.write_text(text)
        beside.replace(program)
    process = await asyncio.create_subprocess_exec(
        folder / "node",
        program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "NODE_NO_WARNINGS": "1", **environment},
        limit=2**20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


class StandardClient:
    """`openid-client`, which the OpenID Foundation has certified."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, wish: str, **given: str) -> dict[str, Any]:
        """What came of a wish; an `error` when nothing did."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"wish": wish, **given}).encode() + b"\n")
        async with asyncio.timeout(_ANSWER_S):
            line = await self._process.stdout.readline()
        if not line:
            assert self._process.stderr
            raise AssertionError((await self._process.stderr.read()).decode())
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def get(self, wish: str, **given: str) -> dict[str, Any]:
        """What came of a wish that must be fulfilled."""
        answer = await self.ask(wish, **given)
        assert "outcome" in answer, answer
        outcome: dict[str, Any] = answer["outcome"]
        return outcome


@asynccontextmanager
async def open_client(issuer: str, ca_file: Path, redirect_uri: str) -> AsyncIterator[StandardClient]:
    """A client of that issuer."""
    given = json.dumps({"issuer": issuer, "redirectUri": redirect_uri})
    async with _node("oidc_client.mjs", {"OIDC_CLIENT": given, "NODE_EXTRA_CA_CERTS": str(ca_file)}) as process:
        yield StandardClient(process)


@asynccontextmanager
async def open_provider(**given: object) -> AsyncIterator[None]:
    """A provider: `issuer`, `port`, `callback`, `certificate`, `key`, `people` by name, `audience`."""
    async with _node("oidc_provider.mjs", {"OIDC_PROVIDER": json.dumps(given)}) as process:
        assert process.stdout
        async with asyncio.timeout(_ANSWER_S):
            line = await process.stdout.readline()
        if line != b"ready\n":
            assert process.stderr
            raise AssertionError((await process.stderr.read()).decode())
        yield
