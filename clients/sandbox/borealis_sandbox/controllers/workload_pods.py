"""Pods that are made from a template and carry the mark of its revision, as StatefulSets and DaemonSets make them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from borealis_sandbox import kinds
from borealis_sandbox.api import Write
from borealis_sandbox.controllers.rolling import template_hash
from borealis_sandbox.deletion import Deletion
from borealis_sandbox.errors import ApiError
from borealis_sandbox.objects import controller_reference, is_controlled_by, labels_of, name_of, namespace_of

if TYPE_CHECKING:
    from borealis_sandbox.api import Api
    from borealis_sandbox.events import EventRecorder
    from borealis_sandbox.objects import Object

REVISION_LABEL = "controller-revision-hash"
MANAGER = "sandbox-controllers"


def revision_of(owner: Object) -> str:
    """The mark of the owner's template."""
    return f"{name_of(owner)}-{template_hash(owner['spec']['template'], 0)}"


def is_current(pod: Object, owner: Object) -> bool:
    """Whether the pod was made from the owner's template as it is now."""
    return labels_of(pod).get(REVISION_LABEL) == revision_of(owner)


def pods_of(api: Api, owner: Object) -> list[Object]:
    """The owner's pods, those that are about to go as well."""
    return [pod for pod in api.storage.find(kinds.POD, namespace_of(owner)) if is_controlled_by(pod, owner)]


def create_pod(api: Api, events: EventRecorder, owner: Object, name: str) -> bool:
    """Create one pod; False where it was refused, which an event then tells."""
    template = copy.deepcopy(owner["spec"]["template"])
    labels = {**(template["metadata"].get("labels") or {}), REVISION_LABEL: revision_of(owner)}
    metadata = {
        "name": name,
        "labels": labels,
        "annotations": template["metadata"].get("annotations") or {},
        "ownerReferences": [controller_reference(owner)],
    }
    try:
        api.create(
            kinds.POD, namespace_of(owner), {"metadata": metadata, "spec": template["spec"]}, Write(manager=MANAGER)
        )
    except ApiError as error:
        message = f"create Pod {name} in {owner['kind']} {name_of(owner)} failed error: {error.message}"
        events.record(owner, "FailedCreate", message, is_warning=True)
        return False
    events.record(owner, "SuccessfulCreate", f"create Pod {name} in {owner['kind']} {name_of(owner)} successful")
    return True


def delete_pod(api: Api, pod: Object) -> None:
    """Ask the pod to go."""
    api.delete(kinds.POD, namespace_of(pod), name_of(pod), Deletion())
