"""Configurations as the text of a file, and the difference between two of them."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from borealis_client import ApplyConfigResponse, Config


def document_of(config: Config) -> dict[str, Any]:  # Any: JSON
    """The configuration as a file says it: every list, and of each thing what it has."""
    found = config.to_dict()
    return {name: found.get(name, []) for name in ("tenants", "roles", "targetGroups", "credentials")}


def yaml_of(config: Config | None) -> str:
    """The configuration as YAML."""
    if config is None:
        return ""
    document = {"allowAutoDelete": False, **document_of(config)}
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False))


def difference(applied: ApplyConfigResponse) -> Iterator[str]:
    """What changes from the configuration before to the one after, line by line; nothing when nothing does."""
    before, after = yaml_of(applied.before).splitlines(), yaml_of(applied.after).splitlines()
    return unified_diff(before, after, "before", "after", lineterm="")
