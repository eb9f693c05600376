"""How a controller takes what its selector matches, and lets go of what it no longer matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis_sandbox.api import Write
from borealis_sandbox.objects import (
    controller_of,
    controller_reference,
    is_controlled_by,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    owners_of,
    uid_of,
)
from borealis_sandbox.selectors import matches

if TYPE_CHECKING:
    from borealis_sandbox.api import Api
    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object

_MANAGER = "sandbox-controllers"


def claim(api: Api, owner: Object, kind: Kind) -> list[Object]:
    """The objects of `kind` that `owner` manages, after adopting and releasing what its selector says."""
    claimed = []
    for found in api.storage.find(kind, namespace_of(owner)):
        is_mine = is_controlled_by(found, owner)
        is_wanted = matches(owner["spec"]["selector"], labels_of(found))
        if is_mine and is_wanted:
            claimed.append(found)
        elif is_mine and not is_terminating(owner):
            _set_owners(api, kind, found, [each for each in owners_of(found) if each["uid"] != uid_of(owner)])
        elif is_wanted and controller_of(found) is None and not is_terminating(owner) and not is_terminating(found):
            claimed.append(_set_owners(api, kind, found, [*owners_of(found), controller_reference(owner)]))
    return claimed


def claimants(api: Api, found: Object, kind: Kind) -> list[tuple[str, str]]:
    """Namespace and name of the objects of `kind` that manage `found`, or could."""
    controller = controller_of(found)
    namespace = namespace_of(found)
    if controller is not None:
        return [(namespace, controller["name"])] if controller["kind"] == kind.kind else []
    return [
        (namespace, name_of(each))
        for each in api.storage.find(kind, namespace)
        if matches(each["spec"]["selector"], labels_of(found))
    ]


def drop_owner(api: Api, kind: Kind, found: Object, owner_uid: str) -> None:
    """Let `found` forget the owner with that uid."""
    _set_owners(api, kind, found, [each for each in owners_of(found) if each["uid"] != owner_uid])


def _set_owners(api: Api, kind: Kind, found: Object, owners: list[Object]) -> Object:
    metadata = {**found["metadata"], "ownerReferences": owners}
    if not owners:
        del metadata["ownerReferences"]
    changed = {**found, "metadata": metadata}
    return api.replace(kind, namespace_of(found), name_of(found), changed, Write(manager=_MANAGER))
