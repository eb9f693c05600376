"""`plan` with the pods that are live: which number counts, where each comes from, and what is said without a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import grpc
import pytest

from borealis_client import LiveReplicas
from kit.json_schema import errors_of
from kit.scripted_server import Failure

if TYPE_CHECKING:
    from pathlib import Path

    from kit.scripted_server import ScriptedServer


@pytest.fixture
def unwritten(deploy_file: Path) -> Path:
    """A deploy file whose manifest leaves the number of pods to others."""
    manifest = deploy_file.parent / "manifests" / "web.yaml"
    manifest.write_text(manifest.read_text().replace("  replicas: 4\n", ""))
    return deploy_file


def planned(run, file, *options):
    outcome = run("plan", "-f", str(file), "-o", "json", *options)
    assert outcome.code == 0, outcome.err
    document = json.loads(outcome.out)
    assert errors_of(json.loads(run("schema", "plan").out), document) == []
    ((deployment,),) = [target["deployments"] for target in document["targets"]]
    return deployment, document["notes"]


def test_a_number_that_nobody_writes_is_the_live_one(cli, server: ScriptedServer, unwritten: Path):
    server.live["web"] = LiveReplicas(replicas=9, autoscaler="cpu")

    deployment, notes = planned(cli, unwritten)

    assert (deployment["replicas"], deployment["replicas_from"]) == (9, "live")
    assert deployment["live"] == {"replicas": 9, "autoscaler": "cpu", "unknown": None}
    assert not any("nobody was asked" in note for note in notes)
    assert "9 pods (live, by the HorizontalPodAutoscaler cpu)" in cli("plan", "-f", str(unwritten)).out


def test_the_server_is_asked_for_each_deployment_once(cli, server: ScriptedServer, deploy_file: Path):
    planned(cli, deploy_file)

    (request,) = server.called("GetLiveReplicas")
    assert [(one.account, one.namespace, one.name) for one in request.workloads] == [("kind", "shop", "web")]


def test_a_written_number_counts_as_in_a_deployment_and_the_live_one_is_beside_it(
    cli, server: ScriptedServer, deploy_file: Path
):
    server.live["web"] = LiveReplicas(replicas=6)

    deployment, notes = planned(cli, deploy_file)

    assert (deployment["replicas"], deployment["replicas_from"], deployment["live"]["replicas"]) == (4, "manifest", 6)
    assert any("6 live pods, but the manifest writes 4" in note for note in notes)
    assert "4 pods (written; live: 6)" in cli("plan", "-f", str(deploy_file)).out


def test_the_number_of_an_autoscaler_goes_before_the_written_one(cli, server: ScriptedServer, deploy_file: Path):
    server.live["web"] = LiveReplicas(replicas=6, autoscaler="cpu")

    deployment, _ = planned(cli, deploy_file)

    assert (deployment["replicas"], deployment["replicas_from"]) == (6, "live")
    assert "6 pods (live, by the HorizontalPodAutoscaler cpu)" in cli("plan", "-f", str(deploy_file)).out


def test_a_blue_green_plan_shows_its_phases_and_the_room_that_both_versions_need(
    cli, server: ScriptedServer, deploy_file: Path
):
    head, _, rest = deploy_file.read_text().partition("strategies:")
    pause = "{pause: {duration: 60, unit: seconds}}"
    deploy_file.write_text(
        f"{head}strategies: {{careful: {{blueGreen: {{redirectTrafficAfter: [{pause}, {pause}]}}}}}}\n"
        "trafficManagement: [{kubernetes: [{activeService: shop}]}]\n" + rest[rest.index("manifests:") :]
    )
    server.live["web"] = LiveReplicas(replicas=3)

    lines = cli("plan", "-f", str(deploy_file)).out.splitlines()

    first = next(index for index, line in enumerate(lines) if "step-1" in line)
    assert [line.strip() for line in lines[first : first + 7]] == [
        "step-1     start the new version at full size, without traffic: 4 new, 3 old (at most 7 on the way)",
        "before traffic is redirected, together:",
        "step-2     wait, 1m",
        "step-3     wait, 1m",
        "step-4     switch all traffic to the new version: 4 new, 3 old (at most 7 on the way)",
        "step-5     delete the old version: 4 new, 0 old (at most 7 on the way)",
        "room needed: 3 more pods at most",
    ]


def test_what_is_given_wins(cli, server: ScriptedServer, unwritten: Path):
    server.live["web"] = LiveReplicas(replicas=9)

    deployment, _ = planned(cli, unwritten, "--replicas", "web=2")

    assert (deployment["replicas"], deployment["replicas_from"]) == (2, "given")


def test_nothing_live_means_the_new_version_takes_over_at_once(cli, deploy_file: Path):
    deployment, notes = planned(cli, deploy_file)

    assert deployment["live"] == {"replicas": None, "autoscaler": None, "unknown": None}
    assert "prod/web: nothing is live, so the new version takes over at once" in notes


def test_an_agent_that_is_away_leaves_the_written_number_and_says_so(cli, server: ScriptedServer, deploy_file: Path):
    server.live["web"] = LiveReplicas(unknown="agent kind cannot be asked: it is not connected")

    deployment, notes = planned(cli, deploy_file)

    assert (deployment["replicas"], deployment["replicas_from"]) == (4, "manifest")
    assert deployment["live"]["unknown"] == "agent kind cannot be asked: it is not connected"
    message = "prod/web: agent kind cannot be asked: it is not connected; the plan counts with the written number"
    assert message in notes
    assert "4 pods (written; live unknown)" in cli("plan", "-f", str(deploy_file)).out


def test_without_a_server_the_plan_counts_with_what_is_written_and_says_so(offline, deploy_file: Path):
    deployment, notes = planned(offline, deploy_file)

    assert (deployment["replicas"], "live" in deployment) == (4, False)
    assert "nobody was asked how many pods are live: no server is configured" in notes
    assert offline("plan", "-f", str(deploy_file), "--live").code != 0


def test_a_server_that_fails_costs_nothing_unless_live_numbers_were_asked_for(
    cli, server: ScriptedServer, deploy_file: Path
):
    refusal = Failure(code=grpc.StatusCode.PERMISSION_DENIED, reason="PERMISSION_DENIED", message="you may not. Ask")
    server.fail("GetLiveReplicas", refusal, refusal)

    _, notes = planned(cli, deploy_file)

    assert "nobody was asked how many pods are live: you may not" in notes
    assert cli("plan", "-f", str(deploy_file), "--live").code != 0


@pytest.mark.parametrize("options", [["--no-live"], ["--no-live", "--replicas", "web=3"]])
def test_nobody_is_asked_where_nobody_wants_it(cli, server: ScriptedServer, deploy_file: Path, options):
    _, notes = planned(cli, deploy_file, *options)

    assert server.called("GetLiveReplicas") == []
    assert not any("nobody was asked" in note for note in notes)
