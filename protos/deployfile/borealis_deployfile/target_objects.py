"""The objects of one target: their namespaces, and whether target and objects fit each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from borealis_deployfile.faults import Code
from borealis_deployfile.kinds import DEPLOYMENT, GroupKind
from borealis_deployfile.manifest_objects import kind_of, value_at

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.manifest_documents import ManifestDocument
    from borealis_deployfile.model import Target

_ObjectKey = tuple[GroupKind, str | None, str]  # kind, namespace, name

_NAMESPACE_ADVICE: Final = "give the target a `namespace`, or the object a metadata.namespace"


@dataclass(slots=True)
class SettledObjects:
    """Objects of a target with their namespaces, and what is wrong with them there."""

    objects: list[tuple[ManifestDocument, str | None]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def settle(
    target: Target,
    documents: list[ManifestDocument],
    cluster_scoped: AbstractSet[GroupKind],
) -> SettledObjects:
    """Sound documents as objects of the target: its namespace goes before their own; cluster-wide ones get none."""
    settled = SettledObjects()
    for document in documents:
        is_namespaced = kind_of(document) not in cluster_scoped
        namespace = target.namespace or value_at(document.value, "metadata", "namespace") or None
        if is_namespaced and namespace is None:
            message = f'{_label(document)} has no namespace for target "{target.name}"'
            settled.faults.append(document.fault(Code.NAMESPACE_REQUIRED, message, _NAMESPACE_ADVICE, "metadata"))
            continue
        settled.objects.append((document, namespace if is_namespaced else None))
    _check_duplicates(settled, target)
    _check_deployments(settled, target)
    return settled


def _check_duplicates(settled: SettledObjects, target: Target) -> None:
    seen: dict[_ObjectKey, ManifestDocument] = {}
    for document, namespace in settled.objects:
        first = seen.setdefault(_key(document, namespace), document)
        if first is not document:
            message = (
                f'{_label(document)} comes twice for target "{target.name}"; '
                f"first in document {first.index + 1} of {first.source}, line {first.node.line}"
            )
            settled.faults.append(
                document.fault(Code.DUPLICATE_OBJECT, message, "keep one of the two", "metadata", "name")
            )


def _check_deployments(settled: SettledObjects, target: Target) -> None:
    for document, _ in settled.objects:
        if kind_of(document) == DEPLOYMENT and target.strategy is None:
            message = f'{_label(document)} needs a strategy, and target "{target.name}" has none'
            advice = f"write `strategy:` in targets.{target.name}"
            settled.faults.append(document.fault(Code.STRATEGY_REQUIRED, message, advice, "metadata", "name"))


def _key(document: ManifestDocument, namespace: str | None) -> _ObjectKey:
    return kind_of(document), namespace, document.value["metadata"]["name"]


def _label(document: ManifestDocument) -> str:
    return f'{document.value["kind"]} "{document.value["metadata"]["name"]}"'
