"""Selectors of Services, and the label in them by which a Service leads to one version alone."""

from collections.abc import Mapping
from typing import Final

from borealis_server.domain.deployment import Selector
from borealis_server.domain.kubernetes.json_types import Document, dig
from borealis_server.domain.kubernetes.marks import HASH_LABEL

NATIVE_HASH_LABEL: Final = "pod-template-hash"
"""What Kubernetes itself writes on the pods of a Deployment's ReplicaSet."""
_VERSION_LABELS: Final = (HASH_LABEL, NATIVE_HASH_LABEL)


def selector_of(service: Document) -> Selector:
    """What a Service selects by; empty where it selects nothing."""
    return ordered(dig(service, "spec", "selector") or {})


def ordered(labels: Mapping[str, str]) -> Selector:
    """Labels as a selector."""
    return tuple(sorted((str(name), str(value)) for name, value in labels.items()))


def without_version(selector: Selector) -> Selector:
    """What a person wrote of a selector."""
    return tuple((name, value) for name, value in selector if name not in _VERSION_LABELS)


def version_of(selector: Selector) -> Selector:
    """What ties a selector to one version; empty where it leads to all."""
    return tuple((name, value) for name, value in selector if name in _VERSION_LABELS)


def with_version(selector: Selector, version: Selector) -> Selector:
    """The selector, leading to `version` alone."""
    return tuple(sorted((*without_version(selector), *version)))


def version_in(labels: Mapping[str, str]) -> Selector:
    """The label of pods that tells their version from others: ours, else the one of Kubernetes, else none."""
    return next((((name, labels[name]),) for name in _VERSION_LABELS if labels.get(name)), ())


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether a Service with this selector leads to pods with these labels. An empty selector leads to none."""
    return bool(selector) and all(labels.get(name) == value for name, value in selector)
