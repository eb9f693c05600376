"""What can go wrong with a call, as classes: one for each reason the server names, above them one for each gRPC status.

Catch the leaf you can handle, a kind to treat a family alike, or `BorealisError` for all. Texts are for people and may
change; `reason` and `metadata` are for programs and do not. It does not read gRPC errors (`status`).
"""

# Long on purpose: one small class for each reason of the contract, as the server has them.
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing wrong with a request."""

    field: str
    """Where: a field path, or `file:line:column` of a deploy file or manifest."""
    description: str
    """What is wrong, and what to do about it."""
    reason: str = ""
    """Stable code of the fault, for example `UNKNOWN_STRATEGY`; empty when it has none."""


class BorealisError(Exception):
    """An outcome that we expect and can name."""

    reason: ClassVar[str] = ""
    """The server's stable word for it; empty for errors that arise in the client."""

    def __init__(
        self,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: tuple[Violation, ...] = (),
        request_id: str = "",
        sent_reason: str = "",
    ) -> None:
        super().__init__(message)
        self.message: Final = message
        """One or two sentences for people: what, why, and what to do."""
        self.metadata: Final[Mapping[str, str]] = dict(metadata or {})
        """Every fact of the message, for programs."""
        self.violations: Final = violations
        """Everything wrong with the request; empty unless the request was invalid."""
        self.request_id: Final = request_id
        """Number to report with a bug; empty when the server gave none."""
        self.sent_reason: Final = sent_reason or self.reason
        """The reason as the server sent it, also when this client is too old to know it."""


# Kinds: one for each status.


class InvalidError(BorealisError):
    """The request is wrong: correct it before sending it again."""


class NotFoundError(BorealisError):
    """What the request names does not exist."""


class AlreadyExistsError(BorealisError):
    """What the request would create exists."""


class RefusedError(BorealisError):
    """Not in this state: change the state first."""


class ConflictError(BorealisError):
    """Somebody else changed it in the meantime: read it again and repeat the whole change."""


class ExhaustedError(BorealisError):
    """A limit was reached: wait."""


class UnavailableError(BorealisError):
    """Not possible just now: repeat with backoff."""


class UnauthenticatedError(BorealisError):
    """The server does not know who is calling."""


class DeniedError(BorealisError):
    """The server knows who is calling, and refuses."""


class ServerError(BorealisError):
    """A bug in the server, or an answer that this client does not understand."""


# Leaves: one for each reason of borealis.errors.v1.Reason.


class InternalError(ServerError):
    """A bug in the server; `request_id` finds it in the server's log."""

    reason = "INTERNAL"


class InvalidArgumentError(InvalidError):
    """A field of the request is wrong; `violations` name each."""

    reason = "INVALID_ARGUMENT"


class DeployFileInvalidError(InvalidError):
    """The deploy file or a manifest has faults; `violations` name each with its place."""

    reason = "DEPLOY_FILE_INVALID"


class ConfigInvalidError(InvalidError):
    """The configuration file has faults; `violations` name each with its place. Nothing was changed."""

    reason = "CONFIG_INVALID"


class PageTokenInvalidError(InvalidError):
    """A page token that the server did not issue for this query."""

    reason = "PAGE_TOKEN_INVALID"


class RequestIdReusedError(InvalidError):
    """The request id was used before for another request."""

    reason = "REQUEST_ID_REUSED"


class DeploymentNotFoundError(NotFoundError):
    """No deployment of that name."""

    reason = "DEPLOYMENT_NOT_FOUND"


class TargetNotFoundError(NotFoundError):
    """The deployment has no target of that name."""

    reason = "TARGET_NOT_FOUND"


class AgentNotFoundError(NotFoundError):
    """No agent of that name."""

    reason = "AGENT_NOT_FOUND"


class CredentialNotFoundError(NotFoundError):
    """No client credential of that name."""

    reason = "CREDENTIAL_NOT_FOUND"


class PreviewNotFoundError(NotFoundError):
    """The tenant has no preview of that name; those that ended are forgotten after a week."""

    reason = "PREVIEW_NOT_FOUND"


class SecretNotFoundError(NotFoundError):
    """The tenant has no secret of that name; metadata `secrets` names all that are missing."""

    reason = "SECRET_NOT_FOUND"


class IntegrationNotFoundError(NotFoundError):
    """No integration of that name."""

    reason = "INTEGRATION_NOT_FOUND"


class WebhookStepNotFoundError(NotFoundError):
    """No step of that name waits, or has waited, for a callback."""

    reason = "WEBHOOK_STEP_NOT_FOUND"


class CallbackContradictsError(AlreadyExistsError):
    """Another callback has reported something else before; the first one is final."""

    reason = "CALLBACK_CONTRADICTS"


class CallbackTooLateError(RefusedError):
    """The step does not wait for its callback any more: its limit has passed, or the run was ended."""

    reason = "CALLBACK_TOO_LATE"


class DeploymentInProgressError(AlreadyExistsError):
    """The application has a deployment in progress; metadata `deployment` names it."""

    reason = "DEPLOYMENT_IN_PROGRESS"


class CredentialExistsError(AlreadyExistsError):
    """A client credential of that name exists."""

    reason = "CREDENTIAL_EXISTS"


class IntegrationExistsError(AlreadyExistsError):
    """An integration of that name exists."""

    reason = "INTEGRATION_EXISTS"


class DeploymentEndedError(RefusedError):
    """The deployment has ended and takes no more decisions."""

    reason = "DEPLOYMENT_ENDED"


class PreviewEndedError(RefusedError):
    """The preview leads nowhere any more: it has expired, or was revoked."""

    reason = "PREVIEW_ENDED"


class NotAwaitingApprovalError(RefusedError):
    """Nothing waits for an approval where one was given."""

    reason = "NOT_AWAITING_APPROVAL"


class SecretUnreadableError(RefusedError):
    """The key that encrypted a secret is missing, or its record was changed from outside."""

    reason = "SECRET_UNREADABLE"


class KeyRefusedError(RefusedError):
    """There is no newer key that could encrypt secrets; metadata `detail` says why."""

    reason = "KEY_REFUSED"


class OwnAdministrationError(RefusedError):
    """The change would take from the caller what they administrate by. Nothing was changed."""

    reason = "OWN_ADMINISTRATION"


class TooLateError(RefusedError):
    """There is no way back: the new version serves alone. Redeploy an earlier deployment instead."""

    reason = "TOO_LATE"


class NotPausedError(RefusedError):
    """No timed pause is under way where one was to be skipped."""

    reason = "NOT_PAUSED"


class AlreadyDecidedError(RefusedError):
    """Somebody decided first; metadata `decided_by` and `decision` say who and what."""

    reason = "ALREADY_DECIDED"


class ClusterRefusedError(RefusedError):
    """The cluster refused a change; metadata carries its own reason."""

    reason = "CLUSTER_REFUSED"


class ObjectOwnedByError(RefusedError):
    """An object in the cluster belongs to another application; metadata `owner` names it."""

    reason = "OBJECT_OWNED_BY"


class RelayRefusedError(RefusedError):
    """The agent refused to relay the call, or could not reach its target."""

    reason = "RELAY_REFUSED"


class StaleError(ConflictError):
    """The resource changed since it was read: read it again and repeat the whole change."""

    reason = "STALE"


class RateLimitError(ExhaustedError):
    """A limit was reached: wait and repeat."""

    reason = "EXHAUSTED"


class AgentUnavailableError(UnavailableError):
    """The agent is not connected, or its tunnel was lost."""

    reason = "AGENT_UNAVAILABLE"


class ClusterBusyError(UnavailableError):
    """The cluster could not answer just now."""

    reason = "CLUSTER_BUSY"


class ServerStoppingError(UnavailableError):
    """The server is stopping, or cannot reach its store."""

    reason = "UNAVAILABLE"


class TokenRefusedError(UnauthenticatedError):
    """No token, or one that is malformed, forged, expired or revoked."""

    reason = "UNAUTHENTICATED"


class CredentialRefusedError(UnauthenticatedError):
    """Client id or secret is wrong, or was revoked."""

    reason = "CREDENTIAL_REFUSED"


class PermissionDeniedError(DeniedError):
    """The caller lacks a permission; metadata `permission` names it."""

    reason = "PERMISSION_DENIED"


class RoleRequiredError(DeniedError):
    """The approval takes a role that the caller lacks; metadata `roles` names those that would do."""

    reason = "ROLE_REQUIRED"


class OrganizationNotFoundError(NotFoundError):
    """No organization of that id."""

    reason = "ORGANIZATION_NOT_FOUND"


class TenantNotFoundError(NotFoundError):
    """No tenant of that name, or not for this caller."""

    reason = "TENANT_NOT_FOUND"


class TenantExistsError(AlreadyExistsError):
    """A tenant of that name exists."""

    reason = "TENANT_EXISTS"


class TenantInUseError(RefusedError):
    """The tenant cannot be deleted; metadata `detail` says why."""

    reason = "TENANT_IN_USE"


class TenantDeniedError(DeniedError):
    """The caller has no role in the tenant that was named, or there is none of that name."""

    reason = "TENANT_DENIED"


class UserNotFoundError(NotFoundError):
    """No user of that name."""

    reason = "USER_NOT_FOUND"


class UserExistsError(AlreadyExistsError):
    """Somebody with that e-mail address is a user already, maybe of another organization."""

    reason = "USER_EXISTS"


class InvitationNotFoundError(NotFoundError):
    """No invitation of that name, or it was accepted or revoked."""

    reason = "INVITATION_NOT_FOUND"


class InvitationExistsError(AlreadyExistsError):
    """Somebody with that e-mail address was invited already."""

    reason = "INVITATION_EXISTS"


class InvitationExpiredError(RefusedError):
    """The invitation came to its end."""

    reason = "INVITATION_EXPIRED"


class RoleNotFoundError(NotFoundError):
    """No role of that name."""

    reason = "ROLE_NOT_FOUND"


class RoleExistsError(AlreadyExistsError):
    """A role of that name exists."""

    reason = "ROLE_EXISTS"


class SystemRoleFixedError(RefusedError):
    """The role is one of the system, which nobody can change."""

    reason = "SYSTEM_ROLE_FIXED"


class TargetGroupNotFoundError(NotFoundError):
    """No target group of that name."""

    reason = "TARGET_GROUP_NOT_FOUND"


class TargetGroupExistsError(AlreadyExistsError):
    """A target group of that name exists."""

    reason = "TARGET_GROUP_EXISTS"


class EscalationRefusedError(DeniedError):
    """A role has more than the caller holds, who can neither give nor take it; metadata `grants` names that."""

    reason = "ESCALATION_REFUSED"


class LastAdministratorError(RefusedError):
    """Without this one, nobody could administrate the organization."""

    reason = "LAST_ADMINISTRATOR"


# Errors that arise in the client.


class SettingsError(BorealisError):
    """The client is told contradictory or impossible things about where and as whom to connect."""


class NotLoggedInError(UnauthenticatedError):
    """No server or no credential is configured."""


class LoginFailedError(UnauthenticatedError):
    """Logging in came to nothing; `error` is the issuer's word for why, where it gave one."""

    def __init__(self, message: str, *, error: str = "") -> None:
        super().__init__(message, metadata={"error": error} if error else None)
        self.error: Final = error
        """An error code of OAuth, for example `access_denied`; empty when there is none."""


class ServerUnreachableError(UnavailableError):
    """No connection to the server; the text names it and the cause."""


class CertificateError(ServerUnreachableError):
    """The server's certificate is not trusted, or what answers does not speak TLS."""


class DeadlineExceededError(UnavailableError):
    """The server did not answer within the limit. Whether it acted is not known."""
