"""The one table from kinds of steps to what they do."""

from collections.abc import Mapping

from borealis_server.domain.deployment import StepKind
from borealis_server.domain.steps import pause, set_weight
from borealis_server.domain.steps.executor import StepExecutor

EXECUTORS: Mapping[StepKind, StepExecutor] = {
    StepKind.SET_WEIGHT: set_weight.EXECUTOR,
    StepKind.PAUSE: pause.EXECUTOR,
}
"""Has every kind."""
