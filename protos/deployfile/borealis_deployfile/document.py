"""The top level of a deploy file: which fields it has, and those of them that are simple.

Targets, strategies, manifests and deploymentConfig have their own modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.deployment_config import read_config
from borealis_deployfile.draft import Draft
from borealis_deployfile.faults import Code
from borealis_deployfile.manifest_sources import read_manifest_sources
from borealis_deployfile.nodes import Mapping, Scalar
from borealis_deployfile.reader import Fields, Place, Reader, is_null
from borealis_deployfile.rules import judge
from borealis_deployfile.scalars import is_text
from borealis_deployfile.strategies import read_strategies
from borealis_deployfile.targets import read_targets

if TYPE_CHECKING:
    from collections.abc import Mapping as Map

_KUBERNETES: Final = "kubernetes"
_KINDS: Final = (_KUBERNETES, "lambda")
_VERSION: Final = "v1"
_EXAMPLES: Final = {
    "targets": "write `targets: {qa: {account: qa-cluster, namespace: shop}}`",
    "manifests": "write `manifests: [{path: k8s/}]`",
}
_FIELDS: Final = Fields(
    what="a deploy file",
    known=frozenset(
        {
            "application",
            "context",
            "deploymentConfig",
            "description",
            "kind",
            "manifests",
            "metadata",
            "strategies",
            "targets",
            "version",
        },
    ),
    unsupported=frozenset({"analysis", "artifacts", "providerOptions", "trafficManagement", "webhooks"}),
)


def read_document(reader: Reader, place: Place, application: str | None) -> Draft | None:
    """The draft of the file, or None where nothing more can be said; `application` overrides the file's name."""
    if not isinstance(place.node, Mapping):
        reader.mapping(place, "a deploy file")
        return None
    if not _is_kubernetes(reader, place, place.node):
        return None
    fields = reader.fields(place, _FIELDS) or {}
    for name, example in _EXAMPLES.items():
        if name not in fields:
            reader.missing(place, name, "a deploy file", example)
    _check_version(reader, fields)
    draft = Draft(
        application=_application(reader, place, fields, application),
        context=_context(reader, fields),
        description=_description(reader, fields),
        targets=read_targets(reader, fields["targets"]) if "targets" in fields else [],
        strategies=read_strategies(reader, fields["strategies"]) if "strategies" in fields else {},
        manifests=read_manifest_sources(reader, fields["manifests"]) if "manifests" in fields else [],
    )
    if "deploymentConfig" in fields:
        draft.config = read_config(reader, fields["deploymentConfig"])
    judge(reader, draft)
    return draft


def _is_kubernetes(reader: Reader, place: Place, root: Mapping) -> bool:
    entry = root.entries.get("kind")
    if entry is None or is_null(entry.value):
        return True
    here = place.at(entry.value, "kind")
    kind = reader.text(here, "`kind`")
    if kind is None or kind.lower() == _KUBERNETES:
        return kind is not None
    if kind.lower() in _KINDS:
        reader.fault(Code.NOT_SUPPORTED, here, f"kind: {kind} is not supported yet", f"write `kind: {_KUBERNETES}`")
    else:
        reader.fault(Code.UNSUPPORTED_KIND, here, f'there is no kind "{kind}"', reader.hint(kind, [_KUBERNETES]))
    return False


def _check_version(reader: Reader, fields: Map[str, Place]) -> None:
    place = fields.get("version")
    if place is not None and not (isinstance(place.node, Scalar) and place.node.text == _VERSION):
        reader.warn(Code.UNKNOWN_VERSION, place, f"the only version is {_VERSION}; it is read as that")


def _application(reader: Reader, place: Place, fields: Map[str, Place], override: str | None) -> str | None:
    written = fields.get("application")
    text = reader.text(written, "`application`") if written is not None else None
    if override is not None:
        return reader.name(override.strip(), place, "the name of the application")
    if written is None:
        reader.missing(place, "application", "a deploy file", "or give the name when you start it")
    if written is None or text is None:
        return None
    return reader.name(text, written, "the name of the application")


def _description(reader: Reader, fields: Map[str, Place]) -> str:
    place = fields.get("description")
    if place is None or (isinstance(place.node, Scalar) and not place.node.text.strip()):
        return ""
    return reader.text(place, "`description`") or ""


def _context(reader: Reader, fields: Map[str, Place]) -> dict[str, str]:
    place = fields.get("context")
    mapping = reader.mapping(place, "`context`") if place is not None else None
    if place is None or mapping is None:
        return {}
    context = {}
    for name, entry in mapping.entries.items():
        here = place.at(entry.value, name)
        if not isinstance(entry.value, Scalar) or is_null(entry.value):
            reader.fault(Code.WRONG_TYPE, here, f'the variable "{name}" must be text', "put it in quotes")
            continue
        if not is_text(entry.value):
            message = f'the variable "{name}" is taken as the text "{entry.value.text}"'
            reader.warn(Code.WRONG_TYPE, here, message, "put it in quotes")
        context[name] = entry.value.text
    return context
