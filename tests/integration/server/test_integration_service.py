"""IntegrationService and AnalysisService as callers see them."""

from __future__ import annotations

import time
from typing import cast

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # no types are published
from grpc_status import rpc_status

from borealis.analysis.v1 import analysis_pb2, analysis_service_pb2
from borealis.analysis.v1.analysis_service_pb2_grpc import AnalysisServiceStub
from borealis.integration.v1 import integration_pb2
from borealis.integration.v1 import integration_service_pb2 as pb
from borealis.integration.v1.integration_service_pb2_grpc import IntegrationServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="session")

URL = "http://prometheus.example"


@pytest.fixture
def service(channel, admin):
    """Calls of the administrator, by the method's name."""
    stub = IntegrationServiceStub(channel)

    async def call(method, request, metadata=admin.metadata):
        return await getattr(stub, method)(request, metadata=metadata, timeout=10)

    return call


def prometheus(**fields):
    return integration_pb2.Integration(url=URL, prometheus=integration_pb2.Prometheus(**fields))


async def create(service, name, integration=None):
    request = pb.CreateIntegrationRequest(integration_id=name, integration=integration or prometheus())
    return (await service("CreateIntegration", request)).integration


def violations(error):
    request = error_details_pb2.BadRequest()
    assert any(detail.Unpack(request) for detail in rpc_status.from_call(cast("grpc.Call", error)).details)
    return {violation.field: violation.description for violation in request.field_violations}


async def test_what_is_created_is_shown_with_references_and_no_values(service):
    made = await create(service, "prom-1", prometheus(username="ana", password="{{secrets.prom}}"))

    assert made.name == "tenants/main/integrations/prom-1"
    assert (made.url, made.etag, made.updated_by) == (URL, "1", "local-admin")
    assert made.prometheus.password == "{{secrets.prom}}"
    assert abs(made.create_time.seconds - time.time()) < 60
    assert (await service("GetIntegration", pb.GetIntegrationRequest(name=made.name))).integration == made


async def test_datadog_and_new_relic_have_a_usual_place(service):
    keys = integration_pb2.Datadog(api_key="{{secrets.a}}", application_key="{{secrets.b}}")
    datadog = await create(service, "dd", integration_pb2.Integration(datadog=keys))
    key = integration_pb2.NewRelic(user_key="{{secrets.a}}", account_id=7)
    new_relic = await create(service, "nr", integration_pb2.Integration(new_relic=key))

    assert datadog.url == "https://api.datadoghq.com"
    assert (new_relic.url, new_relic.new_relic.account_id) == ("https://api.newrelic.com", 7)


async def test_a_name_is_taken_once(service):
    await create(service, "taken")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(service, "taken")
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS


async def test_every_fault_is_told_and_no_credential_is_quoted(service):
    wrong = integration_pb2.Integration(
        url="ftp://ana:pw@x/?q", agent="no agent", prometheus=integration_pb2.Prometheus(password="hunter2")
    )

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(service, "no name", wrong)

    found = violations(caught.value)
    assert set(found) == {
        *("integration_id", "integration.url", "integration.agent"),
        *("integration.prometheus.password", "integration.prometheus"),
    }
    assert "hunter2" not in str(found) + str(caught.value.details())


async def test_an_integration_of_no_provider_is_refused(service):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await create(service, "none", integration_pb2.Integration(url=URL))
    assert violations(caught.value) == {"integration.provider": "say which provider it is"}


async def test_a_change_replaces_it_unless_somebody_was_faster(service):
    made = await create(service, "changing", prometheus(token="{{secrets.t}}"))
    changed = integration_pb2.Integration(
        name=made.name,
        url="https://other.example/prom",
        agent="west",
        prometheus=integration_pb2.Prometheus(),
        etag="1",
    )

    after = (await service("UpdateIntegration", pb.UpdateIntegrationRequest(integration=changed))).integration

    assert (after.url, after.agent, after.prometheus.token, after.etag) == (changed.url, "west", "", "2")
    assert after.create_time == made.create_time
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service("UpdateIntegration", pb.UpdateIntegrationRequest(integration=changed))
    assert caught.value.code() is grpc.StatusCode.ABORTED


async def test_what_is_not_there_or_is_another_tenants_is_not_found(service):
    gone = await create(service, "gone")
    await service("DeleteIntegration", pb.DeleteIntegrationRequest(name=gone.name))

    for name in (gone.name, "tenants/other/integrations/gone"):
        for method, request in (
            ("GetIntegration", pb.GetIntegrationRequest(name=name)),
            ("DeleteIntegration", pb.DeleteIntegrationRequest(name=name)),
            ("TestIntegration", pb.TestIntegrationRequest(name=name)),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await service(method, request)
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_pages_join_to_the_whole_list_in_order(service):
    for number in range(3):
        await create(service, f"page-{number}")
    found, token = [], ""
    while True:
        page = await service("ListIntegrations", pb.ListIntegrationsRequest(page_size=2, page_token=token))
        found += [one.name for one in page.integrations]
        token = page.next_page_token
        if not token:
            break

    assert found == sorted(found)
    assert {f"tenants/main/integrations/page-{number}" for number in range(3)} <= set(found)


async def test_a_trial_tells_why_there_is_no_answer(service):
    """This server may not call machines that are not public."""
    made = await create(service, "private", integration_pb2.Integration(url="http://127.0.0.1:9", prometheus={}))
    secret = await create(service, "no-secret", prometheus(token="{{secrets.nobody-set-it}}"))

    tried = await service("TestIntegration", pb.TestIntegrationRequest(name=made.name))
    lacks = await service("TestIntegration", pb.TestIntegrationRequest(name=secret.name, query="up"))

    assert (tried.query, list(tried.values)) == ("vector(1)", [])
    assert "allow_private_addresses" in tried.error
    assert "nobody-set-it" in lacks.error


async def test_deployers_may_try_providers_out_and_viewers_may_not_even_see_them(service, as_role):
    made = await create(service, "roles")
    deployer, _ = await as_role("metrics-deployer", "deployer")
    viewer, _ = await as_role("metrics-viewer", "viewer")

    await service("GetIntegration", pb.GetIntegrationRequest(name=made.name), metadata=deployer.metadata)
    for who, method, request in (
        (deployer, "DeleteIntegration", pb.DeleteIntegrationRequest(name=made.name)),
        (viewer, "GetIntegration", pb.GetIntegrationRequest(name=made.name)),
        (viewer, "TestIntegration", pb.TestIntegrationRequest(name=made.name)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await service(method, request, metadata=who.metadata)
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def parts(channel, admin, **fields):
    request = analysis_service_pb2.RunAnalysisRequest(**fields)
    stub = AnalysisServiceStub(channel)
    return [part async for part in stub.RunAnalysis(request, metadata=admin.metadata, timeout=20)]


async def test_the_past_is_judged_part_by_part(channel, admin, service):
    await create(service, "nobody-there", integration_pb2.Integration(url="http://127.0.0.1:9", prometheus={}))
    query = analysis_pb2.Query(name="q", provider="nobody-there", template="up", upper_limit=1)

    judgement, analysis = await parts(
        channel,
        admin,
        plan=analysis_pb2.Plan(queries=[query], interval_s=60, runs=1),
        start_time={"seconds": int(time.time()) - 600},
    )

    assert judgement.judgement.number == 1
    assert judgement.judgement.end_time.seconds - judgement.judgement.start_time.seconds == 60
    assert "allow_private_addresses" in judgement.judgement.samples[0].answer.error
    assert analysis.analysis.verdict == analysis_pb2.VERDICT_ERROR
    assert not analysis.analysis.results[0].HasField("average")


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        pytest.param({}, {"plan.queries", "plan.interval_s"}, id="nothing"),
        pytest.param({"interval_s": 60, "runs": 501}, {"plan.runs"}, id="too-much"),
        pytest.param({"interval_s": 60, "runs": 1, "late": True}, {"start_time"}, id="the-future"),
        pytest.param({"interval_s": 3e7, "runs": 400}, {"start_time"}, id="beyond-the-calendar"),
        pytest.param({"interval_s": 60, "runs": 1, "limits": (2, 1)}, {"plan.queries"}, id="crossed-limits"),
        pytest.param({"interval_s": 60, "runs": 1, "variables": {"none": "x"}}, {"variables"}, id="no-such-variable"),
    ],
)
async def test_a_wrong_question_about_the_past_is_refused_by_its_fields(channel, admin, fields, places):
    low, high = fields.pop("limits", (0, 1))
    late, variables = fields.pop("late", False), fields.pop("variables", {})
    query = analysis_pb2.Query(name="q", provider="p", template="up", upper_limit=high, lower_limit=low)
    plan = analysis_pb2.Plan(queries=[query] if fields else [], **fields)
    start = int(time.time()) + (0 if late else -3600)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await parts(channel, admin, plan=plan, start_time={"seconds": start}, variables=variables)
    assert set(violations(caught.value)) == places
