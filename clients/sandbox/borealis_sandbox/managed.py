"""Who owns which fields of an object: reads and writes `metadata.managedFields`. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from borealis_sandbox.fieldsets import FieldSet, changed_fields, from_fields_v1, to_fields_v1
from borealis_sandbox.objects import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_sandbox.objects import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Who writes, and how; the same name is two managers if it both applies and updates."""

    name: str
    """From the request's `fieldManager`, else from its user agent."""
    operation: str = "Update"
    """`Apply` or `Update`."""
    api_version: str
    """Version in which the fields are named."""
    subresource: str = ""
    """`status` or `scale`, if the write went there."""

    def __str__(self) -> str:
        used = "" if self.operation == "Apply" else f" using {self.api_version}"
        return f'"{self.name}"{used}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What one manager owns, and since when."""

    fields: FieldSet
    """Paths of the fields."""
    time: str
    """Last time the manager's set or values changed."""


def read_owners(found: Object) -> dict[Manager, Owned]:
    """The managers of `found` with what they own."""
    owners = {}
    for entry in found["metadata"].get("managedFields") or ():
        manager = Manager(
            name=entry["manager"],
            operation=entry["operation"],
            api_version=entry["apiVersion"],
            subresource=entry.get("subresource", ""),
        )
        owners[manager] = Owned(fields=from_fields_v1(entry["fieldsV1"]), time=entry["time"])
    return owners


def write_owners(found: Object, owners: Mapping[Manager, Owned]) -> None:
    """Put `owners` into `found`, which is changed; a manager that owns nothing is left out."""
    entries = [_entry(manager, owned) for manager, owned in owners.items() if owned.fields]
    if entries:
        found["metadata"]["managedFields"] = entries
    else:
        found["metadata"].pop("managedFields", None)


def record_update(old: Object, new: Object, manager: Manager) -> None:
    """Note in `new`, beside the owners that it names, that `manager` owns what differs from `old`; others lose it."""
    written, removed = changed_fields(old, new)
    owners = read_owners(new)
    if written or removed:
        owners = dispossess(owners, written | removed, spared=manager)
        mine = owners.get(manager, Owned(fields=frozenset(), time=timestamp()))
        owners[manager] = Owned(fields=(mine.fields - removed) | written, time=timestamp())
    write_owners(new, owners)


def dispossess(owners: Mapping[Manager, Owned], fields: FieldSet, *, spared: Manager) -> dict[Manager, Owned]:
    """`owners` after everybody but `spared` has lost `fields`."""
    return {
        manager: owned if manager == spared else replace(owned, fields=owned.fields - fields)
        for manager, owned in owners.items()
    }


def _entry(manager: Manager, owned: Owned) -> Object:
    entry: Object = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        "time": owned.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(owned.fields),
    }
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry
