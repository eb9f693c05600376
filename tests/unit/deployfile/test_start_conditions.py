"""What stands between a sound file and its start: things not supported yet, and names that exist elsewhere."""

from __future__ import annotations

import pytest

from borealis_deployfile.faults import Code, Severity
from borealis_deployfile.parse import check
from borealis_deployfile.selection import UnknownTargetError, select_targets
from borealis_deployfile.surroundings import Surroundings, check_surroundings
from borealis_deployfile.unsupported import unsupported
from kit.corpus import GOOD

CHAIN = """\
application: shop
manifests: [{path: k8s/}]
targets:
  a: {account: one, namespace: n}
  b: {account: two, namespace: n, constraints: {dependsOn: [a]}}
  b2: {account: three, namespace: n, constraints: {dependsOn: [a]}}
  c: {account: two, namespace: m, constraints: {dependsOn: [b, b2]}}
"""


def sound(name):
    path = next(file for file in GOOD if file.stem == name)
    file = check(path.read_bytes(), file_name=path.name).file
    assert file is not None
    return file


def golden():
    return sound("golden")


def chain():
    file = check(CHAIN, file_name="f").file
    assert file is not None
    return file


def test_every_place_that_asks_for_more_than_the_engine_can_is_named():
    faults = unsupported(sound("secrets-in-names"))

    assert {fault.code for fault in faults} == {Code.NOT_SUPPORTED}
    assert [fault.path for fault in faults] == ["targets.qa.account", "targets.qa.namespace", "description"]


def test_everything_that_the_golden_file_asks_for_can_be_done():
    assert unsupported(golden()) == ()


def test_a_strategy_that_no_target_uses_stands_in_nobodys_way():
    text = CHAIN + "strategies: {s: {blueGreen: {}}}\n"
    file = check(text, file_name="f").file

    assert file is not None
    assert unsupported(file) == ()


def test_names_that_exist_elsewhere_are_all_judged_at_once():
    faults = check_surroundings(
        golden(),
        Surroundings(accounts={"c-dev", "c-stage"}, secrets={"chat-url"}, providers=set(), roles={"release manager"}),
    )

    assert [(fault.code, fault.path) for fault in faults] == [
        (Code.UNKNOWN_PROVIDER, "targets.stage.constraints.afterDeployment[1]"),
        (Code.UNKNOWN_ACCOUNT, "targets.live.account"),
        (Code.UNKNOWN_PROVIDER, "strategies.slices.canary.steps[1]"),
        (Code.UNKNOWN_SECRET, "webhooks[0].headers[0].value"),
    ]


def test_what_is_not_known_is_not_judged():
    assert check_surroundings(golden(), Surroundings()) == ()


def test_an_unknown_role_is_a_warning_since_roles_may_come_later():
    (fault,) = check_surroundings(golden(), Surroundings(roles={"sre"}))

    assert (fault.code, fault.severity) == (Code.UNKNOWN_ROLE, Severity.WARNING)


def test_an_unknown_account_says_what_there_is():
    (fault,) = check_surroundings(chain(), Surroundings(accounts={"one", "three", "twoo"}))[:1]
    (lonely,) = check_surroundings(chain(), Surroundings(accounts=set()))[:1]

    assert fault.message == "target 'b': account 'two' does not exist"
    assert fault.help == "did you mean 'twoo'?"
    assert "borealis agent create" in lonely.help


def test_an_agent_that_is_away_is_a_warning_since_it_may_come_back():
    faults = check_surroundings(chain(), Surroundings(accounts={"one", "two", "three"}, away={"two": "never seen"}))

    assert [(fault.code, fault.severity, fault.path) for fault in faults] == [
        (Code.AGENT_DISCONNECTED, Severity.WARNING, "targets.b.account"),
        (Code.AGENT_DISCONNECTED, Severity.WARNING, "targets.c.account"),
    ]
    assert "the agent 'two' is not connected (never seen)" in faults[0].message


def test_a_secret_names_no_other_secrets():
    (fault,) = check_surroundings(golden(), Surroundings(secrets={"chat-url", "database-password"}))

    assert "database-password" not in fault.help


@pytest.mark.parametrize(
    ("names", "depends_on"),
    [
        pytest.param([], {"a": (), "b": ("a",), "b2": ("a",), "c": ("b", "b2")}, id="nobody-chosen-is-everybody"),
        pytest.param(["c", "a"], {"a": (), "c": ("a",)}, id="edges-are-drawn-through-the-others"),
        pytest.param(["b", "c"], {"b": (), "c": ("b",)}, id="one-of-two-ways"),
        pytest.param(["c"], {"c": ()}, id="one-that-waits-only-for-others-starts-at-once"),
    ],
)
def test_chosen_targets_keep_their_order(names, depends_on):
    """DF-37"""
    file = select_targets(chain(), names)

    assert {target.name: target.depends_on for target in file.targets} == depends_on


def test_a_target_that_does_not_exist_cannot_be_chosen():
    with pytest.raises(UnknownTargetError, match='did you mean "b'):
        select_targets(chain(), ["a", "b1"])


def test_a_long_chain_can_be_chosen_from():
    text = "application: a\nmanifests: [{path: k}]\ntargets:\n  t0: {account: a, namespace: n0}\n" + "".join(
        f"  t{n}: {{account: a, namespace: n{n}, constraints: {{dependsOn: [t{n - 1}]}}}}\n" for n in range(1, 3000)
    )
    file = check(text, file_name="f").file

    assert file is not None
    assert [one.depends_on for one in select_targets(file, ["t0", "t2999"]).targets] == [(), ("t0",)]


def test_an_account_given_at_the_start_replaces_all_and_may_stand_for_missing_ones():
    """DF-38"""
    text = """\
application: shop
manifests: [{path: k8s/}]
targets: {a: {namespace: a}, b: {account: one, namespace: b}, c: {account: two, namespace: c}}
"""

    result = check(text, file_name="f", account="given")

    assert result.file is not None
    assert {target.account for target in result.file.targets} == {"given"}
    assert [fault.code for fault in result.warnings] == [Code.ACCOUNT_REPLACED]
    assert [fault.code for fault in check(text, file_name="f").faults] == [Code.MISSING_FIELD]
    assert check(text, file_name="f", account=" ").file is None


def test_targets_that_a_given_account_puts_into_one_place_are_a_fault():
    assert {fault.code for fault in check(CHAIN, file_name="f", account="x").faults} == {Code.DUPLICATE_TARGET}


def test_context_given_at_the_start_reaches_every_step():
    """DF-36"""
    text = """\
application: shop
manifests: [{path: k8s/}]
targets:
  qa:
    account: c
    namespace: n
    strategy: swap
    constraints:
      afterDeployment: [{analysis: {interval: 1, units: minutes, numberOfJudgmentRuns: 1, queries: [q]}}]
strategies: {swap: {blueGreen: {redirectTrafficAfter: [{runWebhook: {name: w}}]}}}
webhooks: [{name: w, uriTemplate: 'https://a.example/{{context.suite}}'}]
analysis: {defaultMetricProviderName: p, queries: [{name: q, queryTemplate: 'x{s="{{context.suite}}"}', upperLimit: 1}]}
"""

    assert [fault.code for fault in check(text, file_name="f").faults] == [Code.UNRESOLVED_VARIABLE] * 2
    result = check(text, file_name="f", context={"suite": "full"})
    assert result.faults == ()
    assert result.file is not None
    assert (result.file.context, result.file.given_context) == ({}, {"suite": "full"})
