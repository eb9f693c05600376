"""The benchmarks run: a moment of every case, with real processes. Their numbers mean nothing here."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from kit.agent_program import clean_environment

GOALS = 9
"""All that need no half minute of silence."""


@pytest.mark.timeout(300)
def test_the_relay_benchmark_runs_and_judges_itself(repository):
    command = [sys.executable, "-m", "bench.relay", "--quick"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=280, env=clean_environment(), cwd=repository.root
    )
    assert ended.returncode == 0, ended.stderr

    result = json.loads((repository.root / "bench-results/relay-quick.json").read_text())
    assert len(result["goals"]) == GOALS
    assert {"get-1", "get-100", "list-5m", "down", "up", "watch", "beside-bulk", "stalled-100"} <= set(result["cases"])
    assert all(one["failures"] == 0 for one in result["cases"]["get-16"]["ways"]["relay"])
    assert result["crowd"]["agents"] == 5
