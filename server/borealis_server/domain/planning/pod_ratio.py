"""The pod arithmetic of the engine: the very functions by which clients predict a plan.

They are shared, so that a plan and its run cannot disagree; see `borealis_deployfile.planning.pod_ratio`.
"""

from borealis_deployfile.planning.pod_ratio import (
    DEFAULT_MAX_SURGE,
    DEFAULT_MAX_UNAVAILABLE,
    Bounds,
    Counts,
    Observed,
    goal,
    is_reached,
    next_counts,
)

__all__ = [
    "DEFAULT_MAX_SURGE",
    "DEFAULT_MAX_UNAVAILABLE",
    "Bounds",
    "Counts",
    "Observed",
    "goal",
    "is_reached",
    "next_counts",
]
