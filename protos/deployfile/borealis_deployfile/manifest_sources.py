"""The `manifests` of a deploy file: paths and inline text, and the targets that receive them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from borealis_deployfile.addresses import address_problem, is_address
from borealis_deployfile.draft import ManifestDraft
from borealis_deployfile.faults import Code
from borealis_deployfile.language.targets import MANIFEST
from borealis_deployfile.model import ManifestSource
from borealis_deployfile.nodes import Mapping, Scalar
from borealis_deployfile.reader import is_blank

if TYPE_CHECKING:
    from borealis_deployfile.reader import Place, Reader, Word

_KINDS: Final = ("path", "inline")


def read_manifest_sources(reader: Reader, place: Place) -> list[ManifestDraft]:
    """The entries in the order of the file, without those that say nothing usable."""
    sequence = reader.sequence(place, "manifests", "put a dash before each entry, as in `- path: k8s/`")
    if sequence is None:
        return []
    if not sequence.items:
        reader.fault(Code.MISSING_FIELD, place, "a deploy file needs at least one manifest", "write `- path: k8s/`")
    drafts = [_entry(reader, place.at(item, index)) for index, item in enumerate(sequence.items)]
    return [draft for draft in drafts if draft is not None]


def _entry(reader: Reader, place: Place) -> ManifestDraft | None:
    if isinstance(place.node, Scalar):
        advice = f"write `- path: {place.node.text}`" if place.node.text.isprintable() else ""
        reader.fault(Code.WRONG_TYPE, place, "a manifest entry must be a map with path or inline", advice)
        return None
    fields = reader.fields(place, MANIFEST)
    if fields is None:
        return None
    kinds = [kind for kind in _KINDS if kind in fields]
    if len(kinds) != 1:
        message = "a manifest entry has exactly one of path and inline" + ("; this one has both" if kinds else "")
        advice = "write one entry for each" if kinds else "write `path: k8s/`; an address goes into `path` too"
        reader.fault(Code.INVALID_VALUE if kinds else Code.MISSING_FIELD, place, message, advice)
    targets = _targets(reader, fields)
    if len(kinds) != 1:
        return ManifestDraft(source=ManifestSource(), targets=targets or ())
    source = _source(reader, kinds[0], fields[kinds[0]], targets)
    return ManifestDraft(source=source, targets=targets or ())


def _source(reader: Reader, kind: str, place: Place, targets: tuple[Word, ...] | None) -> ManifestSource:
    names = None if targets is None else tuple(word.text for word in targets)
    origin = reader.origin(place)
    if kind == "path":
        path = reader.text(place, "`path`")
        problem = address_problem(path or "")
        if problem is not None:
            reader.fault(Code.INVALID_VALUE, place, *problem)
        if path is None or not is_address(path):
            return ManifestSource(path=path, targets=names, origin=origin)
        return ManifestSource(url=path, targets=names, origin=origin)
    if isinstance(place.node, Mapping):
        reader.fault(
            Code.WRONG_TYPE, place, "`inline` must be text, not a map", "write `inline: |` and the YAML below it"
        )
        return ManifestSource(targets=names, origin=origin)
    return ManifestSource(inline=reader.text(place, "`inline`"), targets=names, origin=origin)


def _targets(reader: Reader, fields: dict[str, Place]) -> tuple[Word, ...] | None:
    place = fields.get("targets")
    if place is None:
        return None
    words = reader.words(place, "the targets of a manifest")
    if is_blank(place.node):
        message = "an empty list of targets would deploy the manifests nowhere"
        reader.fault(Code.INVALID_VALUE, place, message, "omit it for all targets, or name some")
    return words
