"""A blue/green strategy as steps in stages, and the Services that it moves."""

from __future__ import annotations

from borealis_deployfile.model import BlueGreen, Pause
from borealis_deployfile.parse import check
from borealis_server.domain.deployment import ServicePair
from borealis_server.domain.planning.blue_green import plan_blue_green, plan_services
from borealis_server.domain.states import StepKind
from kit.planning import SETTING

APPROVAL, PAUSE = Pause(until_approved=True), Pause(duration_s=60)
FILE = """\
application: shop
manifests: [{path: k8s}]
targets: {qa: {account: c, namespace: n, strategy: s}}
strategies: {s: {blueGreen: {%s}}}
"""


def test_conditions_of_a_phase_share_a_stage():
    strategy = BlueGreen(name="s", redirect_after=(APPROVAL, PAUSE), shut_down_after=(PAUSE,))

    steps = plan_blue_green(SETTING, strategy)

    assert [(step.ref, step.stage, step.kind) for step in steps] == [
        ("step-1", 1, StepKind.DEPLOY_NEW_VERSION),
        ("step-2", 2, StepKind.PAUSE),
        ("step-3", 2, StepKind.PAUSE),
        ("step-4", 3, StepKind.REDIRECT_TRAFFIC),
        ("step-5", 4, StepKind.PAUSE),
        ("step-6", 5, StepKind.SHUT_DOWN_OLD_VERSION),
    ]


def test_without_conditions_there_are_three_stages():
    steps = plan_blue_green(SETTING, BlueGreen(name="s"))

    assert [step.stage for step in steps] == [1, 2, 3]


def services_of(text):
    file = check(text, file_name="f").file
    assert file is not None
    strategy = file.strategies["s"]
    assert isinstance(strategy, BlueGreen)
    return plan_services(file, "qa", strategy)


def test_bg_10_services_come_from_the_current_place_or_from_the_old_one():
    traffic = "trafficManagement: [{kubernetes: [{activeService: shop, previewService: next}]}]\n"

    assert services_of(FILE % "" + traffic) == (ServicePair(active="shop", preview="next"),)
    assert services_of(FILE % "activeService: shop") == (ServicePair(active="shop"),)
