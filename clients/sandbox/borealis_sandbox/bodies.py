"""Reads the bodies of requests: objects, and the five kinds of patch, by their content type. Pure."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from borealis_sandbox.errors import bad_request, unsupported_media_type
from borealis_sandbox.patches import json_patch, merge_patch
from borealis_sandbox.strategic import strategic_merge

if TYPE_CHECKING:
    from collections.abc import Callable

    from borealis_sandbox.objects import Object

_OBJECT_TYPES = ("application/json", "application/yaml")
APPLY_PATCH = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
_MERGE_PATCH = "application/merge-patch+json"
_STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_PATCH_TYPES = (_JSON_PATCH, _MERGE_PATCH, _STRATEGIC_PATCH, APPLY_PATCH)


def read_object(content: bytes, content_type: str) -> Object:
    """The object that a body holds."""
    if content_type not in (*_OBJECT_TYPES, "application/octet-stream", ""):
        raise unsupported_media_type(content_type, _OBJECT_TYPES)
    return _mapping(content)


def read_applied(content: bytes) -> Object:
    """The object that the body of a server-side apply holds."""
    return _mapping(content)


def read_change(content: bytes, content_type: str) -> Callable[[Object], Object]:
    """What the patch in a body does to an object.

    Errors: unsupported media type for a patch of another kind, bad request if it cannot be read.
    """
    match content_type:
        case "application/json-patch+json":
            operations = _parse(content)
            if not isinstance(operations, list):
                raise bad_request("a JSON patch is a list of operations")
            return partial(json_patch, operations=operations)
        case "application/merge-patch+json":
            return partial(_swapped, merge_patch, _mapping(content))
        case "application/strategic-merge-patch+json":
            return partial(_swapped, strategic_merge, _mapping(content))
    raise unsupported_media_type(content_type, _PATCH_TYPES)


def _swapped(merge: Callable[[Object, Object], Object], patch: Object, document: Object) -> Object:
    return merge(document, patch)


def _mapping(content: bytes) -> Object:
    found = _parse(content) if content else {}
    if not isinstance(found, dict):
        raise bad_request("the body of the request is no object")
    return found


def _parse(content: bytes) -> Any:  # Any: whatever JSON was sent
    try:
        return json.loads(content)
    except ValueError:
        pass
    try:
        # Through JSON once more: YAML knows dates, which JSON writes as text.
        return json.loads(json.dumps(yaml.safe_load(content), default=str))
    except (yaml.YAMLError, ValueError, TypeError) as fault:
        raise bad_request(f"the body of the request can be read neither as JSON nor as YAML: {fault}") from None
