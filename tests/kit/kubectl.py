"""Real kubectl as a process, on one kubeconfig."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.kube import find_programs
from kit.platform import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """Runs kubectl in one namespace."""

    kubeconfig: Path
    cache: Path
    environment: Mapping[str, str]
    namespace: str = "default"

    async def run(self, *arguments: str, stdin: bytes = b"", limit_s: float = _LIMIT_S) -> Answer:
        """Run it to its end."""
        process = await self._start(*arguments)
        try:
            async with asyncio.timeout(limit_s):
                out, err = await process.communicate(stdin)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return Answer(code=process.returncode, out=out.decode(), err=err.decode())

    async def ok(self, *arguments: str, stdin: bytes = b"") -> str:
        """Its output; fails if it did."""
        answer = await self.run(*arguments, stdin=stdin)
        assert answer.code == 0, f"kubectl {' '.join(arguments)}: {answer.err}"
        return answer.out

    @contextlib.asynccontextmanager
    async def started(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run it while the context is open."""
        process = await self._start(*arguments)
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        options = ("--kubeconfig", self.kubeconfig, "--namespace", self.namespace, "--cache-dir", self.cache)
        return await asyncio.create_subprocess_exec(
            find_programs() / "kubectl",
            *options,
            *arguments,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=dict(self.environment),
        )
