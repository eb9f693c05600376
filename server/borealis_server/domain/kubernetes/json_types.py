"""The type of a Kubernetes object that has not been modelled, and safe ways to look into it."""

from collections.abc import Mapping
from typing import Any

# Any: JSON of Kubernetes objects has no type of ours, by design (cost of typed models, and fields of later releases).
Document = Mapping[str, Any]


def dig(document: Document, *path: str) -> Any:  # Any: as Document
    """The value at `path`, or None where any part is missing or no mapping."""
    value: Any = document  # Any: as Document
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def meta(document: Document, field: str) -> str:
    """A text field of the metadata, empty where it is missing."""
    return str(dig(document, "metadata", field) or "")


def annotation(document: Document, name: str) -> str:
    """An annotation, empty where it is missing."""
    return str((dig(document, "metadata", "annotations") or {}).get(name) or "")


def label(document: Document, name: str) -> str:
    """A label, empty where it is missing."""
    return str((dig(document, "metadata", "labels") or {}).get(name) or "")
