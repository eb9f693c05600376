"""Random deploy files among random events, as many as asked for, on all cores. `make random-runs`."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from kit.checker.random_files import RandomFile, random_files
from kit.checker.walk import walk

_CHUNK = 500


def main() -> None:
    """Run them, and print how many there were."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="repeats an earlier call")
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    seeds = [options.seed + number for number in range(-(-options.runs // _CHUNK))]
    done = 0
    with multiprocessing.Pool(os.cpu_count() or 1) as pool:
        for runs in pool.imap_unordered(run_many, seeds):
            done += runs
            sys.stdout.write(f"{done:,} runs, no violation\n")
            sys.stdout.flush()


def run_many(number: int) -> int:
    """How many runs there were from one seed. Errors: AssertionError with the smallest example that is wrong."""
    count = 0

    @seed(number)
    @settings(
        max_examples=_CHUNK,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(random_files(), st.lists(st.integers(0, 99), min_size=40, max_size=150))
    def run(file: RandomFile, choices: list[int]) -> None:
        nonlocal count
        count += 1
        found = walk(file.scenario, choices)
        assert found is None, f"\n{file.text}\n{file.manifests}\n{found}"

    run()
    return count


if __name__ == "__main__":
    main()
