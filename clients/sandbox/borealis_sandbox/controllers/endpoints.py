"""Keeps for each Service the addresses of the pods that it selects, Ready ones apart from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from borealis_sandbox import kinds
from borealis_sandbox.api import Write
from borealis_sandbox.deletion import Deletion
from borealis_sandbox.objects import is_terminating, is_true, labels_of, name_of, namespace_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from borealis_sandbox.api import Api
    from borealis_sandbox.controllers.loop import Key
    from borealis_sandbox.objects import Object
    from borealis_sandbox.storage import Change

_MANAGER = "sandbox-controllers"


class EndpointsController:
    """Writes the `Endpoints` of Services that have a selector."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def affected(self, change: Change) -> Iterable[Key]:
        """The Service that changed, or those that select, or selected, the pod that changed."""
        if change.kind == kinds.SERVICE:
            yield namespace_of(change.found), name_of(change.found)
        elif change.kind == kinds.POD:
            for service in self._api.storage.find(kinds.SERVICE, namespace_of(change.found)):
                pods = filter(None, (change.found, change.previous))
                if any(_selects(service["spec"].get("selector"), pod) for pod in pods):
                    yield namespace_of(service), name_of(service)

    def reconcile(self, key: Key) -> float | None:
        """Write the endpoints of the Service of that key."""
        namespace, name = key
        service = self._api.storage.get(kinds.SERVICE, namespace, name)
        old = self._api.storage.get(kinds.ENDPOINTS, namespace, name)
        if service is None:
            if old is not None:
                self._api.delete(kinds.ENDPOINTS, namespace, name, Deletion())
        elif service["spec"].get("selector"):
            body = {"metadata": {"name": name}, "subsets": self._subsets(service)}
            if old is None:
                self._api.create(kinds.ENDPOINTS, namespace, body, Write(manager=_MANAGER))
            else:
                changed = {**old, "subsets": body["subsets"]}
                self._api.replace(kinds.ENDPOINTS, namespace, name, changed, Write(manager=_MANAGER))
        return None

    def _subsets(self, service: Object) -> list[Object]:
        pods = [
            pod
            for pod in self._api.storage.find(kinds.POD, namespace_of(service))
            if _selects(service["spec"]["selector"], pod)
            and not is_terminating(pod)
            and pod.get("status", {}).get("podIP")
        ]
        if not pods:
            return []
        subset: Object = {"ports": [_port(port, pods[0]) for port in service["spec"].get("ports") or ()]}
        for name, is_ready in (("addresses", True), ("notReadyAddresses", False)):
            if found := [_address(pod) for pod in pods if is_true(pod, "Ready") is is_ready]:
                subset[name] = found
        return [subset]


def _selects(selector: Mapping[str, str] | None, pod: Object) -> bool:
    return bool(selector) and (selector or {}).items() <= labels_of(pod).items()


def _address(pod: Object) -> Object:
    target = {"kind": "Pod", "name": name_of(pod), "namespace": namespace_of(pod), "uid": uid_of(pod)}
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": target}


def _port(port: Object, pod: Object) -> Object:
    number: Any = port["targetPort"]  # Any: a number, or the name of a container's port
    if isinstance(number, str):
        ports = [each for container in pod["spec"]["containers"] for each in container.get("ports") or ()]
        number = next((each["containerPort"] for each in ports if each.get("name") == number), port["port"])
    shown = {"port": number, "protocol": port["protocol"]}
    return {"name": port["name"], **shown} if "name" in port else shown
