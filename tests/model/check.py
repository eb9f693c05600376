"""Explores every scenario of the model as far as memory and patience go, one process a core. `make model-check`.

Prints a line for each scenario, and the shortest way to whatever is wrong. Exit code 1 when anything is.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kit.checker.explore import Explored, explore
from kit.checker.scenarios import SCENARIOS, Scenario


def main() -> None:
    """Check them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=1_000_000, help="at most, of each scenario")
    parser.add_argument("--faults", type=int, default=1, help="how many things may go wrong on one path")
    parser.add_argument("--only", default="", help="one scenario, by its name")
    options = parser.parse_args()
    every = [*(each.with_faults(options.faults) for each in SCENARIOS), *(each.late() for each in SCENARIOS)]
    chosen = [each for each in every if options.only in ("", each.name)]
    began_s = time.monotonic()
    results: list[Explored] = []
    with multiprocessing.Pool(os.cpu_count() or 1, maxtasksperchild=1) as pool:
        for explored in pool.imap_unordered(partial(_explored, limit=options.states), chosen, chunksize=1):
            results.append(explored)
            sys.stdout.write(_line(explored))
            sys.stdout.flush()
    states = sum(each.states for each in results)
    sys.stdout.write(f"{states:,} states of {len(results)} scenarios in {time.monotonic() - began_s:.0f} s\n")
    if any(each.counter_example for each in results) or not results:
        raise SystemExit(1)


def _explored(scenario: Scenario, limit: int) -> Explored:
    return explore(scenario, limit=limit)


def _line(explored: Explored) -> str:
    extent = "all" if explored.is_complete else "the first"
    per_s = explored.states / max(explored.seconds, 0.001)
    line = f"{explored.scenario:<24} {extent:>9} {explored.states:>9,} states  {per_s:>7,.0f}/s  "
    if explored.counter_example:
        return f"{line}WRONG\n{explored.counter_example}\n"
    return f"{line}holds\n"


if __name__ == "__main__":
    main()
