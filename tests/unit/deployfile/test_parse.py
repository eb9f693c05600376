"""A deploy file becomes its model, and faults say what, where and what to do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from borealis_deployfile.faults import MAX_FAULTS, Code, Severity
from borealis_deployfile.model import (
    Canary,
    DeployFile,
    DeploymentConfig,
    ManifestSource,
    Origin,
    Pause,
    SetWeight,
    Target,
)
from borealis_deployfile.parse import check
from kit.effort import effort_beside_yaml

FULL = """\
version: v1
kind: kubernetes
application: " shop "
description: |
  Owner: team cart
context: {suite: fast}
deploymentConfig:
  timeout: {duration: 10, unit: minutes}
targets:
  qa: {account: qa-cluster, namespace: shop-qa, strategy: all}
  live:
    account: live-cluster
    strategy: careful
    constraints: {dependsOn: [qa]}
manifests:
  - path: k8s/
  - inline: "apiVersion: v1"
    targets: [qa]
strategies:
  all: {canary: {steps: []}}
  careful:
    canary:
      steps:
        - setWeight: {weight: 20}
        - pause: {duration: 90, unit: Seconds}
        - setWeight: 50
        - pause: {untilApproved: true, approvalExpiration: {duration: 8, unit: hours}}
        - pause: {untilApproved: true}
"""
SMALL = """\
application: shop
targets: {qa: {account: c, namespace: n}}
manifests: [{path: k8s/}]
"""


def test_every_supported_field_reaches_the_model():
    result = check(FULL, file_name="deploy.yaml")

    assert result.faults == ()
    assert result.warnings == ()
    assert result.file == DeployFile(
        application="shop",
        description="Owner: team cart",
        context={"suite": "fast"},
        config=DeploymentConfig(readiness_timeout_s=600.0),
        targets=(
            Target(name="qa", account="qa-cluster", namespace="shop-qa", strategy="all"),
            Target(name="live", account="live-cluster", strategy="careful", depends_on=("qa",)),
        ),
        manifests=(ManifestSource(path="k8s/"), ManifestSource(inline="apiVersion: v1", targets=("qa",))),
        strategies={
            "all": Canary(name="all"),
            "careful": Canary(
                name="careful",
                steps=(
                    SetWeight(weight_percent=20),
                    Pause(duration_s=90.0),
                    SetWeight(weight_percent=50),
                    Pause(until_approved=True, expires_after_s=28800.0),
                    Pause(until_approved=True),
                ),
            ),
        },
    )


def test_bytes_and_text_give_the_same_verdict():
    assert check(FULL.encode(), file_name="f") == check(FULL, file_name="f")


def test_pods_have_half_an_hour_where_the_file_does_not_say():
    file = check(SMALL, file_name="f").file

    assert file is not None
    assert file.config.readiness_timeout_s == 1800.0


def test_entries_of_manifests_know_where_they_stand():
    file = check(SMALL, file_name="deploy.yaml").file

    assert file is not None
    assert file.manifests[0].origin == Origin(file="deploy.yaml", line=3, column=20, end_column=24)


def test_a_given_application_name_goes_before_that_of_the_file():
    named = check(SMALL, file_name="f", application=" other ").file
    nameless = check(SMALL.replace("application: shop\n", ""), file_name="f", application="other").file

    assert named is not None
    assert nameless is not None
    assert named.application == nameless.application == "other"


def test_a_bad_given_application_name_is_a_fault():
    (fault,) = check(SMALL, file_name="f", application=" ").faults

    assert fault.code is Code.INVALID_VALUE


@pytest.mark.parametrize(
    ("change", "code", "path", "place", "message", "advice"),
    [
        pytest.param(
            ("application", "aplication"),
            Code.UNKNOWN_FIELD,
            "aplication",
            (1, 1, 11),
            'a deploy file has no field "aplication"',
            'did you mean "application"?',
            id="a-field-with-a-near-name",
        ),
        pytest.param(
            ("namespace: n", "zzz: n"),
            Code.UNKNOWN_FIELD,
            "targets.qa.zzz",
            (2, 28, 31),
            'a target has no field "zzz"',
            "there is: ",
            id="a-field-like-no-other",
        ),
        pytest.param(
            ("namespace: n", "namespace: 12"),
            Code.WRONG_TYPE,
            "targets.qa.namespace",
            (2, 39, 41),
            "`namespace` must be text, not the number 12",
            "put it in quotes",
            id="a-number-for-text",
        ),
        pytest.param(
            ("namespace: n", "namespace: no"),
            Code.WRONG_TYPE,
            "targets.qa.namespace",
            (2, 39, 41),
            "`namespace` must be text, not the boolean no",
            "put it in quotes",
            id="a-word-that-yaml-takes-for-a-boolean",
        ),
        pytest.param(
            ("namespace: n", "constraints: {dependsOn: [q]}"),
            Code.UNKNOWN_TARGET,
            "targets.qa.constraints.dependsOn[0]",
            (2, 54, 55),
            'target "qa" depends on "q", which does not exist',
            'did you mean "qa"?',
            id="a-target-with-a-near-name",
        ),
        pytest.param(
            ("namespace: n", "constraints: {dependsOn: qa}"),
            Code.WRONG_TYPE,
            "targets.qa.constraints.dependsOn",
            (2, 53, 55),
            "`dependsOn` must be a list",
            "write it as a list: [qa]",
            id="one-name-for-a-list",
        ),
        pytest.param(
            ("namespace: n", "strategy: canary"),
            Code.UNKNOWN_STRATEGY,
            "targets.qa.strategy",
            (2, 38, 44),
            'target "qa" uses the strategy "canary"',
            "define it under `strategies`",
            id="a-strategy-where-there-are-none",
        ),
        pytest.param(
            ("qa: {account", '"prod (eu)": {acount'),
            Code.UNKNOWN_FIELD,
            'targets["prod (eu)"].acount',
            (2, 25, 31),
            'a target has no field "acount"',
            'did you mean "account"?',
            id="a-path-through-a-name-with-blanks",
        ),
        pytest.param(
            ("path: k8s/", "path: s3://example.com/a.yaml"),
            Code.INVALID_VALUE,
            "manifests[0].path",
            (3, 20, 43),
            "files are fetched by http and https only, not by s3",
            "name an https address, a file or a folder",
            id="an-address-of-another-kind",
        ),
    ],
)
def test_a_fault_says_what_and_where_and_what_to_do(change, code, path, place, message, advice):
    result = check(SMALL.replace(*change), file_name="deploy.yaml")

    fault = next(fault for fault in result.faults if fault.code is code)
    assert (fault.path, fault.file, fault.severity) == (path, "deploy.yaml", Severity.ERROR)
    assert (fault.line, fault.column, fault.end_column) == place
    assert message in fault.message
    assert advice in fault.help


@pytest.mark.parametrize("path", ["C:\\k8s", "./a:b", "http:/one-slash", "//[half", "a b/c.yaml"])
def test_a_path_that_only_looks_like_a_url_is_a_path(path):
    result = check(SMALL.replace("k8s/", f"'{path}'"), file_name="f")

    assert result.faults == ()


def test_a_loop_is_named_in_its_order():
    text = "application: a\nmanifests: [{path: k}]\ntargets:\n" + "".join(
        f"  {name}: {{account: c, namespace: {name}, constraints: {{dependsOn: [{after}]}}}}\n"
        for name, after in [("a", "b"), ("b", "c"), ("c", "a")]
    )

    (fault,) = check(text, file_name="f").faults

    assert fault.code is Code.DEPENDENCY_CYCLE
    assert '"a" -> "b" -> "c" -> "a"' in fault.message


def test_a_long_loop_is_cut():
    text = "application: a\nmanifests: [{path: k}]\ntargets:\n" + "".join(
        f"  t{n}: {{account: c, namespace: n{n}, constraints: {{dependsOn: [t{(n + 1) % 500}]}}}}\n" for n in range(500)
    )

    (fault,) = check(text, file_name="f").faults

    assert '"..."' in fault.message
    assert len(fault.message) < 300


def test_letters_that_kubernetes_takes_for_booleans_are_names_here():
    result = check(SMALL.replace("namespace: n", "namespace: y"), file_name="f")

    assert result.file is not None
    assert result.file.targets[0].namespace == "y"


def test_faults_come_in_the_order_of_the_text():
    text = "targets: {qa: {acount: c}}\nmanifests: {}\nkindd: x\n"

    lines = [fault.line for fault in check(text, file_name="f").faults]

    assert lines == sorted(lines)
    assert len(lines) >= 4


def test_a_file_of_millions_of_faults_is_cut():
    text = SMALL + "".join(f"field{n}: 1\n" for n in range(3 * MAX_FAULTS))

    faults = check(text, file_name="f").faults

    assert len(faults) == MAX_FAULTS + 1
    assert faults[-1].code is Code.TOO_MANY_FAULTS


def test_warnings_alone_never_stop_a_file():
    text = SMALL + "context:\n" + "".join(f"  v{n}: {n}\n" for n in range(2 * MAX_FAULTS))

    result = check(text, file_name="f")

    assert result.file is not None
    assert len(result.file.context) == 2 * MAX_FAULTS


def test_a_file_of_8000_lines_is_checked_in_a_blink():
    targets = "".join(
        f"  t{n}:\n    account: a\n    namespace: n{n}\n    constraints: {{dependsOn: [t{max(0, n - 1)}]}}\n"
        for n in range(1, 2000)
    )
    text = "application: a\nmanifests: [{path: k}]\ntargets:\n  t0: {account: a, namespace: z}\n" + targets
    assert text.count("\n") >= 8000

    result = check(text, file_name="f")

    assert result.file is not None
    assert effort_beside_yaml(lambda: check(text, file_name="f"), text) < 6  # measured 2.3, which is 0.15 s


ALPHABET = st.sampled_from(
    [
        *"ab:-[]{}&*!|>'\"#%@,?<~ \n\t0129",
        "\n  ",
        "\n    ",
        ": ",
        "- ",
        "qa",
        "null",
        "true",
        "{}",
        "[]",
        "<<: *a",
        "&a ",
    ],
)


def assert_verdict_is_sound(text: bytes | str) -> None:
    result = check(text, file_name="f")

    assert (result.file is None) == bool(result.faults)
    if result.file is not None:
        names = {target.name for target in result.file.targets}
        assert names
        assert all(t.strategy is None or t.strategy in result.file.strategies for t in result.file.targets)
        assert all(set(t.depends_on) <= names for t in result.file.targets)
        assert all([m.path, m.url, m.inline].count(None) == 2 for m in result.file.manifests)


@settings(max_examples=150)
@given(st.binary(max_size=300))
def test_random_bytes_never_raise(content):
    assert_verdict_is_sound(content)


@settings(max_examples=250)
@given(st.data())
def test_mutated_files_never_raise(data):
    text = FULL
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + "".join(data.draw(st.lists(ALPHABET, max_size=6))) + text[end:]

    assert_verdict_is_sound(text)


@settings(max_examples=150)
@given(st.data())
def test_moved_lines_never_raise(data):
    lines = FULL.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        line = data.draw(st.sampled_from(lines))
        place = data.draw(st.integers(0, len(lines)))
        indented = data.draw(st.sampled_from(["", "  ", "    "])) + line.lstrip(data.draw(st.sampled_from(["", " "])))
        lines.insert(place, indented)

    assert_verdict_is_sound("".join(lines))
