"""The main job: the demo goes as it tells, on the simulated cluster and on a real one."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

pytestmark = pytest.mark.timeout(240)


async def play(folder, *arguments, env=None):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "borealis_cli.demo",
        "--folder",
        folder,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(env or {})},
    )
    async with asyncio.timeout(180):
        out, _ = await process.communicate()
    return process.returncode, out.decode()


def assert_as_told(code, out):
    assert code == 0, out
    for act in ("Version 1", "Version 2", "Version 3", "approve with: borealis approve", "rolled back"):
        assert act in out, out


async def test_the_demo_plays_on_a_simulated_and_on_a_real_cluster_side_by_side(tmp_path, kube_cluster):
    simulated, real = tmp_path / "simulated", tmp_path / "real"
    env = {"KUBECONFIG": str(kube_cluster.api.kubeconfig)}
    async with asyncio.TaskGroup() as group:
        first = group.create_task(play(simulated, "--keep"))
        second = group.create_task(play(real, "--context", "borealis-test", env=env))

    assert_as_told(*first.result())
    assert_as_told(*second.result())
    assert "delete namespace borealis-demo" in second.result()[1]
    stopped, told = await play(simulated, "--stop")
    assert stopped == 0
    assert "stopped: agent, sandbox, server" in told
