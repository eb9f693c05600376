"""The manifests of a deploy file: which files to read, and the objects they hold for each target.

Owns the way from contents to objects; `manifest_objects` and `target_objects` judge them. It reads no files: callers
hand in contents.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from borealis_deployfile.addresses import is_address, shown
from borealis_deployfile.faults import MAX_FAULTS, Code, Fault, Severity
from borealis_deployfile.kinds import CLUSTER_SCOPED, CUSTOM_DEFINITION, ApplyPhase, GroupKind, group_kind, phase_of
from borealis_deployfile.manifest_documents import ManifestDocument, ManifestText, read_manifest
from borealis_deployfile.manifest_objects import check_object, kind_of, value_at
from borealis_deployfile.service_wiring import check_services
from borealis_deployfile.target_objects import settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from borealis_deployfile.model import DeployFile, ManifestSource, Target

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """One file that was read for a path or an address; a folder gives several."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestObject:
    """One Kubernetes object for one target, its namespace already settled."""

    api_version: str
    kind: str
    name: str
    namespace: str | None
    """None for a kind that is known to have none."""
    document: Mapping[str, Any]  # Any: JSON
    """The whole object, never changed; read only."""
    source: str
    """Name of the file."""
    index: int
    """Number of the document in the file, from 0; the items of a list share it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestResult:
    """The verdict on the manifests; the objects are complete only when there are no faults."""

    objects_by_target: Mapping[str, tuple[ManifestObject, ...]]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyGroup:
    """Objects of one phase, in the order of the files."""

    phase: ApplyPhase
    objects: tuple[ManifestObject, ...]


def collect_paths(file: DeployFile) -> tuple[str, ...]:
    """Paths that the client must read, as written, each once: of manifests in the order of the file, then of bodies."""
    return tuple(path for path in _places(file) if not is_address(path))


def collect_addresses(file: DeployFile) -> tuple[str, ...]:
    """Addresses that must be fetched, as written, each once: of manifests in the order of the file, then of bodies."""
    return tuple(path for path in _places(file) if is_address(path))


def check_manifests(
    file: DeployFile, files: Mapping[str, tuple[FileContent, ...]], *, unread: Mapping[str, str] = _NOTHING
) -> ManifestResult:
    """The objects of each target, or every fault in the manifests.

    `files` holds what was read for each of `collect_paths` and `collect_addresses`; a folder gives its files in the
    order in which they are applied. `unread` says for the others why they could not be read. A kind is namespaced
    unless Kubernetes or a CustomResourceDefinition among the manifests says otherwise.
    """
    faults: list[Fault] = []
    sources = [
        (source, _read_source(source, index, _Files(files, unread), faults))
        for index, source in enumerate(file.manifests)
    ]
    cluster_scoped = CLUSTER_SCOPED.union(
        _defined_for_the_cluster(document for _, found in sources for document in found)
    )
    objects_by_target = {}
    for target in file.targets:
        if len(faults) > MAX_FAULTS:
            break
        documents = [document for source, found in sources if _is_for(source, target) for document in found]
        settled = settle(target, documents, cluster_scoped)
        objects_by_target[target.name] = tuple(_object(document, namespace) for document, namespace in settled.objects)
        faults += settled.faults
        faults += check_services(file, target, settled.objects)
    return ManifestResult(
        objects_by_target=objects_by_target,
        faults=_unique(fault for fault in faults if fault.severity is Severity.ERROR),
        warnings=_unique(fault for fault in faults if fault.severity is Severity.WARNING),
    )


def not_read(path: str, unread: Mapping[str, str]) -> tuple[str, str]:
    """That a path or an address was not read, and what to do about it."""
    if path in unread:
        return f'"{shown(path)}" cannot be fetched: {unread[path]}', ""
    if is_address(path):
        return f'"{shown(path)}" was not fetched', "send its content with the deploy file"
    return f'"{path}" was not found', "paths are relative to the deploy file"


def apply_order(objects: Iterable[ManifestObject]) -> tuple[ApplyGroup, ...]:
    """The objects in the groups in which they are applied, first to last; empty groups are left out."""
    by_phase: dict[ApplyPhase, list[ManifestObject]] = {phase: [] for phase in ApplyPhase}
    for item in objects:
        by_phase[phase_of(group_kind(item.api_version, item.kind))].append(item)
    return tuple(ApplyGroup(phase=phase, objects=tuple(found)) for phase, found in by_phase.items() if found)


@dataclass(frozen=True, slots=True)
class _Files:
    contents: Mapping[str, tuple[FileContent, ...]]
    unread: Mapping[str, str]


def _places(file: DeployFile) -> Iterator[str]:
    manifests = (source.path or source.url for source in file.manifests)
    bodies = (webhook.body_path for webhook in file.webhooks.values())
    return iter(dict.fromkeys(path for path in (*manifests, *bodies) if path is not None))


def _object(document: ManifestDocument, namespace: str | None) -> ManifestObject:
    value = document.value
    metadata = {name: part for name, part in value["metadata"].items() if name != "namespace"}
    if namespace is not None:
        metadata["namespace"] = namespace
    return ManifestObject(
        api_version=value["apiVersion"],
        kind=value["kind"],
        name=metadata["name"],
        namespace=namespace,
        document={**value, "metadata": metadata},
        source=document.source,
        index=document.index,
    )


def _unique(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Each fault once; an object that comes twice is one fault, however many targets receive it."""
    kept: dict[object, Fault] = {}
    for fault in faults:
        is_duplicate = fault.code is Code.DUPLICATE_OBJECT
        kept.setdefault((fault.file, fault.line, fault.column) if is_duplicate else fault, fault)
    return tuple(islice(kept.values(), MAX_FAULTS))


def _is_for(source: ManifestSource, target: Target) -> bool:
    return source.targets is None or target.name in source.targets


def _read_source(
    source: ManifestSource,
    index: int,
    files: _Files,
    faults: list[Fault],
) -> list[ManifestDocument]:
    """Sound documents of one entry; the faults of the others are added to `faults`."""
    texts = _texts(source, index, files, faults)
    found = [document for text in texts for document in text.documents]
    if texts and not found and not any(text.faults for text in texts):
        faults.append(_fault_at(source, index, Code.INVALID_MANIFEST, f"{_name(source, index)} holds no objects"))
    faults += [fault for text in texts for fault in text.faults]
    sound = []
    for document in found:
        problems = check_object(document)
        faults += problems
        if not problems:
            sound.append(document)
    return sound


def _texts(
    source: ManifestSource,
    index: int,
    files: _Files,
    faults: list[Fault],
) -> list[ManifestText]:
    if source.inline is not None:
        return [read_manifest(source.inline, _name(source, index))]
    path = source.path or source.url
    if path is None:
        return []  # its faults are told
    contents = files.contents.get(path)
    if contents is None:
        faults.append(_fault_at(source, index, Code.MANIFEST_NOT_FOUND, *not_read(path, files.unread)))
    elif not contents:
        message = f'the folder "{path}" holds no file that ends in .yaml or .yml'
        faults.append(_fault_at(source, index, Code.MANIFEST_NOT_FOUND, message))
    return [read_manifest(content.content, content.name) for content in contents or ()]


def _name(source: ManifestSource, index: int) -> str:
    return shown(source.path or source.url or f"manifests[{index}].inline")


def _fault_at(source: ManifestSource, index: int, code: Code, message: str, advice: str = "") -> Fault:
    origin = source.origin
    path = f"manifests[{index}]"
    if origin is None:
        return Fault(code=code, message=message, help=advice, path=path)
    return Fault(
        code=code,
        message=message,
        help=advice,
        path=path,
        file=origin.file,
        line=origin.line,
        column=origin.column,
        end_column=origin.end_column,
    )


def _defined_for_the_cluster(documents: Iterable[ManifestDocument]) -> Iterator[GroupKind]:
    """Kinds that the manifests themselves define as having no namespace."""
    for document in documents:
        value = document.value
        if kind_of(document) == CUSTOM_DEFINITION and value_at(value, "spec", "scope") == "Cluster":
            yield str(value_at(value, "spec", "group")), str(value_at(value, "spec", "names", "kind"))
