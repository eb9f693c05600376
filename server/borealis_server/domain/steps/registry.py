"""The one table from kinds of steps to what they do."""

from collections.abc import Mapping

from borealis_server.domain.states import StepKind
from borealis_server.domain.steps import (
    analysis,
    deploy_new_version,
    expose_services,
    pause,
    redirect_traffic,
    run_webhook,
    set_weight,
    shut_down_old_version,
)
from borealis_server.domain.steps.executor import StepExecutor

EXECUTORS: Mapping[StepKind, StepExecutor] = {
    StepKind.SET_WEIGHT: set_weight.EXECUTOR,
    StepKind.PAUSE: pause.EXECUTOR,
    StepKind.ANALYSIS: analysis.EXECUTOR,
    StepKind.DEPLOY_NEW_VERSION: deploy_new_version.EXECUTOR,
    StepKind.REDIRECT_TRAFFIC: redirect_traffic.EXECUTOR,
    StepKind.SHUT_DOWN_OLD_VERSION: shut_down_old_version.EXECUTOR,
    StepKind.RUN_WEBHOOK: run_webhook.EXECUTOR,
    StepKind.EXPOSE_SERVICES: expose_services.EXECUTOR,
}
"""Has every kind."""
