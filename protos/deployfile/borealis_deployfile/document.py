"""The top level of a deploy file: which fields it has, and those of them that are simple.

Everything below it has its own modules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from borealis_deployfile import nodes
from borealis_deployfile.analysis import read_analysis
from borealis_deployfile.contexts import read_context
from borealis_deployfile.deployment_config import read_config
from borealis_deployfile.draft import Draft
from borealis_deployfile.faults import Code
from borealis_deployfile.language.document import DOCUMENT
from borealis_deployfile.manifest_sources import read_manifest_sources
from borealis_deployfile.nodes import Scalar
from borealis_deployfile.reader import Place, Reader, is_null
from borealis_deployfile.rules import judge
from borealis_deployfile.strategies import read_strategies
from borealis_deployfile.targets import read_targets
from borealis_deployfile.texts import check_texts
from borealis_deployfile.traffic import read_traffic
from borealis_deployfile.variable_rules import check_variables
from borealis_deployfile.webhooks import read_webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping

_KUBERNETES: Final = "kubernetes"
_KINDS: Final = (_KUBERNETES, "lambda")
_VERSION: Final = "v1"
_MANIFEST_ADVICE: Final = "this is a manifest: name its file under `manifests` of a deploy file"
_EXAMPLES: Final = {
    "targets": "write `targets: {qa: {account: qa-cluster, namespace: shop}}`",
    "manifests": "write `manifests: [{path: k8s/}]`",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was said beside the file, and goes before it."""

    application: str | None = None
    account: str | None = None
    """Replaces the accounts of all targets."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Variables that go before those of the file and of its steps."""


def read_document(reader: Reader, place: Place, given: Given) -> Draft | None:
    """The draft of the file, or None where nothing more can be said."""
    if not isinstance(place.node, nodes.Mapping):
        reader.mapping(place, "a deploy file")
        return None
    if not _is_kubernetes(reader, place, place.node):
        return None
    fields = reader.fields(place, DOCUMENT) or {}
    for name, example in _EXAMPLES.items():
        if name not in fields:
            reader.missing(place, name, "a deploy file", example)
    _check_version(reader, fields)
    account = None if given.account is None else reader.name(given.account.strip(), place, "the account")
    draft = Draft(
        application=_application(reader, place, fields, given.application),
        context=read_context(reader, fields.get("context")),
        given_context=given.context,
        description=_description(reader, fields),
        targets=read_targets(reader, fields["targets"], account) if "targets" in fields else [],
        strategies=read_strategies(reader, fields["strategies"]) if "strategies" in fields else {},
        manifests=read_manifest_sources(reader, fields["manifests"]) if "manifests" in fields else [],
        analysis=read_analysis(reader, fields["analysis"]) if "analysis" in fields else None,
        webhooks=read_webhooks(reader, fields["webhooks"]) if "webhooks" in fields else {},
        traffic=read_traffic(reader, fields["trafficManagement"]) if "trafficManagement" in fields else [],
        secrets=check_texts(reader, place),
    )
    if "deploymentConfig" in fields:
        draft.config = read_config(reader, fields["deploymentConfig"])
    judge(reader, draft)
    check_variables(reader, draft)
    return draft


def _is_kubernetes(reader: Reader, place: Place, root: nodes.Mapping) -> bool:
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
        is_manifest = "apiVersion" in root.entries
        advice = _MANIFEST_ADVICE if is_manifest else reader.hint(kind, [_KUBERNETES])
        reader.fault(Code.UNSUPPORTED_KIND, here, f'there is no kind "{kind}"', advice)
    return False


def _check_version(reader: Reader, fields: Mapping[str, Place]) -> None:
    place = fields.get("version")
    if place is not None and not (isinstance(place.node, Scalar) and place.node.text == _VERSION):
        reader.warn(Code.UNKNOWN_VERSION, place, f"the only version is {_VERSION}; it is read as that")


def _application(reader: Reader, place: Place, fields: Mapping[str, Place], override: str | None) -> str | None:
    written = fields.get("application")
    text = reader.text(written, "`application`") if written is not None else None
    if override is not None:
        return reader.name(override.strip(), place, "the name of the application")
    if written is None:
        reader.missing(place, "application", "a deploy file", "or give the name when you start it")
    if written is None or text is None:
        return None
    return reader.name(text, written, "the name of the application")


def _description(reader: Reader, fields: Mapping[str, Place]) -> str:
    place = fields.get("description")
    if place is None or (isinstance(place.node, Scalar) and not place.node.text.strip()):
        return ""
    return reader.text(place, "`description`") or ""
