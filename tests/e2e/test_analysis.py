"""Canaries that a real Prometheus judges, asked by the server itself and through the agent; server, agent and CLI as
processes, a real API server."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

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


async def deploy(platform, namespace, version, provider):
    """Start and return the id, once it waits before its analysis, and the name of the new ReplicaSet."""
    platform.write("shop.yaml", manifests(version))
    silent = query("error-share", SHARE, onNoData="inconclusive", metricProviderName=provider)
    text = analysis_file(*STEPS, queries=[silent], namespace=namespace)
    path = platform.write("deploy.yaml", text)
    identifier = (await platform.cli("deploy", "-f", path, "-o", "json")).json()["name"].rpartition("/")[2]
    waiting = await platform.until_state(identifier, "AWAITING_APPROVAL", "FAILED")
    return identifier, waiting["targets"][0]["workloads"][0]["newReplicaSet"]


async def judged(platform, identifier):
    """The deployment after its analysis, at its end or waiting for a person again."""
    assert (await platform.cli("approve", identifier)).code == 0
    return await platform.until_state(identifier, "FAILED", "SUCCEEDED", "CANCELLED", "AWAITING_APPROVAL")


async def serve(prometheus, name, **traffic):
    """Have the version serve, until Prometheus has seen enough of it to tell a rate."""
    prometheus.target.versions[name] = Traffic(**traffic)
    await prometheus.until(f'count_over_time(http_requests_total{{rs="{name}",code="200"}}[3s]) >= 3')


async def deploy_first(platform, namespace):
    platform.write("shop.yaml", manifests("1"))
    path = platform.write(
        "deploy.yaml", analysis_file(*STEPS, namespace=namespace, queries=[query("error-share", SHARE)])
    )
    first = await platform.cli("deploy", "-f", path, "--watch")
    assert first.code == 0, first.err


def analysis_of(done):
    return done["targets"][0]["steps"][2]["analysis"]


async def replica_sets(real_api, namespace):
    async with open_rest(real_api) as rest:
        items = (await rest.get(f"/apis/apps/v1/namespaces/{namespace}/replicasets")).ok()["items"]
    return {item["metadata"]["name"]: item["spec"]["replicas"] for item in items}


async def test_st_21_a_good_version_passes_a_bad_one_goes_back_and_a_silent_one_waits_for_a_person(
    platform, prometheus, real_api, kube_namespace
):
    """A canary with 5 % errors is rolled back, asked through the agent; ST-15, ST-24"""
    await deploy_first(platform, kube_namespace)
    (old,) = await replica_sets(real_api, kube_namespace)

    bad, name = await deploy(platform, kube_namespace, "2", "prom-inside")
    await serve(prometheus, name, error_share=0.05)
    done = await judged(platform, bad)
    assert done["targets"][0]["endReason"] == "END_REASON_ANALYSIS_OUT_OF_LIMITS", json.dumps(done, indent=1)
    assert done["targets"][0]["rollback"] == "ROLLBACK_DONE"
    assert analysis_of(done)["results"][0]["average"] == pytest.approx(0.05, abs=1e-4)
    assert await replica_sets(real_api, kube_namespace) == {old: 4}
    why = await platform.cli("why", bad)
    assert 'the query "error-share" averages 0.05 over 2 of 2 judgements, not at most 0.01' in why.out

    evidence = (await platform.cli("query", "evidence", f"{bad}/prod", "-o", "json")).json()["judgements"]
    assert [(one["step"], one["judgement"]["number"]) for one in evidence] == [("step-3", 1), ("step-3", 2)]
    assert f'rs="{name}"' in evidence[0]["judgement"]["samples"][0]["answer"]["question"]

    silent, _ = await deploy(platform, kube_namespace, "3", "prom")
    waiting = await judged(platform, silent)
    assert analysis_of(waiting)["verdict"] == "VERDICT_INCONCLUSIVE"
    shown = await platform.cli("status", silent)
    assert "analysis, 2 of 2 judgements: error-share no data (at most 0.01)" in shown.out
    assert (await platform.cli("rollback", silent)).code == 0
    await platform.until_state(silent, "CANCELLED")

    good, name = await deploy(platform, kube_namespace, "4", "prom")
    await serve(prometheus, name)
    done = await judged(platform, good)
    assert (done["state"], analysis_of(done)["verdict"]) == ("STATE_SUCCEEDED", "VERDICT_PASSED"), done


async def test_st_24_queries_are_tried_out_on_the_past_and_exported(platform, prometheus, kube_namespace):
    """The exported block is accepted by `validate`."""
    prometheus.target.versions["past"] = Traffic(error_share=0.05)
    await prometheus.until('count_over_time(http_requests_total{rs="past"}[10s]) > 20')

    tried = await platform.cli("integration", "test", "prom-inside", "-o", "json")
    assert tried.json()["values"] == ["1"]
    refused = await platform.cli("integration", "test", "prom", "--query", "sum(")
    assert (refused.code, "parse error" in refused.err) == (10, True)
    listed = await platform.cli("integration", "list")
    assert "prom-inside  Prometheus" in listed.out

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
