"""Back from the steps of a run to what the deploy file says about them: the planners' way, the other way round."""

from borealis_deployfile.model import BlueGreen, Condition, DeployFile, SetWeight
from borealis_server.domain.planning.blue_green import members
from borealis_server.domain.planning.conditions import step_number
from borealis_server.domain.states import StepKind, StepPart


def condition_of(file: DeployFile, target: str, ref: str, part: StepPart) -> Condition:
    """The condition that became step `ref` of a target.

    Errors: LookupError when the file has no such target or step, or the step is no condition.
    """
    found = {one.name: one for one in file.targets}[target]
    index = step_number(ref) - 1
    if part is StepPart.BEFORE:
        return found.before[index]
    if part is StepPart.AFTER:
        return found.after[index]
    strategy = file.strategies[found.strategy or ""]
    steps = [member for _, member in members(strategy)] if isinstance(strategy, BlueGreen) else strategy.steps
    member = steps[index]
    if not isinstance(member, StepKind | SetWeight):
        return member
    raise LookupError(f"{ref} of {target} is no condition")
