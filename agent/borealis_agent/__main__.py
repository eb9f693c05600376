"""`python -m borealis_agent`."""

import sys

from borealis_agent.main import run

if __name__ == "__main__":
    sys.exit(run())
