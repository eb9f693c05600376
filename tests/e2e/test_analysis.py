"""Canaries that a real Prometheus judges, asked by the server itself and through the agent; server, agent and CLI as
processes, a real API server."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from borealis_client import DeploymentState, TargetRunEndReason, TargetRunRollback, Verdict, connect, is_final
from kit.analysis_files import analysis_file, judge, query
from kit.platform import Platform
from kit.prometheus import Traffic, open_prometheus
from kit.rest import open_rest
from kit.shop import APPROVAL, SET_25, manifests

pytestmark = pytest.mark.timeout(300)

LABEL = 'rs="{{armory.replicaSetName}}"'
SHARE = (
    f'sum(rate(http_requests_total{{{LABEL},code="500"}}[{{{{armory.promQlStepInterval}}}}]))'
    f" / sum(rate(http_requests_total{{{LABEL}}}[{{{{armory.promQlStepInterval}}}}]))"
)
STEPS = (SET_25, APPROVAL, judge("error-share", runs=2, interval_s=3))
TARGETS = """\
[kube]
[http.prometheus]
url = "{url}"
paths = ["/api/v1/query"]
allow_local = true
"""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    with open_prometheus(tmp_path_factory.mktemp("prometheus")) as running:
        yield running


@pytest.fixture(scope="module")
def platform(tmp_path_factory, kube_cluster, prometheus):
    """A server that may call this machine, and an agent whose targets file allows the Prometheus."""
    folder = tmp_path_factory.mktemp("analysis")
    targets = folder / "targets.toml"
    targets.write_text(TARGETS.format(url=prometheus.url))
    running = Platform(
        folder / "platform",
        server_settings={"BOREALIS_SERVER_ALLOW_PRIVATE_ADDRESSES": "true"},
        agent_settings={"BOREALIS_AGENT_TARGETS_FILE": str(targets)},
    )
    with running:
        asyncio.run(set_up(running, kube_cluster.api, prometheus))
        yield running


async def set_up(platform, real_api, prometheus):
    await platform.add_agent("cluster-1", real_api.kubeconfig)
    for name, way in (("prom", ()), ("prom-inside", ("--agent", "cluster-1"))):
        place = ("--type", "prometheus", "--url", prometheus.url, *way)
        made = await platform.cli("integration", "create", name, *place)
        assert made.code == 0, made.err


@pytest.fixture
async def borealis(platform):
    client = platform.client
    async with connect(
        client["server"],
        ca_file=client["ca_file"],
        client_id=client["client_id"],
        client_secret=client["client_secret"],
    ) as opened:
        yield opened


async def deploy(borealis, platform, namespace, version, provider):
    """Start; the deployment, once it waits before its analysis or has ended, and the name of the new ReplicaSet."""
    platform.write("shop.yaml", manifests(version))
    asked = query("error-share", SHARE, onNoData="inconclusive", metricProviderName=provider)
    text = analysis_file(*STEPS, queries=[asked], namespace=namespace)
    started = await borealis.deployments.start(Path(platform.write("deploy.yaml", text)))
    waiting = await until_rest(borealis, started.deployment.name)
    return waiting, waiting.targets[0].workloads[0].new_replica_set


async def until_rest(borealis, name):
    """The deployment, once it waits for a person or has ended."""
    async with aclosing(borealis.deployments.watch(name)) as updates:
        async for update in updates:
            if update.deployment.state is DeploymentState.AWAITING_APPROVAL or is_final(update.deployment):
                return update.deployment
    raise AssertionError(f"{name} neither waits nor ends")


async def judged(borealis, deployment):
    """The deployment after its analysis, at its end or waiting for a person again."""
    await borealis.deployments.approve(deployment.name)
    return await until_rest(borealis, deployment.name)


async def serve(prometheus, name, **traffic):
    """Have the version serve, until Prometheus has seen enough of it to tell a rate."""
    prometheus.target.versions[name] = Traffic(**traffic)
    await prometheus.until(f'count_over_time(http_requests_total{{rs="{name}",code="200"}}[3s]) >= 3')


async def replica_sets(real_api, namespace):
    async with open_rest(real_api) as rest:
        items = (await rest.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets")).ok()["items"]
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in items}


async def test_st_21_a_good_version_passes_a_bad_one_goes_back_and_a_silent_one_waits_for_a_person(
    borealis, platform, prometheus, real_api, kube_namespace
):
    """A canary with 5 % errors is rolled back, asked through the agent."""
    first, old = await deploy(borealis, platform, kube_namespace, "1", "prom")
    assert first.state is DeploymentState.SUCCEEDED, first.message

    bad, name = await deploy(borealis, platform, kube_namespace, "2", "prom-inside")
    await serve(prometheus, name, error_share=0.05)
    bad = await judged(borealis, bad)
    (run,) = bad.targets
    assert (run.end_reason, run.rollback) == (
        TargetRunEndReason.ANALYSIS_OUT_OF_LIMITS,
        TargetRunRollback.DONE,
    ), run.message
    assert run.steps[2].analysis.results[0].average == pytest.approx(0.05, abs=1e-4)
    assert run.message.endswith('the query "error-share" averages 0.05 over 2 of 2 judgements, not at most 0.01')
    assert await replica_sets(real_api, kube_namespace) == {old: 4}
    shown = await platform.cli("query", "evidence", f"{bad.name.rpartition('/')[2]}/prod", "-o", "json")
    evidence = shown.json()["judgements"]
    assert [(one["step"], one["judgement"]["number"]) for one in evidence] == [("step-3", 1), ("step-3", 2)]
    assert f'rs="{name}"' in evidence[0]["judgement"]["samples"][0]["answer"]["question"]

    silent, _ = await deploy(borealis, platform, kube_namespace, "3", "prom")
    silent = await judged(borealis, silent)
    assert silent.targets[0].steps[2].analysis.verdict is Verdict.INCONCLUSIVE
    assert silent.state is DeploymentState.AWAITING_APPROVAL
    status = await platform.cli("status", silent.name)
    assert "analysis, 2 of 2 judgements: error-share no data (at most 0.01)" in status.out
    await borealis.deployments.roll_back(silent.name)
    async with aclosing(borealis.deployments.watch(silent.name)) as updates:
        states = [update.deployment.state async for update in updates]
    assert states[-1] is DeploymentState.CANCELLED

    good, name = await deploy(borealis, platform, kube_namespace, "4", "prom")
    await serve(prometheus, name)
    good = await judged(borealis, good)
    assert good.state is DeploymentState.SUCCEEDED, good.message
    assert good.targets[0].steps[2].analysis.verdict is Verdict.PASSED


async def test_st_24_queries_are_tried_out_on_the_past_and_exported(platform, prometheus, kube_namespace):
    """The exported block is accepted by `validate`."""
    prometheus.target.versions["past"] = Traffic(error_share=0.05)
    await prometheus.until('count_over_time(http_requests_total{rs="past"}[10s]) > 20')

    tried = await platform.cli("integration", "test", "prom-inside", "-o", "json")
    assert tried.json()["values"] == ["1"]
    refused = await platform.cli("integration", "test", "prom", "--query", "sum(")
    assert (refused.code, "parse error" in refused.err) == (10, True)

    ran = await platform.cli(
        *("query", "run", "--template", SHARE, "--upper-limit", "0.1", "--provider", "prom-inside"),
        *("--interval", "3s", "--runs", "2", "--set", "replicaSetName=past", "--export", "analysis.yaml"),
    )
    assert (ran.code, "PASSED" in ran.out) == (0, True), ran.err
    block = (platform.folder / "analysis.yaml").read_text()
    head, _, _ = analysis_file(SET_25, judge("query"), namespace=kube_namespace).partition("analysis:\n  default")
    platform.write("shop.yaml", manifests("1"))
    path = platform.write("deploy.yaml", head + block)
    checked = await platform.cli("validate", "-f", path)
    assert checked.code == 0, checked.out + checked.err

    end = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    backfilled = await platform.cli(
        *("query", "backfill", "-f", path, "--from", (end - timedelta(seconds=6)).isoformat(), "--to", end.isoformat()),
        *("--interval", "3s", "--set", "replicaSetName=past", "--query", "query", "-o", "json"),
    )
    found = backfilled.json()
    assert [one["number"] for one in found["judgements"]] == [1, 2]
    assert found["analysis"]["verdict"] == "VERDICT_PASSED"
    assert found["analysis"]["results"][0]["average"] == pytest.approx(0.05, abs=1e-4)
