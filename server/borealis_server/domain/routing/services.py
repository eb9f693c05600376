"""Services of a route: made for the time of a run, or tied to one version for that time."""

import copy
import json
from typing import Any

from borealis_server.domain.effects import Refused
from borealis_server.domain.kubernetes.json_types import Document, dig, label, meta
from borealis_server.domain.kubernetes.marks import HELPER_LABEL
from borealis_server.domain.kubernetes.service_selectors import selector_of, version_of, with_version, without_version
from borealis_server.domain.routes import Labels, RoutePart
from borealis_server.domain.routing.provider import AsBefore, Found, KnownObjects, Misfit, Shape, Wish, missing, refused

_PORT_FIELDS = ("name", "port", "protocol", "targetPort", "appProtocol")


def made_beside(root: Found, name: str, known: KnownObjects) -> RoutePart | Refused:
    """A Service like `root` that the run makes; refused where somebody else has one of that name."""
    namespace = meta(root.document, "namespace")
    taken = known.named("Service", namespace, name)
    if taken and not is_helper(taken.document):
        return refused(f"Service {name} exists already, and is none of ours: name it in the deploy file, or rename it")
    spec: dict[str, Any] = {  # Any: JSON
        "ports": [
            {field: port[field] for field in _PORT_FIELDS if field in port}
            for port in dig(root.document, "spec", "ports") or []
        ],
        "selector": dict(without_version(selector_of(root.document))),
    }
    if dig(root.document, "spec", "clusterIP") == "None":
        spec["clusterIP"] = "None"
    document = helper("v1", "Service", name, namespace, spec)
    return RoutePart(api_version="v1", kind="Service", name=name, template=json.dumps(document))


def canary_part(root: Found, name: str, known: KnownObjects) -> RoutePart | Refused:
    """The Service of the new version: the one that the deploy file names, or one that is made."""
    namespace, root_name = meta(root.document, "namespace"), meta(root.document, "name")
    if not name:
        return made_beside(root, f"{root_name}-canary", known)
    found = known.named("Service", namespace, name)
    return found.part() if found else missing("Service", name, [namespace])


def helper(api_version: str, kind: str, name: str, namespace: str, spec: Document) -> dict[str, Any]:  # Any: JSON
    """An object that a run makes for its routes alone."""
    metadata = {"name": name, "namespace": namespace, "labels": {HELPER_LABEL: "true"}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def is_helper(document: Document) -> bool:
    """Whether a run made the object."""
    return label(document, HELPER_LABEL) == "true"


def shaped_service(part: RoutePart, live: Document | None, version: Labels, wish: Wish) -> Shape:
    """The Service leading to `version` alone, or as it was before."""
    if part.template:
        return _made(part, live, version, wish)
    if live is None:
        return Misfit(message=f"{part} is gone: somebody else deleted it; create it again")
    before, now = selector_of(json.loads(part.before)), selector_of(live)
    if without_version(before) != without_version(now):
        found = " ".join(f"{name}={value}" for name, value in now) or "nothing"
        return Misfit(
            message=f"{part} now selects {found}: somebody else changed it during the run; give it its selector again"
        )
    if isinstance(wish, AsBefore):
        # A version that goes must not be led to again.
        wanted = before if version_of(before) in ((), wish.stays) else without_version(before)
    else:
        wanted = with_version(before, version)
    return _selecting(live, wanted)


def _made(part: RoutePart, live: Document | None, version: Labels, wish: Wish) -> Shape:
    if live is not None and not is_helper(live):
        return Misfit(message=f"somebody else made a {part} during the run: rename one of the two")
    if isinstance(wish, AsBefore):
        return None
    template = json.loads(part.template)
    # Ports have defaults that only the server knows: what is there keeps them.
    return _selecting(live or template, with_version(selector_of(template), version))


def _selecting(document: Document, selector: Labels) -> dict[str, Any]:  # Any: JSON
    shaped = copy.deepcopy(dict(document))
    if selector_of(shaped) != selector:
        shaped["spec"]["selector"] = dict(selector)
    return shaped
