"""Blue/green on both kinds of cluster. Rows BG-01 to BG-10.

Watches follow the endpoints of the active Service through every test: never empty, and never pods of two versions.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from borealis_server.domain.states import DeploymentState, EndReason, Rollback, StepState, TargetState
from kit.capacity import open_endpoint_history
from kit.control_plane import describe
from kit.lab import APPROVAL, NEVER, other, service, web, weight

APPROVE = {"pause": {"untilApproved": True}}
PAIR = ({"activeService": "shop", "previewService": "shop-next"},)
SERVICES = (service("shop"), service("shop-next"))


def blue_green(redirect=(), shut_down=()):
    return {"redirectTrafficAfter": list(redirect), "shutDownOldVersionAfter": list(shut_down)}


async def start(lab, *documents, redirect=(), shut_down=(), **options):
    options.setdefault("services", PAIR)
    return await lab.start(*documents, blue_green=blue_green(redirect, shut_down), **options)


async def deploy(lab, *documents, **options):
    """To the end, which must be a success; gives the name of the new version's ReplicaSet."""
    done = await lab.plane.until_end(await start(lab, *documents, **options))
    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    return done.targets[0].workloads[0].new_name


@asynccontextmanager
async def never_empty_nor_mixed(lab, *names):
    """Every state that the endpoints of these Services are in holds pods of exactly one version."""
    async with open_endpoint_history(lab.api, lab.namespace) as history:
        yield history
        for name in names or ("shop",):
            assert history.versions(name)


def steps_of(deployment):
    return [(step.kind.value, step.state.value) for step in deployment.targets[0].steps]


async def approval_of(lab, key, ref):
    """The deployment, once step `ref` waits for an approval."""
    return await lab.plane.until(
        key, lambda deployment: deployment.targets[0].step(ref).state is StepState.AWAITING_APPROVAL
    )


async def approve_step(lab, key, ref):
    await approval_of(lab, key, ref)
    await lab.plane.deployments.approve(key, lab.plane.wish("approve", step=ref))


async def test_a_first_deployment_goes_straight_to_the_end_and_services_lead_to_it(lab):
    done = await lab.plane.until_end(await start(lab, *SERVICES, web("1"), redirect=[APPROVE], shut_down=[APPROVE]))

    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    load = done.targets[0].workloads[0]
    assert [state for _, state in steps_of(done)] == ["SUCCEEDED", "SKIPPED", "SUCCEEDED", "SKIPPED", "SKIPPED"]
    for name in ("shop", "shop-next"):
        selector = (await lab.get("services", name, group="v1"))["spec"]["selector"]
        assert selector == {"app": "shop", "armory-pod-template-hash": load.new_name.removeprefix("shop-")}


async def test_every_phase_in_turn(lab):
    """BG-01, BG-02, BG-03, BG-04, BG-05"""
    one = await deploy(lab, *SERVICES, web("1"))
    async with never_empty_nor_mixed(lab) as history, lab.sampled(at_least=4, at_most=8):
        key = await start(lab, *SERVICES, web("2"), redirect=[APPROVE, APPROVE], shut_down=[APPROVE])

        waiting = await approval_of(lab, key, "step-2")
        two = waiting.targets[0].workloads[0].new_name
        # BG-03: the conditions of a phase wait together.
        assert waiting.targets[0].step("step-3").state is StepState.AWAITING_APPROVAL
        # BG-01, BG-02: without traffic, but behind the preview Service.
        assert history.now("shop") == {one: 4}
        assert history.now("shop-next") == {two: 4}
        assert waiting.targets[0].workloads[0].traffic_percent == 0
        await approve_step(lab, key, "step-2")
        assert history.now("shop") == {one: 4}
        await approve_step(lab, key, "step-3")

        # BG-04, BG-05: all at once, and the old version stays until it may go.
        idle = await approval_of(lab, key, "step-5")
        assert history.now("shop") == {two: 4}
        assert await lab.replica_sets() == {one: 4, two: 4}
        assert idle.targets[0].workloads[0].traffic_percent == 100
        done = await lab.approve(key)

    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    assert [state for _, state in steps_of(done)] == ["SUCCEEDED"] * 6
    assert await lab.replica_sets() == {two: 4}
    assert history.versions("shop") == [one, two]
    # One patch switched it: two selectors were ever seen, one version each.
    assert [len(selector) for selector in history.selectors["shop"]] == [2, 2]


async def test_bg_06_before_the_redirection_the_way_back_removes_the_new_version(lab):
    one = await deploy(lab, *SERVICES, web("1"))
    before = {name: (await lab.get("services", name, group="v1"))["spec"] for name in ("shop", "shop-next")}
    async with never_empty_nor_mixed(lab, "shop") as history:
        key = await start(lab, *SERVICES, web("2"), redirect=[APPROVE])
        await approval_of(lab, key, "step-2")
        done = await lab.roll_back(key)

    assert (done.state, done.targets[0].rollback) == (DeploymentState.CANCELLED, Rollback.DONE), describe(done)
    assert history.versions("shop") == [one]
    assert await lab.replica_sets() == {one: 4}
    for name, spec in before.items():
        assert (await lab.get("services", name, group="v1"))["spec"] == spec


async def test_bg_06_after_the_redirection_the_way_back_leads_traffic_to_the_old_version(lab):
    one = await deploy(lab, *SERVICES, web("1"))
    before = (await lab.get("services", "shop", group="v1"))["spec"]
    async with never_empty_nor_mixed(lab, "shop") as history, lab.sampled(at_least=4, at_most=8):
        key = await start(lab, *SERVICES, web("2"), shut_down=[APPROVE])
        waiting = await approval_of(lab, key, "step-3")
        two = waiting.targets[0].workloads[0].new_name
        done = await lab.roll_back(key)

    assert (done.state, done.targets[0].rollback) == (DeploymentState.CANCELLED, Rollback.DONE), describe(done)
    assert history.versions("shop") == [one, two, one]
    assert await lab.replica_sets() == {one: 4}
    assert (await lab.get("services", "shop", group="v1"))["spec"] == before


async def test_bg_07_a_failure_before_the_shutdown_rolls_back(lab):
    one = await deploy(lab, *SERVICES, web("1"))
    expiring = {"pause": {"untilApproved": True, "approvalExpiration": {"duration": 30, "unit": "seconds"}}}
    async with never_empty_nor_mixed(lab) as history:
        key = await start(lab, *SERVICES, web("2"), shut_down=[expiring])
        await approval_of(lab, key, "step-3")
        lab.plane.clock.jump(31)
        done = await lab.plane.until_end(key)

    assert done.targets[0].end_reason is EndReason.APPROVAL_EXPIRED
    assert done.targets[0].rollback is Rollback.DONE, describe(done)
    assert history.versions("shop")[-1] == one
    assert await lab.replica_sets() == {one: 4}


async def test_a_version_that_never_gets_ready_has_no_traffic_and_goes(lab):
    one = await deploy(lab, *SERVICES, web("1"))
    async with never_empty_nor_mixed(lab) as history:
        key = await start(lab, *SERVICES, web("2", pod={"readinessGates": NEVER}), timeout_s=60)
        await lab.until_wait(key, "pods of the new version available")
        lab.plane.clock.jump(61)
        done = await lab.plane.until_end(key)

    assert (done.targets[0].end_reason, done.targets[0].rollback) == (EndReason.READINESS_TIMEOUT, Rollback.DONE)
    assert history.versions("shop") == [one]
    assert await lab.replica_sets() == {one: 4}


async def test_bg_08_services_that_are_applied_with_the_deployment_never_lead_to_both_versions(lab):
    await deploy(lab, *SERVICES, web("1"))
    changed = service("shop")
    changed["metadata"]["labels"] = {"tier": "front"}
    async with never_empty_nor_mixed(lab) as history:
        for version in ("2", "3"):
            await deploy(lab, changed, service("shop-next"), web(version))

    assert len(history.versions("shop")) == 3


@pytest.mark.parametrize("is_in_manifests", [True, False], ids=["in-manifests", "only-in-the-cluster"])
async def test_a_native_deployment_is_replaced_without_a_gap_and_can_come_back(lab, is_in_manifests):
    await lab.create("deployments", web("0"))
    await lab.create("services", service("shop"), group="v1")
    await lab.rest.until(
        lab.path("deployments", "shop"), lambda live: live.get("status", {}).get("availableReplicas") == 4
    )
    (old,) = await lab.replica_sets()
    documents = (service("shop"),) if is_in_manifests else ()
    pair = ({"activeService": "shop"},)
    async with open_endpoint_history(lab.api, lab.namespace) as settling:
        await until_endpoints(settling, "shop", {old: 4})

    async with never_empty_nor_mixed(lab) as history, lab.sampled(at_least=4, at_most=8):
        key = await start(lab, *documents, web("1"), shut_down=[APPROVE], services=pair)
        await approval_of(lab, key, "step-3")
        back = await lab.roll_back(key)
        assert back.targets[0].rollback is Rollback.DONE, describe(back)
        assert (await lab.get("services", "shop", group="v1"))["spec"]["selector"] == {"app": "shop"}
        assert (await lab.get("deployments", "shop"))["spec"]["replicas"] == 4

        new = await deploy(lab, *documents, web("1"), services=pair)

    assert history.versions("shop")[0] == old
    assert history.versions("shop")[-1] == new
    assert await lab.replica_sets() == {new: 4}


async def until_endpoints(history, name, counts):
    async with asyncio.timeout(30):
        while not history.seen.get(name) or history.now(name) != counts:
            await asyncio.sleep(0.05)


async def test_bg_09_two_deployments_switch_in_the_same_phase(lab):
    documents = (service("shop"), service("api", app="api"), web("1", name="shop"), web("1", name="api"))
    pairs = ({"activeService": "shop"}, {"activeService": "api"})
    await deploy(lab, *documents, services=pairs)
    documents = (*documents[:2], web("2", name="shop"), web("2", name="api"))
    async with never_empty_nor_mixed(lab, "shop", "api") as history:
        key = await start(lab, *documents, redirect=[APPROVE], shut_down=[APPROVE], services=pairs)
        await approval_of(lab, key, "step-2")
        assert [len(history.versions(name)) for name in ("shop", "api")] == [1, 1]
        await approve_step(lab, key, "step-2")
        await approval_of(lab, key, "step-4")
        assert [len(history.versions(name)) for name in ("shop", "api")] == [2, 2]
        done = await lab.approve(key)

    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    assert len(await lab.replica_sets()) == 2


async def test_bg_10_services_in_the_old_place_work_with_a_warning(lab):
    legacy = {**blue_green(), "activeService": "shop", "previewService": "shop-next"}
    text = lab.deploy_file((*SERVICES, web("1")), blue_green=legacy)
    started = await lab.plane.start(json.dumps(text), shop_yaml=lab.manifest(*SERVICES, web("1")))
    done = await lab.plane.until_end(started.key)

    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    selector = (await lab.get("services", "shop", group="v1"))["spec"]["selector"]
    assert "armory-pod-template-hash" in selector


async def test_bg_11_a_service_of_the_cluster_that_fits_no_deployment_ends_the_run_before_it_changes_anything(lab):
    await lab.create("services", service("shop", app="another"), group="v1")
    done = await lab.plane.until_end(await start(lab, web("1"), services=({"activeService": "shop"},)))

    run = done.targets[0]
    assert (run.state, run.end_reason, run.rollback) == (
        TargetState.FAILED,
        EndReason.SERVICE_NOT_MATCHED,
        Rollback.NONE,
    )
    assert "Service shop does not select the pods of Deployment shop" in run.message
    assert await lab.replica_sets() == {}


async def test_a_service_that_is_nowhere_ends_the_run_before_it_changes_anything(lab):
    done = await lab.plane.until_end(await start(lab, web("1"), services=({"activeService": "shop"},)))

    assert done.targets[0].end_reason is EndReason.SERVICE_NOT_MATCHED
    assert "create it, or add it to the manifests" in done.targets[0].message
    assert await lab.replica_sets() == {}


async def test_a_version_that_somebody_writes_off_the_selector_is_written_back(lab):
    one = await deploy(lab, *SERVICES, web("1"))
    key = await start(lab, *SERVICES, web("2", pod={"readinessGates": NEVER}))
    await lab.until_wait(key, "pods of the new version available")
    path = lab.path("services", "shop", group="v1")
    await lab.rest.patch(path, {"spec": {"selector": {"armory-pod-template-hash": None}}})

    await lab.rest.until(
        path, lambda live: live["spec"]["selector"].get("armory-pod-template-hash") == one.removeprefix("shop-")
    )
    await lab.roll_back(key)


async def test_a_selector_that_somebody_replaced_is_left_and_the_run_goes_back(lab):
    one = await deploy(lab, *SERVICES, web("1"))
    key = await start(lab, *SERVICES, web("2"), redirect=[APPROVE])
    waiting = await approval_of(lab, key, "step-2")
    two = waiting.targets[0].workloads[0].new_name
    path = lab.path("services", "shop", group="v1")
    selector = {"armory-pod-template-hash": None, "app": "maintenance"}
    await lab.rest.patch(path, {"spec": {"selector": selector}})
    done = await lab.approve(key)

    run = done.targets[0]
    assert run.rollback is Rollback.FAILED, describe(done)
    assert "Service shop now selects app=maintenance: somebody else changed it" in run.message
    assert (await lab.get("services", "shop", group="v1"))["spec"]["selector"] == {"app": "maintenance"}
    assert await lab.replica_sets() == {one: 4, two: 4}


async def test_a_canary_after_blue_green_has_its_share_of_the_traffic(lab):
    await deploy(lab, *SERVICES, web("1"))
    await lab.deploy(web("2"))

    selector = (await lab.get("services", "shop", group="v1"))["spec"]["selector"]
    assert selector == {"app": "shop"}


async def test_a_canary_that_goes_back_ties_the_service_to_the_old_version_again(lab):
    one = await deploy(lab, *SERVICES, web("1"))
    before = (await lab.get("services", "shop", group="v1"))["spec"]
    key = await lab.start(*SERVICES, web("2"), steps=(weight(50), APPROVAL))
    await lab.until_approval(key)
    assert (await lab.get("services", "shop", group="v1"))["spec"]["selector"] == {"app": "shop"}

    done = await lab.roll_back(key)

    assert done.targets[0].rollback is Rollback.DONE, describe(done)
    assert (await lab.get("services", "shop", group="v1"))["spec"] == before
    assert await lab.replica_sets() == {one: 4}


async def test_a_kept_deployment_owns_the_new_version_and_is_the_old_one_of_the_next_run(lab):
    pair = ({"activeService": "shop"},)
    one = await deploy(lab, service("shop"), web("1"), services=pair, keeps=True)
    async with never_empty_nor_mixed(lab) as history:
        two = await deploy(lab, service("shop"), web("2"), services=pair, keeps=True)

    assert history.versions("shop") == [one, two]
    assert (await lab.get("replicasets", two))["metadata"]["ownerReferences"][0]["kind"] == "Deployment"
    assert await lab.replica_sets() == {two: 4}


async def test_the_new_version_has_as_many_pods_as_the_autoscaler_made(lab):
    version = "autoscaling/v2" if lab.is_sandbox else "autoscaling/v1"
    scaler = other(
        version,
        "HorizontalPodAutoscaler",
        "shop",
        spec={
            "minReplicas": 1,
            "maxReplicas": 9,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"},
        },
    )
    documents = (*SERVICES, scaler)
    one = await deploy(lab, *documents, web("1", replicas=2))
    await lab.scale(one, 3)
    async with never_empty_nor_mixed(lab, "shop"):
        key = await start(lab, *documents, web("2", replicas=2), shut_down=[APPROVE])
        waiting = await approval_of(lab, key, "step-3")
        two = waiting.targets[0].workloads[0].new_name
        assert await lab.replica_sets() == {one: 3, two: 3}
        done = await lab.approve(key)

    assert done.state is DeploymentState.SUCCEEDED, describe(done)
    live = await lab.get("horizontalpodautoscalers", "shop", group=version)
    assert live["spec"]["scaleTargetRef"]["name"] == two


async def test_an_old_version_that_was_deleted_comes_back_before_traffic_does(lab):
    one = await deploy(lab, *SERVICES, web("1"))
    async with never_empty_nor_mixed(lab, "shop") as history:
        key = await start(lab, *SERVICES, web("2"), shut_down=[APPROVE])
        await approval_of(lab, key, "step-3")
        (await lab.rest.delete(lab.path("replicasets", one))).ok()
        done = await lab.roll_back(key)

    assert done.targets[0].rollback is Rollback.DONE, describe(done)
    assert history.versions("shop")[-1] == one
    assert await lab.replica_sets() == {one: 4}
