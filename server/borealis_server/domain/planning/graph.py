"""The order of targets, by the function that clients use too; see `borealis_deployfile.planning.graph`."""

from borealis_deployfile.planning.graph import CycleError, plan_order

__all__ = ["CycleError", "plan_order"]
