"""HTTP from inside a cluster: through a real tunnel, to what the targets file has at the address, and no further."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from borealis_agent.targets.policy import Policy, ServiceRange, WebTarget
from borealis_server.adapters.outside.through_agent import OutsideThroughAgent
from borealis_server.ports.outside import OutsideAnswer, OutsideRequest
from borealis_server.ports.relay import AgentRef
from kit import hooks as kit
from kit.hooks import open_hooks
from kit.target_api import open_target_api
from kit.tunnel import TENANT, open_agent, open_hub


@pytest.fixture
async def hooks():
    async with open_hooks() as running:
        yield running


@asynccontextmanager
async def sending(folder, **targets):
    """Sends through an agent with those targets."""
    async with (
        open_target_api(folder / "api") as api,
        open_hub(folder / "hub") as hub,
        open_agent(hub, api.kubeconfig, policy=Policy(**targets)) as agent,
    ):
        outside = OutsideThroughAgent(hub.hub)

        async def send(url, *, via=agent.ref, **fields):
            fields = {"method": "POST", "body": b"{}"} | fields
            return await outside.send(OutsideRequest(url=url, **fields), via)

        yield send


def jobs_at(hooks, path="", **fields):
    return {"jobs": WebTarget(url=f"{hooks.root}{path}", methods=("POST",), allow_local=True, **fields)}


async def test_st_07_what_only_the_cluster_reaches_is_called_by_its_address(hooks, tmp_path):
    hooks.says(kit.status(201, "made"))

    async with sending(tmp_path, http=jobs_at(hooks)) as send:
        answer = await send(f"{hooks.root}/run/7?x=1", headers=(("X-Job", "7"), ("Idempotency-Key", "k")))

    (came,) = hooks.came
    assert (came.method, came.target, came.body) == ("POST", "/run/7?x=1", b"{}")
    assert (came.headers["x-job"], came.headers["idempotency-key"]) == ("7", "k")
    assert isinstance(answer, OutsideAnswer)
    assert (answer.status, answer.body, answer.is_cut) == (201, b"made", False)


async def test_a_target_below_a_path_serves_what_is_below_it_alone(hooks, tmp_path):
    async with sending(tmp_path, http=jobs_at(hooks, "/ci", paths=("/job",))) as send:
        fine = await send(f"{hooks.root}/ci/job/7")
        beside = await send(f"{hooks.root}/other/job/7")
        denied = await send(f"{hooks.root}/ci/admin")

    assert fine.status == 200
    assert [came.target for came in hooks.came] == ["/ci/job/7"]
    assert (beside.is_refused, denied.is_refused) == (True, True)
    assert "has no target at" in beside.detail
    assert "allows /job here, not this path" in denied.detail


@pytest.mark.parametrize("passes", [True, False], ids=["passed", "dropped"])
async def test_credentials_of_the_call_reach_a_target_that_takes_them(hooks, tmp_path, passes):
    async with sending(tmp_path, http=jobs_at(hooks, pass_authorization=passes)) as send:
        await send(f"{hooks.root}/run", headers=(("Authorization", "Bearer own"), ("Cookie", "a=b")))

    assert hooks.came[0].headers.get("authorization") == ("Bearer own" if passes else None)
    assert "cookie" not in hooks.came[0].headers


async def test_the_credentials_of_the_operator_go_before_those_of_the_call(hooks, tmp_path):
    file = tmp_path / "authorization"
    file.write_text("Bearer operator\n")

    async with sending(tmp_path, http=jobs_at(hooks, pass_authorization=True, authorization_file=file)) as send:
        await send(f"{hooks.root}/run", headers=(("Authorization", "Bearer own"),))

    assert hooks.came[0].headers["authorization"] == "Bearer operator"


async def test_an_endless_answer_is_cut_and_its_stream_ends(hooks, tmp_path):
    hooks.says(kit.endless(hooks, b"x" * 1000))

    async with sending(tmp_path, http=jobs_at(hooks)) as send:
        answer = await send(f"{hooks.root}/run", size_limit_bytes=2500)

    assert (answer.body, answer.is_cut) == (b"x" * 2500, True)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("http://127.0.0.1:1/run", "has no target at 'http://127.0.0.1:1'", id="another-port"),
        pytest.param("https://127.0.0.1/run", "has no target at", id="another-scheme"),
        pytest.param("http://web.other.svc:80/run", "allows Services of shop, not of other", id="another-namespace"),
        pytest.param("http://web.shop.svc:81/run", "allows ports 80, not 81", id="another-service-port"),
        pytest.param("http://web.shop.svc.evil.example/run", "has no target at", id="a-name-that-looks-like-one"),
        pytest.param("http://ana:pw@127.0.0.1/run", "the address cannot be called", id="credentials-in-the-address"),
    ],
)
async def test_what_the_targets_file_does_not_have_is_refused(hooks, tmp_path, url, says):
    shop = {"shop": ServiceRange(namespaces=("shop",), ports=(80,))}

    async with sending(tmp_path, http=jobs_at(hooks), services=shop) as send:
        failure = await send(url)

    assert failure.is_refused
    assert says in failure.detail
    assert hooks.came == []


async def test_a_service_of_the_cluster_is_found_by_its_name(tmp_path):
    shop = {"shop": ServiceRange(namespaces=("shop",), ports=(80,), domain="invalid")}

    async with sending(tmp_path, services=shop) as send:
        failures = [
            await send(f"http://{host}/run") for host in ("web.shop", "web.shop.svc", "web.shop.svc.cluster.local")
        ]

    # There is no such cluster: what counts is the name that the agent looked for.
    assert all("web.shop.invalid" in failure.detail for failure in failures), failures
    assert not any(failure.is_refused for failure in failures)


async def test_an_agent_that_is_away_is_worth_another_try(hooks, tmp_path):
    async with sending(tmp_path, http=jobs_at(hooks)) as send:
        failure = await send(f"{hooks.root}/run", via=AgentRef(tenant=TENANT, name="gone"))

    assert not failure.is_refused
    assert failure.detail.startswith("agent gone is unavailable: ")


async def test_a_limit_of_time_holds_and_the_request_may_have_arrived(hooks, tmp_path):
    hooks.says(kit.silent(hooks))

    async with sending(tmp_path, http=jobs_at(hooks)) as send:
        failure = await send(f"{hooks.root}/run", time_limit_s=0.3)

    assert failure.may_have_arrived
    assert not failure.is_refused
    assert "DEADLINE" in failure.detail
