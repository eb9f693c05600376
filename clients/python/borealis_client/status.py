"""From what the network and gRPC raise to our errors: status and reason become a class, causes become advice."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import h2.exceptions
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # comes without types
from grpclib.const import Status
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from borealis_client import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from borealis_client.settings import ServerAddress

ERROR_DOMAIN: Final = "borealis"

CLASS_BY_REASON: Final[Mapping[str, type[errors.BorealisError]]] = {
    leaf.reason: leaf
    for leaf in (
        errors.AgentNotFoundError,
        errors.AgentUnavailableError,
        errors.AlreadyDecidedError,
        errors.CallbackContradictsError,
        errors.CallbackTooLateError,
        errors.ClusterBusyError,
        errors.ClusterRefusedError,
        errors.ConfigInvalidError,
        errors.CredentialExistsError,
        errors.CredentialNotFoundError,
        errors.CredentialRefusedError,
        errors.DeployFileInvalidError,
        errors.DeploymentEndedError,
        errors.DeploymentInProgressError,
        errors.DeploymentNotFoundError,
        errors.IntegrationExistsError,
        errors.IntegrationNotFoundError,
        errors.InternalError,
        errors.InvalidArgumentError,
        errors.KeyRefusedError,
        errors.NotAwaitingApprovalError,
        errors.NotPausedError,
        errors.ObjectOwnedByError,
        errors.OwnAdministrationError,
        errors.PageTokenInvalidError,
        errors.PermissionDeniedError,
        errors.PreviewEndedError,
        errors.PreviewNotFoundError,
        errors.RateLimitError,
        errors.RelayRefusedError,
        errors.RequestIdReusedError,
        errors.RoleRequiredError,
        errors.OrganizationNotFoundError,
        errors.TenantNotFoundError,
        errors.TenantExistsError,
        errors.TenantInUseError,
        errors.TenantDeniedError,
        errors.UserNotFoundError,
        errors.UserExistsError,
        errors.InvitationNotFoundError,
        errors.InvitationExistsError,
        errors.InvitationExpiredError,
        errors.RoleNotFoundError,
        errors.RoleExistsError,
        errors.SystemRoleFixedError,
        errors.TargetGroupNotFoundError,
        errors.TargetGroupExistsError,
        errors.EscalationRefusedError,
        errors.LastAdministratorError,
        errors.PreviewNotFoundError,
        errors.PreviewEndedError,
        errors.SecretNotFoundError,
        errors.SecretUnreadableError,
        errors.ServerStoppingError,
        errors.StaleError,
        errors.TargetNotFoundError,
        errors.TokenRefusedError,
        errors.TooLateError,
        errors.WebhookStepNotFoundError,
    )
}
"""A class for each reason; total, which a test proves against the proto."""

KIND_BY_STATUS: Final[Mapping[Status, type[errors.BorealisError]]] = {
    Status.INVALID_ARGUMENT: errors.InvalidError,
    Status.OUT_OF_RANGE: errors.InvalidError,
    Status.NOT_FOUND: errors.NotFoundError,
    Status.ALREADY_EXISTS: errors.AlreadyExistsError,
    Status.FAILED_PRECONDITION: errors.RefusedError,
    Status.ABORTED: errors.ConflictError,
    Status.RESOURCE_EXHAUSTED: errors.ExhaustedError,
    Status.UNAVAILABLE: errors.UnavailableError,
    Status.DEADLINE_EXCEEDED: errors.DeadlineExceededError,
    Status.CANCELLED: errors.UnavailableError,
    Status.UNAUTHENTICATED: errors.UnauthenticatedError,
    Status.PERMISSION_DENIED: errors.DeniedError,
}
"""The class when the reason is absent or newer than this client; `ServerError` for every other status."""


@dataclass(frozen=True, slots=True)
class _Details:
    reason: str = ""
    metadata: Mapping[str, str] | None = None
    violations: tuple[errors.Violation, ...] = ()
    request_id: str = ""


def from_grpc(error: GRPCError, server: ServerAddress) -> errors.BorealisError:
    """The error that the server meant."""
    details = _read(error.details or ())
    kind = CLASS_BY_REASON.get(details.reason) or KIND_BY_STATUS.get(error.status, errors.ServerError)
    return kind(
        error.message or _silent(error.status, server),
        metadata=details.metadata,
        violations=details.violations,
        request_id=details.request_id,
        sent_reason=details.reason,
    )


@contextmanager
def translated(server: ServerAddress) -> Iterator[None]:
    """Raises ours for whatever a call raises; the texts name the server and say what to do."""
    try:
        yield
    except GRPCError as error:
        raise from_grpc(error, server) from error
    except TimeoutError as error:
        raise errors.DeadlineExceededError(
            f"{server} did not answer in time. Whether it acted is not known: look before you repeat it."
        ) from error
    except OSError as error:  # ssl.SSLError among them
        raise _from_os(error, server) from error
    except (StreamTerminatedError, ProtocolError, h2.exceptions.H2Error) as error:
        raise errors.ServerUnreachableError(f"the connection to {server} was lost: {error}") from error


def _from_os(error: OSError, server: ServerAddress) -> errors.ServerUnreachableError:
    match error:
        case ssl.SSLCertVerificationError():
            return errors.CertificateError(
                f"the certificate of {server} is not trusted: {error.verify_message}. "
                "Name its authority's file (--ca-file, BOREALIS_CA_FILE), or the host as the certificate does."
            )
        case ssl.SSLError():
            return errors.CertificateError(
                f"{server} does not speak TLS 1.2 or newer ({error.reason}). "
                "Check that this is the server's gRPC address."
            )
        case socket.gaierror():
            return errors.ServerUnreachableError(f"no host is known as {server.host}. Check the server's name.")
        case ConnectionRefusedError():
            return errors.ServerUnreachableError(
                f"nothing listens at {server}. Start it with `borealis server`, or name another one "
                "(--server, BOREALIS_SERVER)."
            )
        case _:
            return errors.ServerUnreachableError(f"cannot reach {server}: {error.strerror or error}.")


def _silent(status: Status, server: ServerAddress) -> str:
    """A text for an answer that brings none."""
    if status is Status.UNIMPLEMENTED:
        return f"{server} does not offer this call. Check that it is the gRPC address and as new as this client."
    return f"{server} answered {status.name} without saying why."


def _read(details: Iterable[object]) -> _Details:
    reason, request_id = "", ""
    metadata: Mapping[str, str] = {}
    violations: list[errors.Violation] = []
    for detail in details:
        match detail:
            case error_details_pb2.ErrorInfo() if detail.domain == ERROR_DOMAIN:
                reason, metadata = detail.reason, dict(detail.metadata)
            case error_details_pb2.BadRequest():
                violations += [
                    errors.Violation(field=one.field, description=one.description, reason=one.reason)
                    for one in detail.field_violations
                ]
            case error_details_pb2.RequestInfo():
                request_id = detail.request_id
    return _Details(reason, metadata, tuple(violations), request_id)
