"""Manifests become the objects of each target, or all of their faults."""

# Long on purpose: one table of all that can be wrong with a manifest is easier to read than its parts.
from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from borealis_deployfile.faults import MAX_FAULTS, Code
from borealis_deployfile.kinds import ApplyPhase
from borealis_deployfile.manifests import FileContent, ManifestObject, apply_order, check_manifests, collect_paths
from borealis_deployfile.model import Canary, DeployFile, ManifestSource, Origin, Target

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: written, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""
WEB_WITH = WEB.replace("{", "{{").replace("}", "}}").replace("replicas: 3", "{}")
FLAGS = "{apiVersion: v1, kind: ConfigMap, metadata: {name: flags}, data: {a: b}}\n"


def a_file(*sources: ManifestSource, targets: tuple[Target, ...] | None = None) -> DeployFile:
    one = Target(name="qa", account="c", namespace="shop", strategy="all")
    return DeployFile(
        application="shop",
        targets=(one,) if targets is None else targets,
        manifests=sources or (ManifestSource(path="k8s"),),
        strategies={"all": Canary(name="all")},
    )


def files(*texts: str | bytes) -> dict[str, tuple[FileContent, ...]]:
    contents = [text.encode() if isinstance(text, str) else text for text in texts]
    return {"k8s": tuple(FileContent(name=f"k8s/{n}.yaml", content=content) for n, content in enumerate(contents))}


def objects_of(text: str, **targets) -> tuple[ManifestObject, ...]:
    result = check_manifests(a_file(**targets), files(text))
    assert result.faults == ()
    return result.objects_by_target["qa"]


def faults_of(*texts: str | bytes, target: Target | None = None):
    file = a_file(targets=(target,)) if target else a_file()
    return [(fault.code, fault.file, fault.line) for fault in check_manifests(file, files(*texts)).faults]


# --- collecting ---


def test_paths_are_collected_once_in_the_order_of_the_file():
    file = a_file(
        ManifestSource(path="b"),
        ManifestSource(inline=FLAGS),
        ManifestSource(path="a"),
        ManifestSource(path="b", targets=("qa",)),
    )

    assert collect_paths(file) == ("b", "a")


def test_a_path_that_was_not_read_is_a_fault_at_its_place():
    origin = Origin(file="deploy.yaml", line=7, column=11, end_column=15)

    (fault,) = check_manifests(a_file(ManifestSource(path="k8s", origin=origin)), {}).faults

    assert (fault.code, fault.file, fault.line, fault.column, fault.end_column) == (
        Code.MANIFEST_NOT_FOUND,
        "deploy.yaml",
        7,
        11,
        15,
    )
    assert fault.path == "manifests[0]"
    assert '"k8s"' in fault.message


@pytest.mark.parametrize(
    ("given_files", "code"),
    [
        pytest.param({}, Code.MANIFEST_NOT_FOUND, id="not-read"),
        pytest.param({"k8s": ()}, Code.MANIFEST_NOT_FOUND, id="an-empty-folder"),
        pytest.param(files(""), Code.INVALID_MANIFEST, id="an-empty-file"),
        pytest.param(files("# comment\n---\n", "---\n"), Code.INVALID_MANIFEST, id="files-of-empty-documents"),
    ],
)
def test_a_path_without_objects_is_a_fault(given_files, code):
    (fault,) = check_manifests(a_file(), given_files).faults

    assert fault.code is code


def test_an_empty_document_beside_others_is_nothing():
    assert len(objects_of(f"---\n# nothing\n---\n{FLAGS}---\n")) == 1


# --- objects ---


def test_an_object_keeps_its_document_and_knows_where_it_comes_from():
    result = check_manifests(a_file(), files("", FLAGS + "---\n" + WEB))

    assert result.faults == ()
    flags, web = result.objects_by_target["qa"]
    assert flags == ManifestObject(
        api_version="v1",
        kind="ConfigMap",
        name="flags",
        namespace="shop",
        document={
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "flags", "namespace": "shop"},
            "data": {"a": "b"},
        },
        source="k8s/1.yaml",
        index=0,
    )
    assert (web.kind, web.index, web.namespace) == ("Deployment", 1, "shop")
    assert web.document["metadata"] == {"name": "web", "labels": {"app": "web"}, "namespace": "shop"}
    assert web.document["spec"]["template"]["metadata"]["labels"] == {"app": "web", "tier": "front"}


def test_values_have_the_types_that_kubernetes_gives_them():
    (item,) = objects_of(
        "apiVersion: x.example/v1\nkind: Thing\nmetadata: {name: t}\n"
        'spec: {a: 012, b: 12:30, c: 2024-01-31, d: yes, e: "yes", f: 1e3, g: ~, h: 0.5, on: x, 1: one, 1.5: z}\n'
    )

    assert item.document["spec"] == {
        "a": 10,
        "b": "12:30",
        "c": "2024-01-31",
        "d": True,
        "e": "yes",
        "f": 1000,
        "g": None,
        "h": 0.5,
        "true": "x",
        "1": "one",
        "1.5": "z",
    }


def test_objects_of_an_alias_do_not_share_their_parts():
    first, second = objects_of(
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: &d {x: y}}\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: *d}\n"
    )

    assert first.document["data"] == second.document["data"]
    assert first.document["data"] is not second.document["data"]


def test_lists_are_taken_apart():
    text = f"apiVersion: v1\nkind: List\nitems:\n- {FLAGS}- kind: ConfigMapList\n  apiVersion: v1\n  items:\n  - "
    items = objects_of(text + FLAGS.replace("flags", "more") + "- " + WEB.replace("\n", "\n  ").rstrip() + "\n")

    assert [(item.kind, item.name, item.index) for item in items] == [
        ("ConfigMap", "flags", 0),
        ("ConfigMap", "more", 0),
        ("Deployment", "web", 0),
    ]


def test_a_kind_that_only_ends_like_a_list_is_an_object():
    (item,) = objects_of("{apiVersion: x.example/v1, kind: AllowList, metadata: {name: a}, spec: {}}")

    assert item.kind == "AllowList"


def test_manifests_reach_only_the_targets_they_name():
    file = a_file(
        ManifestSource(inline=FLAGS, targets=("qa",)),
        ManifestSource(inline=FLAGS.replace("flags", "all")),
        targets=(
            Target(name="qa", account="c", namespace="a"),
            Target(name="live", account="c", namespace="b"),
        ),
    )

    result = check_manifests(file, {})

    names = {
        target: [(item.name, item.namespace, item.source) for item in items]
        for target, items in result.objects_by_target.items()
    }
    assert names == {
        "qa": [("flags", "a", "manifests[0].inline"), ("all", "a", "manifests[1].inline")],
        "live": [("all", "b", "manifests[1].inline")],
    }


# --- namespaces ---


@pytest.mark.parametrize(
    ("target_namespace", "text", "namespace"),
    [
        pytest.param("shop", WEB, "shop", id="the-target-goes-first"),
        pytest.param(None, WEB, "written", id="else-the-object"),
        pytest.param("shop", "{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}", None, id="none"),
        pytest.param(
            "shop",
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a}}",
            None,
            id="a-cluster-role-has-none",
        ),
        pytest.param("shop", "{apiVersion: x/v1, kind: Thing, metadata: {name: a}}", "shop", id="an-unknown-kind"),
    ],
)
def test_namespaces_follow_target_then_object_and_spare_the_cluster(target_namespace, text, namespace):
    target = Target(name="qa", account="c", namespace=target_namespace, strategy="all")

    (item,) = objects_of(text, targets=(target,))

    assert item.namespace == namespace
    assert item.document["metadata"].get("namespace") == namespace


def test_a_definition_among_the_manifests_says_that_its_kind_has_no_namespace():
    crd = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: planets.x.example}
spec: {group: x.example, scope: Cluster, names: {kind: Planet}}
"""
    items = objects_of(f"{{apiVersion: x.example/v1, kind: Planet, metadata: {{name: mars}}}}\n---\n{crd}")

    assert [item.namespace for item in items] == [None, None]


def test_an_object_without_any_namespace_is_a_fault():
    target = Target(name="qa", account="c", strategy="all")

    assert faults_of(FLAGS, WEB, target=target) == [(Code.NAMESPACE_REQUIRED, "k8s/0.yaml", 1)]


# --- faults ---


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        pytest.param("a: 1\n\tb: 2\n", Code.INVALID_MANIFEST, 2, id="broken-yaml"),
        pytest.param(FLAGS + "---\na: [1\n", Code.INVALID_MANIFEST, 4, id="broken-second-document"),
        pytest.param(b"a: \xff", Code.INVALID_MANIFEST, 1, id="not-utf-8"),
        pytest.param(
            "apiVersion: v1\nkind: X\nkind: Y\nmetadata: {name: a}\n", Code.INVALID_MANIFEST, 3, id="a-key-twice"
        ),
        pytest.param("just text\n", Code.INVALID_MANIFEST, 1, id="text"),
        pytest.param("- a\n", Code.INVALID_MANIFEST, 1, id="a-list"),
        pytest.param("kind: ConfigMap\nmetadata: {name: a}\n", Code.INVALID_MANIFEST, 1, id="no-api-version"),
        pytest.param("apiVersion: v1\nmetadata: {name: a}\n", Code.INVALID_MANIFEST, 1, id="no-kind"),
        pytest.param("apiVersion: v1\nkind: ConfigMap\n", Code.INVALID_MANIFEST, 1, id="no-metadata"),
        pytest.param("apiVersion: v1\nkind: X\nmetadata: []\n", Code.INVALID_MANIFEST, 3, id="metadata-is-a-list"),
        pytest.param("apiVersion: v1\nkind: X\nmetadata: {name: ''}\n", Code.INVALID_MANIFEST, 3, id="an-empty-name"),
        pytest.param(
            "apiVersion: v1\nkind: X\nmetadata: {name: 12}\n", Code.INVALID_MANIFEST, 3, id="a-number-as-name"
        ),
        pytest.param("apiVersion: v1\nkind: 5\nmetadata: {name: a}\n", Code.INVALID_MANIFEST, 2, id="a-number-as-kind"),
        pytest.param(
            "apiVersion: v1\nkind: X\nmetadata:\n  name: a\n  namespace: no\n",
            Code.INVALID_MANIFEST,
            5,
            id="a-boolean-namespace",
        ),
        pytest.param(
            "apiVersion: v1\nkind: X\nmetadata:\n  name: a\n  annotations: {on: x, b: true}\n",
            Code.INVALID_MANIFEST,
            5,
            id="an-annotation-that-is-no-text",
        ),
        pytest.param(
            "apiVersion: v1\nkind: X\nmetadata:\n  name: a\n  labels: [b]\n",
            Code.INVALID_MANIFEST,
            5,
            id="labels-as-a-list",
        ),
        pytest.param(
            "apiVersion: v1\nkind: X\nmetadata: {name: a}\nx: [1, .nan]\n", Code.INVALID_MANIFEST, 4, id="not-a-number"
        ),
        pytest.param("apiVersion: v1\nkind: X\nmetadata: {name: a}\nx: !env A\n", Code.INVALID_MANIFEST, 4, id="a-tag"),
        pytest.param(
            "apiVersion: v1\nkind: X\nmetadata: {name: a}\n~: b\n", Code.INVALID_MANIFEST, 4, id="an-empty-key"
        ),
        pytest.param("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", Code.UNSUPPORTED_MANIFEST, 2, id="a-pod"),
        pytest.param(WEB.replace("Deployment", "ReplicaSet"), Code.UNSUPPORTED_MANIFEST, 2, id="a-replica-set"),
        pytest.param(
            WEB.replace("apps/v1", "extensions/v1beta1"), Code.UNSUPPORTED_MANIFEST, 1, id="a-deployment-of-old"
        ),
        pytest.param(FLAGS + "---\n" + FLAGS, Code.DUPLICATE_OBJECT, 3, id="the-same-object-twice"),
        pytest.param(WEB.replace("replicas: 3", "replicas: -1"), Code.INVALID_MANIFEST, 5, id="negative-replicas"),
        pytest.param(WEB.replace("replicas: 3", "replicas: '3'"), Code.INVALID_MANIFEST, 5, id="replicas-as-text"),
        pytest.param(WEB.replace("replicas: 3", "replicas: yes"), Code.INVALID_MANIFEST, 5, id="replicas-as-a-boolean"),
        pytest.param(
            WEB.replace("spec:\n  rep", "spec:\n  strategy: {rollingUpdate: {maxSurge: some}}\n  rep", 1),
            Code.INVALID_MANIFEST,
            5,
            id="a-surge-that-is-no-number",
        ),
        pytest.param(
            WEB.replace("spec:\n  rep", "spec:\n  strategy: {rollingUpdate: {maxUnavailable: -1}}\n  rep", 1),
            Code.INVALID_MANIFEST,
            5,
            id="a-negative-bound",
        ),
        pytest.param(
            WEB.replace("spec:\n  rep", "spec:\n  strategy: {rollingUpdate: {maxSurge: '2.5%'}}\n  rep", 1),
            Code.INVALID_MANIFEST,
            5,
            id="a-broken-share",
        ),
        pytest.param(
            WEB.replace("spec:\n  rep", "spec:\n  strategy: {rollingUpdate: 5}\n  rep", 1),
            Code.INVALID_MANIFEST,
            5,
            id="a-number-for-rolling-update",
        ),
        pytest.param(WEB_WITH.format("strategy: Recreate"), Code.INVALID_MANIFEST, 5, id="text-for-a-strategy"),
        pytest.param(WEB_WITH.format("minReadySeconds: soon"), Code.INVALID_MANIFEST, 5, id="a-wait-as-text"),
        pytest.param(WEB.replace("matchLabels", "labels"), Code.INVALID_MANIFEST, 6, id="no-match-labels"),
        pytest.param(
            WEB.replace("{matchLabels: {app: web}}", "{matchLabels: {}}"), Code.INVALID_MANIFEST, 6, id="none"
        ),
        pytest.param(WEB.replace("{app: web, tier", "{app: wep, tier"), Code.INVALID_MANIFEST, 6, id="labels-differ"),
        pytest.param(
            WEB.replace('containers: [{name: web, image: "web:1"}]', ""), Code.INVALID_MANIFEST, 9, id="no-pods"
        ),
        pytest.param(WEB[: WEB.index("spec:")], Code.INVALID_MANIFEST, 1, id="a-deployment-without-spec"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_a_fault_at_its_place(text, code, line):
    assert faults_of(text) == [(code, "k8s/0.yaml", line)]


def test_faults_name_file_and_document():
    (fault,) = check_manifests(a_file(), files(FLAGS + "---\n{kind: X}\n---\n" + WEB)).faults[:1]

    assert fault.message.endswith("(document 2 of k8s/0.yaml)")


def test_all_faults_of_all_files_come_at_once():
    found = faults_of("a: [", "{kind: X}", FLAGS, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")

    assert [file for _, file, _ in found] == ["k8s/0.yaml", "k8s/1.yaml", "k8s/1.yaml", "k8s/3.yaml"]


def test_an_object_twice_is_one_fault_for_many_targets():
    targets = tuple(Target(name=f"t{n}", account="c", namespace=f"n{n}") for n in range(5))

    faults = check_manifests(a_file(targets=targets), files(FLAGS, FLAGS)).faults

    assert [fault.code for fault in faults] == [Code.DUPLICATE_OBJECT]


def test_the_same_name_in_two_namespaces_is_no_duplicate():
    target = Target(name="qa", account="c")
    texts = [FLAGS.replace("name: flags", f"name: flags, namespace: {name}") for name in ("a", "b")]

    assert faults_of(*texts, target=target) == []


def test_a_deployment_needs_a_strategy_in_each_target_it_reaches():
    targets = (
        Target(name="a", account="c", namespace="a"),
        Target(name="b", account="c", namespace="b", strategy="all"),
        Target(name="d", account="c", namespace="d"),
    )

    faults = check_manifests(a_file(targets=targets), files(WEB)).faults

    assert [fault.code for fault in faults] == [Code.STRATEGY_REQUIRED] * 2
    assert ['"web"' in fault.message for fault in faults] == [True, True]
    assert ['"a"' in faults[0].message, '"d"' in faults[1].message] == [True, True]


@pytest.mark.parametrize("reference", ["{kind: Deployment, name: other}", "{kind: StatefulSet, name: web}", "{}"])
def test_an_autoscaler_of_something_else_is_applied_untouched(reference):
    scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n"

    items = objects_of(f"{WEB}---\n{scaler}spec: {{scaleTargetRef: {reference}}}\n")

    assert len(items) == 2


def test_replicas_may_be_missing_or_zero():
    assert faults_of(WEB.replace("  replicas: 3\n", "")) == []
    assert faults_of(WEB.replace("replicas: 3", "replicas: 0")) == []


@pytest.mark.parametrize("bound", ["0", "3", "'25%'", "100%", "~"])
def test_bounds_may_be_pods_or_shares(bound):
    rolling = f"strategy: {{rollingUpdate: {{maxSurge: {bound}, maxUnavailable: {bound}}}}}"

    assert faults_of(WEB.replace("replicas: 3", rolling)) == []


def test_endless_faults_are_cut():
    targets = tuple(Target(name=f"t{n}", account="c", namespace=f"n{n}") for n in range(2 * MAX_FAULTS))

    result = check_manifests(a_file(targets=targets), files(WEB))

    assert len(result.faults) == MAX_FAULTS


# --- order ---

ORDER = [
    (ApplyPhase.NAMESPACE, "v1", "Namespace"),
    (ApplyPhase.DEFINITION, "apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    (ApplyPhase.CLUSTER_POLICY, "scheduling.k8s.io/v1", "PriorityClass"),
    (ApplyPhase.CLUSTER_POLICY, "v1", "ResourceQuota"),
    (ApplyPhase.IDENTITY, "v1", "ServiceAccount"),
    (ApplyPhase.IDENTITY, "rbac.authorization.k8s.io/v1", "RoleBinding"),
    (ApplyPhase.CONFIGURATION, "v1", "Secret"),
    (ApplyPhase.CONFIGURATION, "v1", "ConfigMap"),
    (ApplyPhase.STORAGE, "v1", "PersistentVolumeClaim"),
    (ApplyPhase.NETWORK, "v1", "Service"),
    (ApplyPhase.NETWORK, "networking.istio.io/v1", "VirtualService"),
    (ApplyPhase.NETWORK, "networking.k8s.io/v1", "Ingress"),
    (ApplyPhase.WORKLOAD, "apps/v1", "StatefulSet"),
    (ApplyPhase.WORKLOAD, "batch/v1", "CronJob"),
    (ApplyPhase.WORKLOAD, "x.example/v1", "Service"),
    (ApplyPhase.DEPLOYMENT, "apps/v1", "Deployment"),
    (ApplyPhase.AVAILABILITY, "policy/v1", "PodDisruptionBudget"),
    (ApplyPhase.AVAILABILITY, "autoscaling/v2", "HorizontalPodAutoscaler"),
]


def an_object(api_version: str, kind: str, name: str = "a") -> ManifestObject:
    return ManifestObject(
        api_version=api_version, kind=kind, name=name, namespace=None, document={}, source="f", index=0
    )


@given(st.permutations(ORDER))
def test_objects_are_applied_in_the_documented_order(shuffled):
    """Hard case 23."""
    groups = apply_order(an_object(api_version, kind) for _, api_version, kind in shuffled)

    by_phase = itertools.groupby(ORDER, lambda row: row[0])
    wanted = [(phase, {kind for _, _, kind in entries}) for phase, entries in by_phase]
    assert [(group.phase, {item.kind for item in group.objects}) for group in groups] == wanted


def test_inside_a_group_the_order_of_the_files_stays():
    objects = [an_object("v1", "ConfigMap", name) for name in "cab"]

    (group,) = apply_order(objects)

    assert [item.name for item in group.objects] == ["c", "a", "b"]


def test_no_objects_need_no_groups():
    assert apply_order([]) == ()


# --- fuzz ---


@settings(max_examples=150)
@given(st.data())
def test_mutated_manifests_never_raise(data):
    text = WEB + "---\n" + FLAGS
    pieces = st.sampled_from(
        [*"ab:-[]{}&*!'\"# \n~1", "\n  ", "---\n", "null", "[]", "{}", "kind: List", "items: [{}]"]
    )
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        text = text[:start] + "".join(data.draw(st.lists(pieces, max_size=6))) + text[end:]

    result = check_manifests(a_file(), files(text))

    assert result.faults or all(item.name and item.kind for item in result.objects_by_target["qa"])
