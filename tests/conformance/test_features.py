"""The rows of the feature list for deploy files, one test each: what the rules, the start and the planner promise.

Rows about running pods and calling webhooks are tested here as far as the file decides them.
"""

# Long on purpose: the list of features is one list, and so are its tests.
from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from borealis_deployfile.faults import Code
from borealis_deployfile.manifests import FileContent, apply_order, check_manifests
from borealis_deployfile.model import Canary, SetWeight
from borealis_deployfile.parse import check
from borealis_deployfile.planning.planner import make_plan
from borealis_deployfile.surroundings import Surroundings, check_surroundings
from borealis_deployfile.templates import Escape, UnresolvedError, parse_template, render
from borealis_deployfile.variables import Values
from borealis_server.domain.deployment import DeploymentKey
from borealis_server.domain.errors import DeployFileInvalid, InvalidArgument
from borealis_server.domain.kubernetes.marks import Origin
from borealis_server.domain.kubernetes.replica_set import replica_set_of
from borealis_server.domain.start import StartRequest, checked, first_record
from borealis_server.domain.states import StepKind
from kit.delivery import START

ROWS = 41
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: init, image: "init:1"}]
      containers:
        - {name: web, image: "shop:1.9.0", env: [{name: ARMORY_DEPLOYMENT_ID, value: mine}]}
        - {name: side, image: "s:1"}
"""
FLAGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: flags, namespace: own}\n"
HEAD = "application: shop\nmanifests: [{path: k8s}]\n"
TARGET = "targets: {qa: {account: c, namespace: n, strategy: s}}\n"
AT_ONCE = "strategies: {s: {canary: {steps: [{setWeight: {weight: 100}}]}}}\n"


def faults(text, **given):
    return check(text, file_name="deploy.yaml", **given).faults


def codes(text, **given):
    return [fault.code for fault in faults(text, **given)]


def file_of(text, **given):
    result = check(text, file_name="deploy.yaml", **given)
    assert result.file is not None, result.faults
    return result.file


def steps(*lines):
    return (
        HEAD
        + TARGET
        + "strategies:\n  s:\n    canary:\n      steps:\n"
        + "".join(f"        - {one}\n" for one in lines)
    )


def manifests_of(text, *documents):
    contents = tuple(FileContent(name=f"k8s/{n}.yaml", content=one.encode()) for n, one in enumerate(documents))
    return check_manifests(file_of(text), {"k8s": contents})


def start(text, *documents, accounts=("c",)):
    contents = tuple(FileContent(name=f"k8s/{n}.yaml", content=one.encode()) for n, one in enumerate(documents))
    return StartRequest(tenant="main", actor="ana", deploy_file=text.encode(), files={"k8s": contents}), accounts


def run_of(text, *documents):
    request, accounts = start(text, *documents)
    return first_record(checked(request, accounts), request, DeploymentKey(tenant="main", id="d1"), START)


def test_df_01_minimal_file_becomes_a_deployment_that_ends_at_100_percent():
    recorded, inputs = run_of(HEAD + TARGET + AT_ONCE, WEB)

    (target,) = recorded.deployment.targets
    assert [(step.kind, step.weight_percent) for step in target.steps] == [(StepKind.SET_WEIGHT, 100)]
    assert "shop:1.9.0" in inputs.objects["qa"][0]


def test_df_02_kind_is_kubernetes_by_default_and_unknown_ones_are_refused():
    assert faults(HEAD + TARGET + AT_ONCE) == ()
    assert codes("kind: banana\n" + HEAD) == [Code.UNSUPPORTED_KIND]
    assert codes("kind: lambda\n" + HEAD) == [Code.NOT_SUPPORTED]


def test_df_03_application_comes_from_file_or_flag():
    text = (HEAD + TARGET + AT_ONCE).replace("application: shop\n", "")

    (fault,) = faults(text)
    assert "application" in fault.message
    assert "when you start it" in fault.help
    assert file_of(text, application="given").application == "given"


def test_df_04_description_is_kept_with_its_line_breaks():
    recorded, _ = run_of(HEAD + TARGET + AT_ONCE + "description: |\n  Owner: cart\n\n  Runbook: wiki\n", WEB)

    assert recorded.deployment.description == "Owner: cart\n\n  Runbook: wiki".replace("\n  R", "\nR")


def test_df_05_context_of_the_file_reaches_a_body():
    hook = """\
context: {k: v}
webhooks:
  - name: w
    uriTemplate: https://a.example
    bodyTemplate: {inline: '{"k": "{{context.k}}"}'}
"""
    file = file_of(steps("runWebhook: {name: w}") + hook)

    body = render(parse_template(file.webhooks["w"].body or ""), Values(context=file.context).get, escape=Escape.JSON)

    assert json.loads(body.text) == {"k": "v"}


def test_df_06_unknown_field_names_the_right_one_and_its_line():
    (fault,) = faults(steps("pause: {untilApproved: true, approvalDuration: {duration: 1, unit: hours}}"))

    assert (fault.code, fault.line) == (Code.UNKNOWN_FIELD, 8)
    assert "approvalExpiration" in fault.help


def test_df_08_units_and_modes_are_read_in_any_case():
    file = file_of(
        steps(
            "pause: {duration: 2, unit: MINUTES}",
            "analysis: {interval: 1, units: Hours, numberOfJudgmentRuns: 1, rollBackMode: Manual, queries: [q]}",
        )
        + "analysis: {defaultMetricProviderName: p, queries: [{name: q, queryTemplate: up, upperLimit: 1}]}\n"
    )

    strategy = file.strategies["s"]
    assert isinstance(strategy, Canary)
    assert [getattr(step, "duration_s", None) or getattr(step, "roll_back", None) for step in strategy.steps] == [
        120.0,
        "manual",
    ]


def test_df_10_weights_are_0_to_100():
    assert (
        codes(steps("setWeight: {weight: -1}", "setWeight: 101", "setWeight: 0", "setWeight: 100"))
        == [Code.WEIGHT_RANGE] * 2
    )


def test_df_11_timeout_is_at_least_60_seconds():
    text = HEAD + TARGET + AT_ONCE + "deploymentConfig: {timeout: {duration: 59, unit: seconds}}\n"

    (fault,) = faults(text)
    assert (fault.code, "60 seconds" in fault.message) == (Code.TIMEOUT_TOO_SHORT, True)
    assert faults(text.replace("59", "60")) == ()


def test_df_12_ttl_is_60_seconds_to_24_hours_and_5_minutes_by_default():
    expose = "exposeServices: {{services: [web], ttl: {{duration: {}, unit: {}}}}}"

    assert codes(steps(expose.format(59, "seconds"), expose.format(25, "hours"))) == [Code.TTL_RANGE] * 2
    strategy = file_of(steps("exposeServices: {services: [web]}")).strategies["s"]
    assert isinstance(strategy, Canary)
    assert getattr(strategy.steps[0], "ttl_s", None) == 300


@pytest.mark.parametrize(
    ("pause", "message"),
    [
        ("{untilApproved: true, duration: 1, unit: hours}", "either timed or until approved"),
        ("{duration: 1}", "needs a unit"),
        ("{unit: hours}", "needs a duration"),
        ("{untilApproved: false}", "needs a duration and a unit"),
        ("{duration: 1, unit: hours, requiresRoles: [a]}", "only for a pause that waits for an approval"),
    ],
)
def test_df_13_each_illegal_pause_has_its_message(pause, message):
    (fault,) = faults(steps(f"pause: {pause}"))

    assert fault.code is Code.PAUSE_INVALID
    assert message in fault.message


def test_df_14_an_empty_list_of_roles_is_refused():
    assert codes(steps("pause: {untilApproved: true, requiresRoles: []}")) == [Code.PAUSE_INVALID]


def test_df_15_dependencies_exist_and_make_no_loop():
    text = (
        HEAD
        + "targets:\n  a: {account: c, namespace: a, constraints: {dependsOn: [b]}}\n"
        + "  b: {account: c, namespace: b, constraints: {dependsOn: [a]}}\n"
    )

    (fault,) = faults(text)
    assert fault.code is Code.DEPENDENCY_CYCLE
    assert '"a" -> "b" -> "a"' in fault.message
    assert codes(text.replace("dependsOn: [b]", "dependsOn: [z]")) == [Code.UNKNOWN_TARGET]


def test_df_16_no_two_targets_are_the_same_place():
    (fault,) = faults(HEAD + "targets: {a: {account: c, namespace: n}, b: {account: c, namespace: n}}\n")

    assert fault.code is Code.DUPLICATE_TARGET
    assert '"a"' in fault.message
    assert '"b"' in fault.message


def test_df_17_an_unknown_account_is_refused_by_name():
    request, _ = start(HEAD + TARGET + AT_ONCE, WEB)

    with pytest.raises(DeployFileInvalid) as caught:
        checked(request, ("d",))

    assert [(fault.code, fault.message) for fault in caught.value.faults] == [
        ("UNKNOWN_ACCOUNT", "target 'qa': account 'c' does not exist")
    ]


def test_df_18_dangling_names_come_in_one_answer():
    text = (
        steps("analysis: {interval: 1, units: hours, numberOfJudgmentRuns: 1, queries: [q]}", "runWebhook: {name: w}")
        .replace("strategy: s", "strategy: fast")
        .replace("{path: k8s}", "{path: k8s, targets: [live]}")
    )

    assert set(codes(text)) == {Code.UNKNOWN_STRATEGY, Code.UNKNOWN_TARGET, Code.UNKNOWN_QUERY, Code.UNKNOWN_WEBHOOK}
    secret = file_of(HEAD + "targets: {qa: {account: '{{secrets.a}}', namespace: n}}\n")
    (fault,) = check_surroundings(secret, Surroundings(secrets=()))
    assert fault.code is Code.UNKNOWN_SECRET


def test_df_19_a_query_has_a_limit_and_any_number_will_do():
    text = steps("analysis: {interval: 1, units: hours, numberOfJudgmentRuns: 1, queries: [q]}") + (
        "analysis: {defaultMetricProviderName: p, queries: [{name: q, queryTemplate: up}]}\n"
    )

    assert codes(text) == [Code.LIMITS_MISSING]
    assert file_of(text.replace("up}", "up, lowerLimit: 0.25}")).queries["q"].lower_limit == 0.25
    assert file_of(text.replace("up}", "up, upperLimit: 3}")).queries["q"].upper_limit == 3


def test_df_20_manifests_come_from_files_folders_and_addresses():
    text = (
        HEAD.replace("[{path: k8s}]", "[{path: k8s}, {path: 'https://manifests.example.com/a.yaml'}]")
        + TARGET
        + AT_ONCE
    )

    assert [(source.path, source.url) for source in file_of(text).manifests] == [
        ("k8s", None),
        (None, "https://manifests.example.com/a.yaml"),
    ]
    assert [one.kind for one in manifests_of(text, WEB, FLAGS).objects_by_target["qa"]] == ["Deployment", "ConfigMap"]


def test_df_21_inline_manifests_may_have_several_documents():
    inline = "application: shop\ntargets: {qa: {account: c, namespace: n}}\nmanifests:\n  - inline: |\n"
    text = inline + "".join(
        f"      {line}\n" for line in (FLAGS + "---\n" + FLAGS.replace("flags", "more")).splitlines()
    )

    result = check_manifests(file_of(text), {})

    assert [one.name for one in result.objects_by_target["qa"]] == ["flags", "more"]


def test_df_22_manifests_reach_only_the_targets_they_name():
    targets = "targets: {a: {account: c, namespace: a}, b: {account: c, namespace: b}}\n"
    text = HEAD.replace("{path: k8s}", "{path: k8s, targets: [a]}") + targets

    result = manifests_of(text, FLAGS)

    assert [len(result.objects_by_target[name]) for name in ("a", "b")] == [1, 0]
    assert codes(text.replace("targets: [a]", "targets: []")) == [Code.INVALID_VALUE]


def test_df_23_every_document_of_a_file_counts():
    result = manifests_of(HEAD + TARGET + AT_ONCE, WEB + "---\n" + FLAGS)

    assert [one.index for one in result.objects_by_target["qa"]] == [0, 1]


def test_df_24_bare_pods_are_refused_with_file_and_document():
    (fault,) = manifests_of(
        HEAD + TARGET + AT_ONCE, FLAGS + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    ).faults

    assert fault.code is Code.UNSUPPORTED_MANIFEST
    assert "document 2 of k8s/0.yaml" in fault.message


def test_df_25_the_targets_namespace_goes_first():
    result = manifests_of(HEAD + TARGET + AT_ONCE, FLAGS)

    assert result.objects_by_target["qa"][0].document["metadata"]["namespace"] == "n"


def test_df_26_else_the_manifests_own_namespace_else_none_is_guessed():
    text = HEAD + "targets: {qa: {account: c}}\n"

    assert manifests_of(text, FLAGS).objects_by_target["qa"][0].namespace == "own"
    assert [fault.code for fault in manifests_of(text, FLAGS.replace(", namespace: own", "")).faults] == [
        Code.NAMESPACE_REQUIRED
    ]


def test_df_27_definitions_are_applied_before_their_objects():
    definition = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c.x.example.com}\n"
    )
    result = manifests_of(
        HEAD + TARGET + AT_ONCE, "apiVersion: x.example.com/v1\nkind: C\nmetadata: {name: c}\n", definition
    )

    groups = apply_order(result.objects_by_target["qa"])

    assert [[one.kind for one in group.objects] for group in groups] == [["CustomResourceDefinition"], ["C"]]


def test_df_28_a_strategy_is_needed_for_deployments_only():
    text = HEAD + "targets: {qa: {account: c, namespace: n}}\n"

    assert [fault.code for fault in manifests_of(text, WEB).faults] == [Code.STRATEGY_REQUIRED]
    assert manifests_of(text, FLAGS).faults == ()


def test_df_29_several_deployments_of_a_target_move_together():
    text = steps("setWeight: 25")
    result = manifests_of(text, WEB, WEB.replace("name: web}", "name: api}"))

    (target,) = make_plan(file_of(text), result.objects_by_target).targets

    assert [[part.name for part in step.deployments] for step in target.steps] == [["web", "api"], ["web", "api"]]


def replica_set():
    (item,) = manifests_of(HEAD + TARGET + AT_ONCE, WEB).objects_by_target["qa"]
    return replica_set_of(item.document, Origin(application="shop", deployment_id="d1", target="qa"))


def test_df_30_pods_carry_four_annotations():
    document = replica_set()

    assert document["spec"]["template"]["metadata"]["annotations"] == {
        "deploy.armory.io/application": "shop",
        "deploy.armory.io/deployment-id": "d1",
        "deploy.armory.io/environment": "qa",
        "deploy.armory.io/replica-set-name": document["metadata"]["name"],
    }


def test_df_31_every_container_has_four_variables():
    spec = replica_set()["spec"]["template"]["spec"]

    for container in (*spec["initContainers"], *spec["containers"]):
        names = [one["name"] for one in container["env"]]
        assert sorted(names) == [
            "ARMORY_APPLICATION_NAME",
            "ARMORY_DEPLOYMENT_ID",
            "ARMORY_ENVIRONMENT_NAME",
            "ARMORY_REPLICA_SET_NAME",
        ]
    assert {"name": "ARMORY_DEPLOYMENT_ID", "value": "mine"} in spec["containers"][0]["env"]


def test_df_32_names_may_have_hyphens_and_blanks_around_them():
    values = Values(own={"preview.my-svc": "https://x.example/?a=1&b=2"})

    assert render(parse_template("{{ armory.preview.my-svc }}"), values.get).text == "https://x.example/?a=1&b=2"


def test_df_33_secrets_are_sent_and_the_saved_file_keeps_the_tag():
    text = steps("runWebhook: {name: w}") + (
        "webhooks: [{name: w, uriTemplate: 'https://a.example', headers: [{key: K, value: 'Bearer {{secrets.t}}'}]}]\n"
    )
    header = file_of(text).webhooks["w"].headers[0][1]

    result = render(parse_template(header), Values(secrets={"t": "hunter2"}).get)

    assert header == "Bearer {{secrets.t}}"
    assert (result.text, result.shown) == ("Bearer hunter2", "Bearer ****")


def test_df_34_a_name_without_a_value_stops_the_rendering():
    with pytest.raises(UnresolvedError) as caught:
        render(parse_template("{{context.gone}}"), Values().get)

    assert (caught.value.reason, caught.value.names) == (Code.UNRESOLVED_VARIABLE, ("context.gone",))


def test_df_37_only_the_chosen_targets_are_started_and_edges_are_drawn_through_the_others():
    text = (
        HEAD
        + AT_ONCE
        + (
            "targets:\n  a: {account: c, namespace: a, strategy: s}\n"
            "  b: {account: gone, namespace: b, strategy: s, constraints: {dependsOn: [a]}}\n"
            "  c: {account: c, namespace: c, strategy: s, constraints: {dependsOn: [b]}}\n"
        )
    )
    request, accounts = start(text, WEB)

    chosen = checked(replace(request, targets=("a", "c")), accounts)

    assert [(target.name, target.depends_on) for target in chosen.file.targets] == [("a", ()), ("c", ("a",))]
    assert set(chosen.objects) == {"a", "c"}
    with pytest.raises(InvalidArgument):
        checked(replace(request, targets=("z",)), accounts)
    assert replace(request, targets=("a",)).digest() != request.digest()


def test_df_38_a_given_account_replaces_those_of_the_file():
    request, _ = start(HEAD + TARGET + AT_ONCE, WEB)

    assert checked(replace(request, account="d"), ("d",)).file.targets[0].account == "d"


def test_df_39_falling_weights_are_warned_of_in_the_answer():
    request, accounts = start(steps("setWeight: 50", "setWeight: 20"), WEB)

    assert any("falls from 50 to 20" in warning for warning in checked(request, accounts).warnings)


def test_df_40_all_faults_of_a_file_come_at_once():
    text = "aplication: shop\nmanifests: {}\ntargets: {qa: {acount: c}}\n"

    assert {Code.UNKNOWN_FIELD, Code.MISSING_FIELD, Code.WRONG_TYPE} <= set(codes(text))
    assert len(codes(text)) >= 5


def test_shorthand_of_a_weight_is_the_same_as_the_map():
    """DF-09"""
    assert file_of(steps("setWeight: 10")).strategies == file_of(steps("setWeight: {weight: 10}")).strategies
    assert file_of(steps("setWeight: 10")).strategies["s"] == Canary(name="s", steps=(SetWeight(weight_percent=10),))


def test_every_row_is_named_by_a_test():
    tests = Path(__file__).parents[1]
    named = set()
    for file in tests.rglob("test_*.py"):
        named |= {
            int(number)
            for number in re.findall(r"DF-(\d\d)|def test_df_(\d\d)", file.read_text("utf-8"))
            for number in number
            if number
        }

    assert set(range(1, ROWS + 1)) - named == set()
