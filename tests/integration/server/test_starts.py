"""Starts by a whole server: what it fetches, what it keeps over a restart, and what it says of live pods."""

from __future__ import annotations

import pytest

import borealis_client
from borealis_client import DeployFileInvalidError, InvalidArgumentError, WorkloadPlace
from borealis_client._generated.borealis.deployment.v1 import DeploymentServiceStub, StartDeploymentRequest
from borealis_server.main import open_server
from borealis_server.settings import ServerSettings
from kit import web as kit
from kit.web import serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: flags}\n"


@pytest.fixture
def web():
    with serving() as running:
        running.answers["/flags.yaml"] = kit.text(CONFIG)
        yield running


def settings_in(folder, **more):
    return ServerSettings(
        data_dir=folder, grpc_address="127.0.0.1:0", web_address="127.0.0.1:0", shutdown_grace_s=1, **more
    )


def connected(running):
    client = running.client
    return borealis_client.connect(
        client.server, ca_file=client.ca_file, client_id=client.client_id, client_secret=client.client_secret
    )


def deploy_file(web):
    head = "application: shop\ntargets: {qa: {account: c, namespace: n}}\n"
    return f"{head}manifests: [{{path: '{web.root}/flags.yaml'}}]\n".encode()


async def test_the_server_fetches_what_it_was_not_sent_and_keeps_it_with_the_context(web, tmp_path):
    async with (
        open_server(settings_in(tmp_path, allow_private_addresses=True)) as running,
        connected(running) as borealis,
    ):
        await borealis.identity.create_credential("c", role="agent", agent="c")
        started = await borealis.deployments.start(deploy_file(web), context={"suite": "fast"}, request_id="r1")

        assert started.deployment.context == {"suite": "fast"}
    web.answers.clear()

    async with open_server(settings_in(tmp_path)) as running, connected(running) as borealis:
        kept = await borealis.deployments.get(started.deployment.name)
        again = await borealis.deployments.start(deploy_file(web), context={"suite": "fast"}, request_id="r1")

    assert kept.context == {"suite": "fast"}
    assert again.deployment.name == kept.name
    assert [path for _, path in web.asked] == ["/flags.yaml"]


async def test_a_redeploy_needs_nothing_but_the_stored_deployment_and_takes_nothing_else(web, tmp_path):
    """PL-19"""
    async with (
        open_server(settings_in(tmp_path, allow_private_addresses=True)) as running,
        connected(running) as borealis,
    ):
        await borealis.identity.create_credential("c", role="agent", agent="c")
        first = (await borealis.deployments.start(deploy_file(web), context={"suite": "fast"})).deployment
        await borealis.deployments.cancel(first.name)
    web.answers.clear()

    async with open_server(settings_in(tmp_path)) as running, connected(running) as borealis:
        again = (await borealis.deployments.redeploy(first.name, targets=["qa"])).deployment
        why = await borealis.deployments.explain(again.name, target="qa")
        both = StartDeploymentRequest(source_deployment=first.name, deploy_file=b"a: b", context={"a": "b"})
        with pytest.raises(InvalidArgumentError) as refused:
            await borealis.deployments._transport.call(
                lambda channel: DeploymentServiceStub(channel).start_deployment, both, is_repeatable=False
            )
        with pytest.raises(borealis_client.TargetNotFoundError):
            await borealis.deployments.explain(again.name, target="nowhere")
        with pytest.raises(borealis_client.DeploymentNotFoundError):
            await borealis.deployments.redeploy("tenants/main/deployments/nowhere")

    assert (again.redeploy_of, again.context) == (first.name, {"suite": "fast"})
    assert (why.explanation.target, why.explanation.sentence.partition(" ")[0]) == ("qa", "qa")
    assert sorted(violation.field for violation in refused.value.violations) == ["context", "deploy_file"]


async def test_the_server_fetches_from_no_private_machine_by_default(web, tmp_path):
    async with open_server(settings_in(tmp_path)) as running, connected(running) as borealis:
        await borealis.identity.create_credential("c", role="agent", agent="c")
        with pytest.raises(DeployFileInvalidError) as refused:
            await borealis.deployments.start(deploy_file(web))

    (violation,) = refused.value.violations
    assert violation.reason == "MANIFEST_NOT_FOUND"
    assert "127.0.0.1 is a loopback address" in violation.description
    assert web.asked == []


async def test_live_pods_behind_an_agent_that_is_away_are_unknown_and_that_is_no_error(tmp_path):
    async with open_server(settings_in(tmp_path)) as running, connected(running) as borealis:
        await borealis.identity.create_credential("c", role="agent", agent="c")
        places = [WorkloadPlace(account=name, namespace="n", name="web") for name in ("c", "nowhere")]

        away, nobody = await borealis.deployments.live_replicas(places)
        with pytest.raises(InvalidArgumentError, match="workloads"):
            await borealis.deployments.live_replicas([])

    assert away.unknown == "agent c cannot be asked: it is not connected"
    assert nobody.unknown == "there is no agent nowhere"
    assert (away.replicas, away.is_absent) == (None, None)
