"""The tree and the lines: what a person reads, at every size and in every state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from borealis_cli.render.changes import ChangeLines
from borealis_cli.render.glyphs import ASCII, UNICODE, glyphs_for, sign
from borealis_cli.render.tables import agent_table, audit_table, deployment_table
from borealis_cli.render.text import Span, duration, fit, plain, printable, width
from borealis_cli.render.tree import View, tree
from borealis_client import (
    Agent,
    AgentSession,
    AgentState,
    AuditCall,
    AuditCallDecision,
    AuditEnd,
    AuditEndOutcome,
    DeploymentEventKind,
    DeploymentState,
    DeploymentUpdate,
    DeployNewVersion,
    Pause,
    RedirectTraffic,
    ShutDownOldVersion,
    Skip,
    StepRun,
    StepRunPart,
    StepRunState,
    TargetRunRollback,
    TargetRunState,
    TrafficRoute,
    Workload,
)
from kit.client_messages import (
    T0,
    a_deployment,
    a_target,
    a_waiting_target,
    a_weight,
    a_workload,
    an_approval,
    an_event,
    at,
    the_end,
)


def lines(deployment, *, rows=None, columns=200, glyphs=UNICODE):
    return [plain(line) for line in tree(deployment, view=View(glyphs=glyphs, columns=columns, rows=rows), now=at(40))]


def test_a_running_target_shows_step_weights_and_pods():
    workload = a_workload(new_available=0, actual_weight_percent=0)

    assert lines(a_deployment(targets=[a_target(workloads=[workload])])) == [
        "◐ shop  abcdefgh2345  RUNNING  40s  by clients/ana",
        "└─ ◐ prod  RUNNING  step 1/2  25% asked 0% actual  40s",
        "   ├─ ◐ setWeight 25  RUNNING  40s",
        "   ├─ · approval",
        "   └─ pods web: new 0/1 old 3/3 ready",
    ]


def test_the_steps_of_a_blue_green_target_have_words_and_conditions_of_a_phase_count_once():
    done, running, idle = StepRunState.SUCCEEDED, StepRunState.RUNNING, StepRunState.NOT_STARTED
    wait = Pause(duration_s=60)
    steps = [
        StepRun(ref="step-1", stage=1, state=done, deploy_new_version=DeployNewVersion()),
        StepRun(ref="step-2", stage=2, state=done, pause=wait),
        StepRun(ref="step-3", stage=2, state=done, pause=wait),
        StepRun(ref="step-4", stage=3, state=running, redirect_traffic=RedirectTraffic()),
        StepRun(ref="step-5", stage=4, state=idle, shut_down_old_version=ShutDownOldVersion()),
    ]

    text = lines(a_deployment(targets=[a_target(steps=steps, workloads=[])]))

    assert "step 3/4" in text[1]
    assert [line.strip("│├└─ ✔◐·") for line in text[2:]] == [
        "deploy the new version beside the old one",
        "pause 1m00s",
        "pause 1m00s",
        "redirect traffic to the new version  RUNNING",
        "shut down the old version",
    ]


def test_routes_show_the_weight_asked_and_the_one_they_give():
    known = TrafficRoute(
        kind="VirtualService", name="shop", rule="buy", asked_weight_percent=25, actual_weight_percent=20
    )
    unknown = TrafficRoute(kind="HTTPRoute", name="shop", asked_weight_percent=25)

    shown = lines(a_deployment(targets=[a_target(routes=[known, unknown])]))

    assert any(line.endswith("VirtualService shop (buy): 25% asked 20% actual") for line in shown)
    assert any(line.endswith("HTTPRoute shop: 25% asked unknown actual") for line in shown)


def test_a_wait_says_what_since_who_limit_and_what_to_type():
    deployment = a_deployment(state=DeploymentState.AWAITING_APPROVAL, targets=[a_waiting_target()])

    text = "\n".join(lines(deployment))

    assert "AWAITING APPROVAL" in text
    assert "waits for approval; since 40s; ended by anyone who may approve; " in text
    assert "limit 2026-11-20T11:00:00Z (in 59m20s): cancelled and rolled back" in text
    assert "→ borealis approve abcdefgh2345/prod" in text


def test_a_failed_target_says_why_and_how_it_was_left():
    target = a_target(
        state=TargetRunState.FAILED,
        message="pod web-7d9 is not ready: ImagePullBackOff",
        rollback=TargetRunRollback.DONE,
        end_time=at(30),
    )

    text = lines(a_deployment(state=DeploymentState.FAILED, targets=[target], end_time=at(30)))

    assert text[1] == "└─ ✖ prod  FAILED  step 1/2  25% asked 25% actual  rolled back  30s"
    assert text[-1].endswith("pod web-7d9 is not ready: ImagePullBackOff")


def test_a_message_that_a_target_says_is_not_said_twice():
    target = a_target(state=TargetRunState.FAILED, message="it broke")

    text = lines(a_deployment(state=DeploymentState.FAILED, message="prod: it broke", targets=[target]))

    assert "\n".join(text).count("it broke") == 1


def test_a_failure_counts_the_steps_that_were_done():
    steps = [a_weight(1, 25, StepRunState.SUCCEEDED), a_weight(2, 50, StepRunState.FAILED)]
    steps.append(a_weight(3, 100, StepRunState.CANCELLED))

    assert "step 2/3" in lines(a_deployment(targets=[a_target(state=TargetRunState.FAILED, steps=steps)]))[1]


def test_pods_are_not_counted_before_there_are_any():
    nothing = a_workload(new_pods=0, old_pods=0, new_available=0, old_available=0)

    assert "0/0" not in "\n".join(lines(a_deployment(targets=[a_target(workloads=[nothing])])))


def test_targets_that_have_not_begun_say_what_they_wait_for():
    waiting = a_target(name="us", state=TargetRunState.NOT_STARTED, depends_on=["eu", "uk"], start_time=None)

    assert lines(a_deployment(targets=[waiting]))[1].rstrip() == "└─ · us  NOT STARTED  waits for eu, uk"


def test_a_timed_pause_shows_what_is_left():
    pause = StepRun(
        ref="step-1", state=StepRunState.RUNNING, pause=Pause(duration_s=60, resume_time=at(60)), start_time=T0
    )

    text = lines(a_deployment(targets=[a_target(state=TargetRunState.PAUSED, steps=[pause])]))

    assert "pause 1m00s, 20s left" in text[2]


def test_a_decided_approval_names_the_person():
    step = an_approval(1, StepRunState.SUCCEEDED, decided_by="clients/ben", comment="looks good")

    assert "approval by clients/ben: looks good" in lines(a_deployment(targets=[a_target(steps=[step])]))[2]


def test_conditions_say_where_they_stand_and_who_may_end_or_ended_them():
    steps = [
        replace(
            an_approval(1, StepRunState.AWAITING_APPROVAL, requires_roles=["Owner", "SRE"]), part=StepRunPart.BEFORE
        ),
        StepRun(
            ref="after-1",
            part=StepRunPart.AFTER,
            state=StepRunState.SUCCEEDED,
            pause=Pause(duration_s=60, skip=Skip(decided_by="clients/ben", comment="enough")),
        ),
    ]

    shown = "\n".join(lines(a_deployment(targets=[a_target(steps=steps)])))

    assert "before: approval by the role Owner or SRE" in shown
    assert "after: pause 1m00s, skipped by clients/ben: enough" in shown


def test_warnings_are_shown_even_when_all_went_well():
    target = a_target(state=TargetRunState.SUCCEEDED, warnings=["no readiness probe"])

    assert lines(a_deployment(targets=[target]))[-1] == "   └─ ▲ warning: no readiness probe"


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(columns: int):
    for line in lines(a_deployment(targets=[a_waiting_target(message="長い" * 60)]), columns=columns):
        assert width(line) <= columns


@pytest.mark.parametrize("rows", [4, 6, 10, 30])
def test_the_tree_fits_the_rows(rows: int):
    targets = [a_target(name=f"done{n}", state=TargetRunState.SUCCEEDED) for n in range(10)]
    targets += [a_target(name="busy")]
    targets += [a_target(name=f"later{n}", state=TargetRunState.NOT_STARTED) for n in range(10)]

    text = lines(a_deployment(targets=targets), rows=rows)

    assert len(text) <= rows
    assert any("busy" in line for line in text)


def test_finished_targets_fold_before_those_to_come():
    targets = [a_target(name=f"done{n}", state=TargetRunState.SUCCEEDED) for n in range(5)]
    targets += [a_target(name=f"later{n}", state=TargetRunState.NOT_STARTED) for n in range(5)]

    text = "\n".join(lines(a_deployment(targets=targets), rows=8))

    assert "more SUCCEEDED" in text
    assert "later4" in text


def test_trouble_never_folds():
    bad = a_target(name="bad", state=TargetRunState.FAILED, message="the reason")
    targets = [bad] + [a_target(name=f"done{n}", state=TargetRunState.SUCCEEDED) for n in range(40)]

    text = "\n".join(lines(a_deployment(targets=targets), rows=5))

    assert "the reason" in text


def test_ascii_output_is_ascii():
    targets = [a_target(name=state.name, state=state) for state in TargetRunState]
    targets.append(a_waiting_target(warnings=["careful"]))

    text = "\n".join(lines(a_deployment(targets=targets), glyphs=ASCII, columns=30))

    assert text.isascii()


@pytest.mark.parametrize(
    ("encoding", "glyphs"), [("utf-8", UNICODE), ("UTF8", UNICODE), ("ascii", ASCII), (None, ASCII)]
)
def test_the_encoding_chooses_the_signs(encoding, glyphs):
    assert glyphs_for(encoding) is glyphs


@pytest.mark.parametrize("states", [DeploymentState, TargetRunState, StepRunState])
def test_every_state_has_a_sign_of_its_own_kind(states):
    signs = [sign(state, UNICODE) for state in states if state.name != "UNSPECIFIED"]

    assert all(style for _, style in signs)


def test_a_state_from_the_future_is_shown_by_number():
    assert "UNKNOWN (99)" in lines(a_deployment(state=DeploymentState(99)))[0]


def test_control_characters_never_reach_the_terminal():
    evil = "\x1b]0;owned\x07\x9b31m\u202e"

    text = "\n".join(lines(a_deployment(message=evil, targets=[a_target(message=evil, name=evil)])))

    assert printable(text) == text
    assert "\x1b" not in text


def test_cutting_marks_the_cut_and_keeps_styles():
    line = (Span("abc", "ok"), Span("defgh", "bad"))

    assert fit(line, 5, ellipsis="…") == (Span("abc", "ok"), Span("d…", "bad"))
    assert fit(line, 8, ellipsis="…") == line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m00s"), (3599, "59m59s"), (7500, "2h05m"), (90000, "1d01h")],
)
def test_durations_have_two_units(seconds, text):
    assert duration(seconds) == text


def update(event, **fields):
    return DeploymentUpdate(sequence=event.sequence if event else 1, deployment=a_deployment(**fields), event=event)


def test_each_change_is_one_line_with_a_timestamp():
    changes = ChangeLines()

    assert changes.of(update(None), T0) == [
        "2026-11-20T10:00:00Z  shop  RUNNING  abcdefgh2345",
        "2026-11-20T10:00:00Z  shop/prod  RUNNING  25% asked 25% actual  new 1/1 old 3/3 ready",
    ]
    assert changes.of(update(an_event(2, target_run=a_waiting_target(), message="waits")), T0) == [
        (
            "2026-11-20T10:00:02Z  shop/prod  AWAITING APPROVAL  waits  25% asked 25% actual  new 1/1 old 3/3 ready  "
            "approve with: borealis approve abcdefgh2345/prod"
        )
    ]
    ended = update(the_end(3, DeploymentState.SUCCEEDED), state=DeploymentState.SUCCEEDED)
    assert changes.of(ended, T0) == ["2026-11-20T10:00:03Z  shop  SUCCEEDED  it is over"]


def test_a_message_of_several_lines_stays_one_line():
    assert len(ChangeLines().of(update(an_event(2, message="a\nb\r\nc")), T0)) == 1


def test_intentions_and_repetitions_are_not_lines():
    changes = ChangeLines()
    first = changes.of(update(an_event(2, message="same")), T0)

    assert first
    assert changes.of(update(an_event(3, message="same")), T0) == []
    assert changes.of(update(an_event(4, kind=DeploymentEventKind.EFFECT_INTENDED)), T0) == []


def test_tables_are_aligned():
    other = a_deployment(application="a-much-longer-name", end_time=at(61), state=DeploymentState.SUCCEEDED)

    text = deployment_table([a_deployment(), other], now=at(40))

    assert text[0].startswith("ID            APPLICATION         STATE      STARTED")
    assert len({line.index("2026") for line in text[1:]}) == 1
    assert "1m01s" in text[2]


def test_agents_show_state_and_versions():
    session = AgentSession(version="0.1.0", kubernetes_version="v1.30.0")
    agents = [
        Agent(name="tenants/main/agents/kind", state=AgentState.CONNECTED, state_time=T0, sessions=[session]),
        Agent(name="tenants/main/agents/gone", state=AgentState.DISCONNECTED),
    ]

    text = agent_table(agents, now=at(40))

    assert text[1].split() == ["kind", "CONNECTED", "40s", "1", "0.1.0", "v1.30.0", "never"]
    assert text[2].split() == ["gone", "DISCONNECTED", "0", "never"]


def test_several_workloads_have_a_line_each():
    pair = [a_workload(name="web"), Workload(name="worker", new_pods=1, asked_weight_percent=50)]

    text = "\n".join(lines(a_deployment(targets=[a_target(workloads=pair)])))

    assert "pods web:" in text
    assert "pods worker: new 0/1" in text
    assert "25% asked 25% actual, 50% asked 0% actual" in text


def test_audited_calls_are_listed_with_who_what_and_how_it_ended():
    name = "tenants/main/agents/prod"
    done = AuditEnd(status=404, outcome=AuditEndOutcome.COMPLETE)
    lost = AuditEnd(status=200, outcome=AuditEndOutcome.BROKEN, code="AGENT_UNAVAILABLE")
    allowed, denied = AuditCallDecision.ALLOWED, AuditCallDecision.DENIED
    calls = [
        AuditCall(agent=name, decision=allowed, open_time=at(0), actor="ana", method="GET", path="/api", end=done),
        AuditCall(agent=name, decision=allowed, method="GET", path="/api/v1/pods?watch=1"),
        AuditCall(agent=name, decision=allowed, actor="ana", method="GET", path="/a", end=lost),
        AuditCall(agent=name, decision=denied, actor="bob", method="DELETE", path="/b", end=AuditEnd(status=403)),
    ]

    rows = [line.split("  ") for line in audit_table(calls)]

    found = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert found[0] == ["TIME", "ACTOR", "AGENT", "METHOD", "PATH", "ENDED"]
    assert [row[-5:] for row in found[1:]] == [
        ["ana", "prod", "GET", "/api", "404"],
        ["(server)", "prod", "GET", "/api/v1/pods?watch=1", "open"],
        ["ana", "prod", "GET", "/a", "200 broken AGENT_UNAVAILABLE"],
        ["bob", "prod", "DELETE", "/b", "denied"],
    ]
