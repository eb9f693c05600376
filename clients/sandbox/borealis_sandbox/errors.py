"""Refusals as the API server words them: HTTP code, stable reason, message and details, all in one `Status` object."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from borealis_sandbox.kinds import Kind
    from borealis_sandbox.objects import Object


class ApiError(Exception):
    """A request that this server refuses."""

    def __init__(self, code: HTTPStatus, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def to_status(self) -> Object:
        """The `Status` object that goes over the wire."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": int(self.code),
        }
        if self.details:
            status["details"] = self.details
        return status


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One fault of an object."""

    field: str
    """Path of the faulty field, for example `spec.replicas`."""
    message: str
    """What is wrong with it, for people."""
    reason: str = "FieldValueInvalid"
    """What is wrong with it, for programs."""


def not_found(kind: Kind, name: str) -> ApiError:
    """There is no such object."""
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", f'{kind.resource} "{name}" not found', _about(kind, name))


def unknown_address() -> ApiError:
    """There is no such kind of object, or nothing at this address at all."""
    return ApiError(HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource")


def already_exists(kind: Kind, name: str) -> ApiError:
    """The name is taken."""
    message = f'{kind.resource} "{name}" already exists'
    return ApiError(HTTPStatus.CONFLICT, "AlreadyExists", message, _about(kind, name))


def stale(kind: Kind, name: str, why: str | None = None) -> ApiError:
    """The caller acted on an older version of the object, or on another object of the same name."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return ApiError(HTTPStatus.CONFLICT, "Conflict", message, _about(kind, name))


def apply_conflict(conflicts: Sequence[tuple[str, str]]) -> ApiError:
    """Fields that others own, as pairs of a phrase that names the other manager, and the field."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field}
        for manager, field in conflicts
    ]
    listed = "; ".join(f"conflict with {manager}: {field}" for manager, field in conflicts)
    count = f"{len(conflicts)} conflict{'s' if len(conflicts) > 1 else ''}"
    return ApiError(HTTPStatus.CONFLICT, "Conflict", f"Apply failed with {count}: {listed}", {"causes": causes})


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> ApiError:
    """The object breaks rules of its kind; names every one."""
    faults = [f"{cause.field}: {cause.message}" for cause in causes]
    text = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
    details: Object = {"name": name, "kind": kind.kind}
    if kind.group:
        details["group"] = kind.group
    details["causes"] = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    message = f'{kind.qualified} "{name}" is invalid: {text}'
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message, details)


def forbidden(kind: Kind, name: str, why: str) -> ApiError:
    """A rule of the namespace forbids it."""
    message = f'{kind.resource} "{name}" is forbidden: {why}'
    return ApiError(HTTPStatus.FORBIDDEN, "Forbidden", message, _about(kind, name))


def bad_request(message: str) -> ApiError:
    """The request itself makes no sense."""
    return ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def rejected(why: str) -> ApiError:
    """A patch that can be read, but not be carried out."""
    message = f"the server rejected our request due to an error in our request: {why}"
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", message)


def unauthorized() -> ApiError:
    """The token is missing or wrong."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def expired(message: str) -> ApiError:
    """The version asked for is no longer known; the caller has to list again."""
    return ApiError(HTTPStatus.GONE, "Expired", message)


def method_not_allowed() -> ApiError:
    """The address exists, but not for this method."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message)


def unsupported_media_type(offered: str, accepted: Sequence[str]) -> ApiError:
    """The body is of a type this server does not read."""
    message = f"the body of the request was in an unknown format ({offered}) - accepted media types include: "
    return ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message + ", ".join(accepted))


def _about(kind: Kind, name: str) -> Object:
    details: Object = {"name": name, "kind": kind.plural}
    if kind.group:
        details["group"] = kind.group
    return details
