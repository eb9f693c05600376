"""Whatever is applied is ready before pods move. Rows DF-27, K8-14, K8-15, K8-16; hard cases 22 and 27."""

from __future__ import annotations

from borealis_server.domain.states import DeploymentState, EndReason, Phase, Rollback
from kit.lab import APPROVAL, NEVER, other, settings, web, weight

GROUP = "example.com"


def template(app, **pod):
    containers = [{"name": "main", "image": "example.com/db:1"}]
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": containers, **pod}}


def stateful_set(name="db", *, replicas=2, version="1", **pod):
    spec = {
        "replicas": replicas,
        "serviceName": name,
        "selector": {"matchLabels": {"app": name}},
        "template": template(name, **pod),
    }
    spec["template"]["metadata"]["annotations"] = {"version": version}
    return other("apps/v1", "StatefulSet", name, spec=spec)


def daemon_set(name="log", **pod):
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template(name, **pod)}
    return other("apps/v1", "DaemonSet", name, spec=spec)


def job(name="migrate", **spec):
    return other("batch/v1", "Job", name, spec={"template": template(name, restartPolicy="Never"), **spec})


def widget_definition(group=GROUP, **metadata):
    """A definition of Widgets whose status others write."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    definition = other("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}", spec=spec)
    return {**definition, "metadata": {**definition["metadata"], **metadata}}


async def set_conditions(lab, status):
    path = f"{lab.path('widgets', 'w', group=f'{GROUP}/v1')}/status"
    (await lab.rest.patch(path, {"status": status})).ok()


async def test_k8_14_a_target_without_deployments_succeeds_when_its_objects_are_ready(lab):
    pods = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template("night", restartPolicy="Never")}}}
    cron = other("batch/v1" if lab.is_sandbox else "batch/v1beta1", "CronJob", "night", spec=pods)

    done = await lab.deploy(stateful_set(), daemon_set(), cron, settings("1"))

    assert done.targets[0].steps == ()
    live = await lab.get("statefulsets", "db")
    assert live["status"]["readyReplicas"] == 2


async def test_k8_15_a_stateful_set_with_a_failing_pod_times_out_by_name_and_is_rolled_back(lab):
    await lab.deploy(stateful_set(), settings("1"))
    key = await lab.start(stateful_set(version="2", readinessGates=NEVER), settings("2"))
    waiting = await lab.until_wait(key, "pod db-1: ReadinessGatesNotReady")
    assert waiting.targets[0].phase is Phase.SETTLING
    assert waiting.targets[0].wait.what.startswith("StatefulSet db: 1 of 2 pods ready")

    lab.plane.clock.jump(60)
    done = await lab.plane.until_end(key)

    assert done.targets[0].end_reason is EndReason.READINESS_TIMEOUT
    assert "pod db-1: ReadinessGatesNotReady" in done.targets[0].message
    assert done.targets[0].rollback is Rollback.DONE
    restored = await lab.get("statefulsets", "db")
    assert "readinessGates" not in restored["spec"]["template"]["spec"]
    assert (await lab.get("configmaps", "shop-settings", group="v1"))["data"] == {"version": "1"}


async def test_k8_15_pods_do_not_move_before_everything_else_is_ready(lab):
    first = await lab.deploy(web("1", replicas=2))
    old = first.targets[0].workloads[0].new_name
    key = await lab.start(web("2", replicas=2), stateful_set(readinessGates=NEVER, replicas=1))
    await lab.until_wait(key, "StatefulSet db: 0 of 1 pods ready")
    assert await lab.replica_sets() == {old: 2}

    done = await lab.roll_back(key)

    assert done.targets[0].rollback is Rollback.DONE
    assert await lab.get("statefulsets", "db") is None
    assert await lab.replica_sets() == {old: 2}


async def test_k8_15_a_daemon_set_is_awaited(lab):
    key = await lab.start(daemon_set(readinessGates=NEVER))

    waiting = await lab.until_wait(key, "DaemonSet log: 0 of 1 pods available; pod log-")

    assert waiting.targets[0].wait.at_limit == "the target is rolled back"
    await lab.roll_back(key)


async def test_k8_15_a_job_is_awaited_until_it_is_complete(lab):
    done = await lab.deploy(job(completions=0, parallelism=1))

    assert done.state is DeploymentState.SUCCEEDED
    assert (await lab.get("jobs", "migrate", group="batch/v1"))["status"]["conditions"][0]["type"] == "Complete"


async def test_k8_15_a_job_that_failed_ends_the_wait_at_once(lab):
    failing = job(activeDeadlineSeconds=1)
    failing["spec"]["template"]["metadata"]["annotations"] = {"sandbox.borealis.dev/never-ready": "true"}

    done = await lab.ended(web("2", replicas=1), failing)

    assert (done.state, done.targets[0].end_reason) == (DeploymentState.FAILED, EndReason.APPLY_ERROR)
    assert "Job migrate: Job was active longer than specified deadline" in done.targets[0].message
    assert await lab.get("jobs", "migrate", group="batch/v1") is None
    assert await lab.replica_sets() == {}


async def test_df_27_a_resource_that_comes_before_its_definition_in_the_file_is_applied_after_it(lab):
    done = await lab.deploy(other(f"{GROUP}/v1", "Widget", "w", spec={"size": 1}), widget_definition())

    assert done.state is DeploymentState.SUCCEEDED
    assert (await lab.get("widgets", "w", group=f"{GROUP}/v1"))["spec"] == {"size": 1}


async def test_df_27_a_definition_that_takes_its_time_is_waited_for_and_the_new_kind_is_found(lab):
    late = {"annotations": {"sandbox.borealis.dev/established-after": "60s"}}

    await lab.deploy(widget_definition(**late), other(f"{GROUP}/v1", "Widget", "w", spec={"size": 1}))

    assert (await lab.get("widgets", "w", group=f"{GROUP}/v1"))["spec"] == {"size": 1}


async def test_k8_15_conditions_of_a_custom_resource_are_awaited(lab):
    await lab.deploy(widget_definition(), other(f"{GROUP}/v1", "Widget", "w", spec={"size": 1}))
    failing = {"type": "Ready", "status": "False", "reason": "Building", "message": "half of it is there"}
    await set_conditions(lab, {"observedGeneration": 1, "conditions": [failing]})

    key = await lab.start(widget_definition(), other(f"{GROUP}/v1", "Widget", "w", spec={"size": 2}))
    await lab.until_wait(key, "Widget w: its controller has not seen the newest version yet")
    await set_conditions(lab, {"observedGeneration": 2, "conditions": [failing]})
    await lab.until_wait(key, "Widget w: condition Ready is False: half of it is there")
    await set_conditions(lab, {"observedGeneration": 2, "conditions": [{**failing, "status": "True"}]})
    done = await lab.plane.until_end(key)

    assert done.state is DeploymentState.SUCCEEDED, done.message


async def test_df_27_a_definition_is_established_before_the_run_goes_on(lab):
    group = f"{lab.namespace}.example.com"
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}"
    try:
        await lab.deploy(widget_definition(group), settings("1"))

        conditions = (await lab.rest.get(path)).ok()["status"]["conditions"]
        assert ("Established", "True") in [(each["type"], each["status"]) for each in conditions]
    finally:
        await lab.rest.delete(path)


async def test_a_kind_that_nobody_serves_or_defines_is_said_before_anything_is_changed(lab):
    done = await lab.ended(settings("1"), other("nobody.example.com/v1", "Widget", "w"))

    assert done.targets[0].rollback is Rollback.NONE
    assert "the cluster serves no kind Widget in nobody.example.com/v1" in done.targets[0].message
    assert await lab.get("configmaps", "shop-settings", group="v1") is None


async def test_k8_16_a_pod_counts_only_after_its_least_ready_seconds(lab):
    await lab.deploy(web("1", replicas=1))
    least_s = lab.seconds(3)
    async with lab.sampled(at_least=1, at_most=2) as capacity:
        key = await lab.start(web("2", replicas=1, minReadySeconds=least_s), steps=(weight(50), APPROVAL))
        await capacity.until_ready(2)
        waiting = await lab.until_wait(key, "0 of 1 pods of the new version available")
        assert waiting.state is DeploymentState.RUNNING

        waiting = await lab.until_approval(key)

    new = await lab.get("replicasets", waiting.targets[0].workloads[0].new_name)
    assert (new["spec"]["minReadySeconds"], new["status"]["availableReplicas"]) == (least_s, 1)
    await lab.roll_back(key)
