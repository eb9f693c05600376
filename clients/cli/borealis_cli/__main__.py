"""`python -m borealis_cli`: the same as the command `borealis`."""

import sys

from borealis_cli.main import run

if __name__ == "__main__":
    sys.exit(run())
