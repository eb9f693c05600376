"""Makes the judgements of analysis steps: asks every query about its window, and reports the evidence.

Owns no decision: what the answers come to is the step's.
"""

from collections.abc import Mapping

from borealis_deployfile.model import Analysis
from borealis_deployfile.templates import UnresolvedError
from borealis_deployfile.variables import Values
from borealis_server.domain.analysis.schedule import window
from borealis_server.domain.analysis.variables import window_values
from borealis_server.domain.errand import ErrandReport, Unresolved
from borealis_server.domain.planning.analyses import questions_of
from borealis_server.domain.planning.sources import condition_of
from borealis_server.domain.rendering import own_values, secrets_in, with_context
from borealis_server.domain.steps.analysis import analysis_of
from borealis_server.services.asking import Asker, Wanted
from borealis_server.services.deploy_files import DeployFileShelf
from borealis_server.services.errands import Assignment


class JudgementRunner:
    """Implements `services.errands.ErrandRunner` for judgements; the attempt of the errand is their number."""

    def __init__(self, files: DeployFileShelf, asker: Asker) -> None:
        self._files = files
        self._asker = asker

    async def run(self, assignment: Assignment) -> ErrandReport:
        """The judgement, with an error in the place of each answer that did not come. Asking again harms nobody."""
        file = await self._files.of(assignment.ref.deployment)
        step = condition_of(file, assignment.run.name, assignment.step.ref, assignment.step.part)
        if not isinstance(step, Analysis) or assignment.step.started_at is None:
            raise LookupError(f"{assignment.step.ref} of {assignment.run.name} judges nothing")
        here = window(analysis_of(assignment.step).plan, assignment.step.started_at, assignment.errand.attempt)
        own = own_values(assignment.deployment, assignment.run) | window_values(here)

        def values(secrets: Mapping[str, str]) -> Values:
            return with_context(Values(own=own, secrets=secrets), file, step)

        wanted = Wanted(
            tenant=assignment.ref.deployment.tenant,
            queries=questions_of(file, step),
            number=assignment.errand.attempt,
            window=here,
            secrets=secrets_in((*file.context.values(), *step.context.values())),
            values=values,
            actor=assignment.deployment.started_by,
        )
        try:
            return await self._asker.judge(wanted)
        except UnresolvedError as error:
            return Unresolved(names=error.names)
