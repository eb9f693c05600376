"""Reads the parts of a Kubernetes object that every kind has; an object is plain JSON.

Owns no rule of any one kind.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

# Any: the JSON of an object has as many shapes as there are kinds, and this server only looks at a few of them.
Object: TypeAlias = dict[str, Any]
Owner: TypeAlias = dict[str, Any]


def name_of(found: Object) -> str:
    """The object's name."""
    return str(found["metadata"]["name"])


def namespace_of(found: Object) -> str:
    """The object's namespace, empty if it has none."""
    return str(found["metadata"].get("namespace", ""))


def uid_of(found: Object) -> str:
    """The object's uid: unlike the name, never used twice."""
    return str(found["metadata"]["uid"])


def labels_of(found: Object) -> Mapping[str, str]:
    """The object's labels, perhaps none."""
    return found["metadata"].get("labels") or {}


def annotations_of(found: Object) -> Mapping[str, str]:
    """The object's annotations, perhaps none."""
    return found["metadata"].get("annotations") or {}


def finalizers_of(found: Object) -> list[str]:
    """What must still be done before the object may go."""
    return list(found["metadata"].get("finalizers") or ())


def owners_of(found: Object) -> list[Owner]:
    """All owner references."""
    return list(found["metadata"].get("ownerReferences") or ())


def controller_of(found: Object) -> Owner | None:
    """The one owner that manages the object, if it has one."""
    return next((owner for owner in owners_of(found) if owner.get("controller")), None)


def is_controlled_by(found: Object, owner: Object) -> bool:
    """Whether `owner` is the object's managing owner."""
    controller = controller_of(found)
    return controller is not None and controller["uid"] == uid_of(owner)


def is_terminating(found: Object) -> bool:
    """Whether somebody has asked for the object to go."""
    return "deletionTimestamp" in found["metadata"]


def controller_reference(owner: Object) -> Owner:
    """The owner reference with which `owner` manages an object."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition_of(found: Object, kind: str) -> Object | None:
    """The status condition of type `kind`, if there is one."""
    conditions: list[Object] = found.get("status", {}).get("conditions") or []
    return next((condition for condition in conditions if condition["type"] == kind), None)


def is_true(found: Object, kind: str) -> bool:
    """Whether the status condition of type `kind` is there and holds."""
    condition = condition_of(found, kind)
    return condition is not None and condition["status"] == "True"


def timestamp(moment: dt.datetime | None = None) -> str:
    """`moment`, or now, as the API writes it: UTC, whole seconds."""
    return (moment or dt.datetime.now(dt.UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
