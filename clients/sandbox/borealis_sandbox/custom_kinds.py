"""Every kind that is served: those known from the start, and those that established definitions add. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox.kinds import CUSTOM_DEFINITION, KINDS, Kind
from borealis_sandbox.objects import is_true

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Storage


def served_kinds(storage: Storage) -> tuple[Kind, ...]:
    """All kinds that can be addressed now."""
    definitions = storage.find(CUSTOM_DEFINITION)
    return (*KINDS, *(kind for each in definitions if is_true(each, "Established") for kind in defined_kinds(each)))


def find_kind(kinds: Iterable[Kind], api_version: str, kind: str) -> Kind | None:
    """The kind of that version and name."""
    return next((each for each in kinds if (each.api_version, each.kind) == (api_version, kind)), None)


def find_plural(kinds: Iterable[Kind], group: str, version: str, plural: str) -> Kind | None:
    """The kind that is addressed so."""
    return next((each for each in kinds if (each.group, each.version, each.plural) == (group, version, plural)), None)


def defined_kinds(definition: Object) -> Iterator[Kind]:
    """The kinds of a definition, one for each version that it serves. Versions do not see each other's objects."""
    spec = definition["spec"]
    for version in spec.get("versions") or ():
        if version.get("served"):
            subresources = version.get("subresources") or {}
            yield Kind(
                group=spec["group"],
                version=version["name"],
                kind=spec["names"]["kind"],
                plural=spec["names"]["plural"],
                short_names=tuple(spec["names"].get("shortNames") or ()),
                is_namespaced=spec.get("scope") == "Namespaced",
                has_status="status" in subresources,
                has_generation=True,
            )
