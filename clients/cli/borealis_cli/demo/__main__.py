"""`python -m borealis_cli.demo`: reads the options and plays the demo.

Exit status: 0 when everything went as told, 1 when it did not, 2 for wrong options.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from borealis_cli.demo.play import DemoFailedError, play, stop
from borealis_cli.demo.stage import default_folder


def main() -> int:
    """Play; the exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description="Deploy an example three times, and watch.")
    parser.add_argument("--keep", action="store_true", help="leave server, agent and cluster running afterwards")
    parser.add_argument("--context", default="", help="kubeconfig context of a real cluster (default: a simulated one)")
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where logs and data go")
    parser.add_argument("--stop", action="store_true", help="stop what --keep left running")
    options = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without ✔ shows a question mark
    if options.stop:
        return stop(options.folder)
    try:
        play(options.folder, context=options.context, is_kept=options.keep)
    except DemoFailedError as failure:
        sys.stderr.write(f"\nThe demo did not go as told: {failure}\nLogs: {options.folder}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
