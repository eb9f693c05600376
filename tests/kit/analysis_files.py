"""Deploy files whose steps judge by metrics, and a Prometheus without a network that answers as a test says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from borealis_server.domain.integration import Integration, IntegrationName, PrometheusSettings
from borealis_server.domain.states import DeploymentState
from borealis_server.ports.outside import OutsideAnswer, OutsideFailure
from kit.shop import SET_25, deploy_file, manifests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_server.domain.deployment import Deployment, DeploymentKey, StepRun, TargetRun
    from borealis_server.ports.outside import OutsideRequest
    from kit.control_plane import ControlPlane
    from kit.model_engine import ModelEngine

Says = float | str | OutsideAnswer | OutsideFailure | None
"""What the provider says to one question: a number or its text, an answer or a failure, or None for no data."""
_LONG_AGO: Final = datetime(2025, 1, 1, tzinfo=UTC)
LONG_S: Final = 7200.0
"""Longer than any analysis of the tests, in virtual time."""
ERRORS: Final = """\
    - name: errors
      upperLimit: 0.01
      queryTemplate: errors
"""
"""A query whose question is its name."""


def judge(queries: str = "errors", *, runs: int = 3, interval_s: int = 30, **fields: Any) -> str:
    """An analysis step in YAML's flow style; more of its fields by their names."""
    more = "".join(f", {name}: {json.dumps(value)}" for name, value in fields.items())
    times = f"interval: {interval_s}, units: seconds, numberOfJudgmentRuns: {runs}"
    return f"analysis: {{{times}, queries: [{queries}]{more}}}"


def analysis_block(*queries: str, provider: str = "prom") -> str:
    """The analysis of a file."""
    return f"analysis:\n  defaultMetricProviderName: {provider}\n  queries:\n" + "".join(queries or (ERRORS,))


def query(name: str, template: str, **fields: Any) -> str:
    """A query with more of its fields by their names; without limits it may be at most 0.01."""
    if not {"upperLimit", "lowerLimit"} & set(fields):
        fields["upperLimit"] = 0.01
    lines = "".join(f"      {key}: {json.dumps(value)}\n" for key, value in fields.items())
    return f"    - name: {name}\n      queryTemplate: {json.dumps(template)}\n{lines}"


def analysis_file(
    *steps: str, queries: Sequence[str] = (), before: str = "", after: str = "", head: str = "", namespace: str = "ns"
) -> str:
    """A canary of `steps`; `before` and `after` are conditions of the target, `head` more of the file."""
    text = deploy_file(namespace, *steps)
    items = [f"{word}: [{{{one}}}]" for word, one in (("beforeDeployment", before), ("afterDeployment", after)) if one]
    text = text.replace("strategy: careful}", f"strategy: careful, constraints: {{{', '.join(items)}}}}}")
    return f"{text}{head}{analysis_block(*queries)}"


@dataclass
class ScriptedPrometheus:
    """Answers each question in the order of its answers, the last one for ever; `0` where nothing is said."""

    says: dict[str, list[Says]] = field(default_factory=dict)
    """By the question's text."""
    asked: list[tuple[str, int]] = field(default_factory=list)
    """Each question and the time that it was about, in seconds since 1970."""
    requests: list[OutsideRequest] = field(default_factory=list)

    async def answer(self, request: OutsideRequest) -> OutsideAnswer | OutsideFailure:
        """One answer; for `ScriptedOutside.says`."""
        self.requests.append(request)
        form = parse_qs(urlsplit(request.url).query)
        text, time = form["query"][0], int(form["time"][0])
        self.asked.append((text, time))
        answers = self.says.get(text, [0])
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        return said if isinstance(said, OutsideAnswer | OutsideFailure) else vector(said)


def vector(*values: float | str | None) -> OutsideAnswer:
    """A vector with a series for each value; None has none."""
    result = [{"metric": {}, "value": [0, str(value)]} for value in values if value is not None]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return OutsideAnswer(status=200, body=json.dumps(body).encode())


def an_integration(token: str = "") -> Integration:
    """The provider `prom`; `token` is a reference to a secret."""
    return Integration(
        name=IntegrationName("main", "prom"),
        url="http://prometheus.example",
        settings=PrometheusSettings(token=token),
        created_at=_LONG_AGO,
        updated_at=_LONG_AGO,
        updated_by="ana",
    )


async def with_prometheus(engine: ModelEngine, **says: list[Says]) -> ScriptedPrometheus:
    """A provider `prom` for the engine, which answers like this."""
    provider = ScriptedPrometheus(says=dict(says))
    engine.outside.says(provider.answer)
    await engine.integrations.add_integration(an_integration("{{secrets.prom}}"))
    engine.secrets.known["prom"] = "bearer-of-prom"
    return provider


async def start(plane: ControlPlane, *steps: str, version: str = "2", **options: Any) -> DeploymentKey:
    """Start `version` by a canary of the steps, or of 25 % and three judgements; options as for `analysis_file`."""
    text = analysis_file(*(steps or (SET_25, judge())), **options)
    return (await plane.start(text, shop_yaml=manifests(version))).key


async def ended(plane: ControlPlane, *steps: str, **options: Any) -> tuple[Deployment, TargetRun, StepRun]:
    """A deployment at its end, with its only target and its analysis."""
    done = await plane.until_end(await start(plane, *steps, **options), limit_s=LONG_S)
    run = done.targets[0]
    return done, run, next(step for step in run.steps if step.analysis)


async def awaiting(plane: ControlPlane, *steps: str, **options: Any) -> Deployment:
    """A deployment, once it waits for a person."""
    key = await start(plane, *steps, **options)
    return await plane.until_state(key, DeploymentState.AWAITING_APPROVAL, limit_s=LONG_S)
