"""Every outcome we expect and can name: kinds (one per answer a client can act on) and leaves (one per reason).

Owns the words of errors. Knows nothing of gRPC: `transport/errors.py` turns kinds into statuses.
"""

# Long on purpose: one small class for each reason of the contract, and a reader looks for all of them in one place.
# ruff: noqa: N818 - the names are outcomes (`DeploymentNotFound`), as the style's table of kinds has them

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from borealis_server.domain.kubernetes.refusals import Cause

_DISPATCHED = {True: "true", False: "false", None: "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing wrong with a request."""

    field: str
    """Path of the field (`targets.prod.account`), or place in a file (`deploy.yaml:3:7`)."""
    description: str
    """What is wrong and what to write instead."""
    reason: str = ""
    """Stable code of the fault, for example `UNKNOWN_FIELD`; empty when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFault:
    """One thing wrong in a deploy file or a manifest."""

    file: str
    """Name of the file, as the client gave it."""
    line: int
    """Line, from 1."""
    column: int
    """Column, from 1."""
    code: str
    """Stable code of the fault, for example `UNKNOWN_STRATEGY`."""
    message: str
    """What is wrong."""
    help: str = ""
    """What to write instead; empty when the message says it."""

    def as_violation(self) -> Violation:
        """The fault with its place as the field, in the form `file:line:column`."""
        description = f"{self.message}\nhelp: {self.help}" if self.help else self.message
        return Violation(field=f"{self.file}:{self.line}:{self.column}", description=description, reason=self.code)


class BorealisError(Exception):
    """An outcome we expect and can name."""

    reason: ClassVar[str]
    """Member of `borealis.errors.v1.Reason` without its prefix. Keeps its meaning for ever."""

    def __init__(self, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: dict[str, str] = dict(metadata or {})


# Kinds: what a client can do about it.


class Invalid(BorealisError):
    """The request is wrong: correct every violation and send it again."""

    def __init__(
        self, message: str, *, violations: Iterable[Violation], metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, metadata=metadata)
        self.violations = tuple(violations)


class NotFound(BorealisError):
    """The thing does not exist, or not for this caller."""

    resource_type: ClassVar[str]
    """What kind of thing, for example `deployment`."""

    def __init__(self, message: str, *, resource_name: str, metadata: Mapping[str, str]) -> None:
        super().__init__(message, metadata=metadata)
        self.resource_name = resource_name


class AlreadyExists(BorealisError):
    """The thing exists: get it instead."""

    resource_type: ClassVar[str]
    """What kind of thing, for example `deployment`."""

    def __init__(self, message: str, *, resource_name: str, metadata: Mapping[str, str]) -> None:
        super().__init__(message, metadata=metadata)
        self.resource_name = resource_name


class Refused(BorealisError):
    """The thing is in a state that does not allow it: change that state first."""

    def __init__(self, message: str, *, subject: str, metadata: Mapping[str, str]) -> None:
        super().__init__(message, metadata=metadata)
        self.subject = subject


class Conflict(BorealisError):
    """Somebody else changed it in between: read again, repeat the whole change."""


class LimitReached(BorealisError):
    """A limit was reached: wait `retry_after_s`, then repeat."""

    def __init__(self, message: str, *, subject: str, retry_after_s: float, metadata: Mapping[str, str]) -> None:
        super().__init__(message, metadata=metadata)
        self.subject = subject
        self.retry_after_s = retry_after_s


class Unavailable(BorealisError):
    """Something that we need is away: repeat with backoff, not before `retry_after_s`."""

    def __init__(self, message: str, *, retry_after_s: float, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message, metadata=metadata)
        self.retry_after_s = retry_after_s


class NotAuthenticated(BorealisError):
    """We do not know who calls: log in."""


class Denied(BorealisError):
    """We know who calls, and they may not: ask an administrator."""


# Leaves: one per reason.


class Internal(BorealisError):
    """A bug of ours. Callers see the request id and nothing else."""

    reason = "INTERNAL"

    def __init__(self) -> None:
        super().__init__("internal error")


class InvalidArgument(Invalid):
    """Fields of the request are wrong."""

    reason = "INVALID_ARGUMENT"

    def __init__(self, violations: Iterable[Violation]) -> None:
        violations = tuple(violations)
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations), violations=violations)

    @classmethod
    def of(cls, field: str, description: str) -> InvalidArgument:
        """The error for one wrong field."""
        return cls((Violation(field=field, description=description),))


class DeployFileInvalid(Invalid):
    """The deploy file or a manifest has faults; all of them are listed."""

    reason = "DEPLOY_FILE_INVALID"

    def __init__(self, faults: Iterable[FileFault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        super().__init__(
            f"the deploy file has {count} fault{'' if count == 1 else 's'}; nothing was started: correct the file and "
            "start again",
            violations=(fault.as_violation() for fault in self.faults),
            metadata={"faults": str(count)},
        )


class ConfigInvalid(Invalid):
    """The configuration file has faults. Reports all of them; nothing was changed."""

    reason = "CONFIG_INVALID"

    def __init__(self, faults: Iterable[FileFault]) -> None:
        found = tuple(faults)
        count = f"{len(found)} fault{'' if len(found) == 1 else 's'}"
        super().__init__(
            f"the configuration has {count}; nothing was changed: correct the file",
            violations=(fault.as_violation() for fault in found),
            metadata={"faults": str(len(found))},
        )


class PageTokenInvalid(Invalid):
    """A page token that does not belong to this query."""

    reason = "PAGE_TOKEN_INVALID"

    def __init__(self) -> None:
        text = "the page token does not belong to this query: list again from the first page"
        super().__init__(text, violations=(Violation(field="page_token", description=text),))


class DeploymentNotFound(NotFound):
    """No deployment of that name."""

    reason = "DEPLOYMENT_NOT_FOUND"
    resource_type = "deployment"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"no deployment {name}: list the deployments to see their names",
            resource_name=str(name),
            metadata={"deployment": str(name)},
        )


class TargetNotFound(NotFound):
    """The deployment has no target of that name."""

    reason = "TARGET_NOT_FOUND"
    resource_type = "target"

    def __init__(self, deployment: object, target: str) -> None:
        super().__init__(
            f"deployment {deployment} has no target {target}: get the deployment to see its targets",
            resource_name=target,
            metadata={"deployment": str(deployment), "target": target},
        )


class AgentNotFound(NotFound):
    """No agent of that name."""

    reason = "AGENT_NOT_FOUND"
    resource_type = "agent"

    def __init__(self, agent: object) -> None:
        super().__init__(
            f"no agent {agent}: list the agents to see their names, or create a credential for it",
            resource_name=str(agent),
            metadata={"agent": str(agent)},
        )


class CredentialNotFound(NotFound):
    """No client credential of that name."""

    reason = "CREDENTIAL_NOT_FOUND"
    resource_type = "client credential"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"no client credential {name}: list the credentials to see their names",
            resource_name=str(name),
            metadata={"credential": str(name)},
        )


class PreviewNotFound(NotFound):
    """The tenant has no preview of that name."""

    reason = "PREVIEW_NOT_FOUND"
    resource_type = "preview"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"there is no preview {name}: see `borealis preview list`; those that ended are forgotten after a week",
            resource_name=str(name),
            metadata={"preview": str(name)},
        )


class SecretNotFound(NotFound):
    """The tenant has no secrets of these names."""

    reason = "SECRET_NOT_FOUND"
    resource_type = "secret"

    def __init__(self, tenant: str, names: Iterable[str]) -> None:
        missing = ", ".join(names)
        super().__init__(
            f"the tenant {tenant} has no secret {missing}: set it with `borealis secret set NAME`, or correct the name",
            resource_name=f"tenants/{tenant}/secrets/{missing}",
            metadata={"tenant": tenant, "secrets": missing},
        )


class IntegrationNotFound(NotFound):
    """The tenant has no integration of that name."""

    reason = "INTEGRATION_NOT_FOUND"
    resource_type = "integration"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"there is no integration {name}: `borealis integration list` shows which there are",
            resource_name=str(name),
            metadata={"integration": str(name)},
        )


class IntegrationExists(AlreadyExists):
    """The tenant has an integration of that name."""

    reason = "INTEGRATION_EXISTS"
    resource_type = "integration"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"there is an integration {name} already: change it (borealis integration update), or take another name",
            resource_name=str(name),
            metadata={"integration": str(name)},
        )


class WebhookStepNotFound(NotFound):
    """The deployment has no such step that waits for a callback."""

    reason = "WEBHOOK_STEP_NOT_FOUND"
    resource_type = "step"

    def __init__(self, target: str, step: str) -> None:
        place = f"{target}/{step}" if target else step
        super().__init__(
            f"no step {place} waits, or has waited, for a callback: send it to what {{{{armory.callbackUri}}}} gave, "
            "with /callback behind it",
            resource_name=place,
            metadata={"target": target, "step": step},
        )


class TenantNotFound(NotFound):
    """No tenant of that name, or not for this caller."""

    reason = "TENANT_NOT_FOUND"
    resource_type = "tenant"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"no tenant {name}: list the tenants to see those that you may use",
            resource_name=str(name),
            metadata={"tenant": str(name)},
        )


class UserNotFound(NotFound):
    """No user of that name, or not for this caller."""

    reason = "USER_NOT_FOUND"
    resource_type = "user"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"no user {name}: list the users to see their names, or invite somebody",
            resource_name=str(name),
            metadata={"user": str(name)},
        )


class RoleNotFound(NotFound):
    """No role of that name, or not for this caller."""

    reason = "ROLE_NOT_FOUND"
    resource_type = "role"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"no role {name}: list the roles to see their names", resource_name=str(name), metadata={"role": str(name)}
        )


class TargetGroupNotFound(NotFound):
    """No target group of that name, or not for this caller."""

    reason = "TARGET_GROUP_NOT_FOUND"
    resource_type = "target group"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"no target group {name}: list the target groups to see their names",
            resource_name=str(name),
            metadata={"target_group": str(name)},
        )


class InvitationNotFound(NotFound):
    """No invitation of that name, or not for this caller."""

    reason = "INVITATION_NOT_FOUND"
    resource_type = "invitation"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"no invitation {name}: list the invitations to see those that are open, or send a new one",
            resource_name=str(name),
            metadata={"invitation": str(name)},
        )


class OrganizationNotFound(NotFound):
    """No organization of that id; only a race or a restored backup leads there."""

    reason = "ORGANIZATION_NOT_FOUND"
    resource_type = "organization"

    def __init__(self, organization: str) -> None:
        super().__init__(
            f"no organization {organization}: log in again",
            resource_name=organization,
            metadata={"organization": organization},
        )


class DeploymentInProgress(AlreadyExists):
    """The application has a deployment that is not final."""

    reason = "DEPLOYMENT_IN_PROGRESS"
    resource_type = "deployment"

    def __init__(self, application: str, running_name: object) -> None:
        super().__init__(
            f"{application} is being deployed by {running_name}: wait until it ends, or roll it back or cancel it",
            resource_name=str(running_name),
            metadata={"application": application, "deployment": str(running_name)},
        )


class CredentialExists(AlreadyExists):
    """A client credential of that display name exists."""

    reason = "CREDENTIAL_EXISTS"
    resource_type = "client credential"

    def __init__(self, display_name: str) -> None:
        super().__init__(
            f"a client credential {display_name!r} exists: choose another name, or delete it first",
            resource_name=display_name,
            metadata={"display_name": display_name},
        )


class TenantExists(AlreadyExists):
    """A tenant of that name exists."""

    reason = "TENANT_EXISTS"
    resource_type = "tenant"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a tenant {name!r} exists: choose another name; capitals make no difference",
            resource_name=name,
            metadata={"tenant": name},
        )


class UserExists(AlreadyExists):
    """A user of that name exists."""

    reason = "USER_EXISTS"
    resource_type = "user"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the user {name} already exists: log in instead, or use another e-mail address",
            resource_name=name,
            metadata={"email": name},
        )


class InvitationExists(AlreadyExists):
    """A invitation of that name exists."""

    reason = "INVITATION_EXISTS"
    resource_type = "invitation"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was invited already: resend that invitation, or revoke it first",
            resource_name=name,
            metadata={"email": name},
        )


class RoleExists(AlreadyExists):
    """A role of that name exists."""

    reason = "ROLE_EXISTS"
    resource_type = "role"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a role {name!r} exists: choose another name, or change that one; capitals make no difference",
            resource_name=name,
            metadata={"role": name},
        )


class TargetGroupExists(AlreadyExists):
    """A target group of that name exists."""

    reason = "TARGET_GROUP_EXISTS"
    resource_type = "target group"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a target group {name!r} exists: choose another name, or change that one",
            resource_name=name,
            metadata={"target_group": name},
        )


class RequestIdReused(AlreadyExists):
    """The request id was used for another request."""

    reason = "REQUEST_ID_REUSED"
    resource_type = "request"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"request id {request_id!r} was used for another request: send a new id with each new request",
            resource_name=request_id,
            metadata={"request_id": request_id},
        )


class CallbackContradicts(AlreadyExists):
    """Something else was reported before, and the first report is final."""

    reason = "CALLBACK_CONTRADICTS"
    resource_type = "callback"

    def __init__(self, step: str, first: str) -> None:
        super().__init__(
            f"another callback has reported {first} for {step}, with another message or result: the first one is final",
            resource_name=step,
            metadata={"step": step, "first": first},
        )


class DeploymentEnded(Refused):
    """The deployment is final and takes no more decisions."""

    reason = "DEPLOYMENT_ENDED"

    def __init__(self, name: object, state: str) -> None:
        super().__init__(
            f"deployment {name} has ended ({state}) and takes no more decisions: start a new deployment",
            subject=str(name),
            metadata={"deployment": str(name), "state": state},
        )


class PreviewEnded(Refused):
    """The preview leads nowhere any more."""

    reason = "PREVIEW_ENDED"

    def __init__(self, name: object, state: str) -> None:
        super().__init__(
            f"{name} is {state}: run the step that exposes the Service again to get another address",
            subject=str(name),
            metadata={"preview": str(name), "state": state},
        )


class TooLate(Refused):
    """There is no way back any more: the new version serves alone."""

    reason = "TOO_LATE"

    def __init__(self, name: object, targets: Iterable[str]) -> None:
        names = ", ".join(targets)
        super().__init__(
            f"the new version of {names} serves alone already: redeploy an earlier deployment to get its version back, "
            "or cancel this one to end what comes afterwards",
            subject=str(name),
            metadata={"deployment": str(name), "targets": names},
        )


class CallbackTooLate(Refused):
    """The step does not wait for its callback any more."""

    reason = "CALLBACK_TOO_LATE"

    def __init__(self, step: str, state: str) -> None:
        super().__init__(
            f"{step} does not wait for a callback any more, it is {state}: its limit has passed, or the run was ended; "
            "start again, and call back in time",
            subject=step,
            metadata={"step": step, "state": state},
        )


class NotAwaitingApproval(Refused):
    """Nothing waits for an approval where one was given."""

    reason = "NOT_AWAITING_APPROVAL"

    def __init__(self, name: object, target: str = "", step: str = "") -> None:
        place = "/".join(part for part in (str(name), target, step) if part)
        metadata = {"deployment": str(name), "target": target, "step": step}
        super().__init__(
            f"nothing waits for an approval in {place}: get the deployment to see what it waits for",
            subject=place,
            metadata={key: value for key, value in metadata.items() if value},
        )


class NotPaused(Refused):
    """No timed pause is under way where one was to be skipped."""

    reason = "NOT_PAUSED"

    def __init__(self, name: object, target: str = "", step: str = "") -> None:
        place = "/".join(part for part in (str(name), target, step) if part)
        metadata = {"deployment": str(name), "target": target, "step": step}
        super().__init__(
            f"no timed pause is under way in {place}: get the deployment to see what it waits for",
            subject=place,
            metadata={key: value for key, value in metadata.items() if value},
        )


class AlreadyDecided(Refused):
    """Somebody decided first."""

    reason = "ALREADY_DECIDED"

    def __init__(self, decided_by: str, decision: str) -> None:
        super().__init__(
            f"{decided_by} decided first ({decision}): get the deployment to see what came of it",
            subject=decision,
            metadata={"decided_by": decided_by, "decision": decision},
        )


class SystemRoleFixed(Refused):
    """Roles of the system are the same everywhere."""

    reason = "SYSTEM_ROLE_FIXED"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is a role of the system and cannot be changed or deleted: create a role of your own",
            subject=name,
            metadata={"role": name},
        )


class LastAdministrator(Refused):
    """Without this one, nobody could administrate the organization."""

    reason = "LAST_ADMINISTRATOR"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is the last Organization Admin: make somebody else one first",
            subject=name,
            metadata={"name": name},
        )


class TenantInUse(Refused):
    """The tenant cannot be deleted now."""

    reason = "TENANT_IN_USE"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"tenant {name} cannot be deleted: {why}", subject=name, metadata={"tenant": name, "detail": why}
        )


class InvitationExpired(Refused):
    """The invitation came to its end before anybody accepted it."""

    reason = "INVITATION_EXPIRED"

    def __init__(self, email: str) -> None:
        super().__init__(
            f"the invitation of {email} has expired: ask whoever invited you to resend it",
            subject=email,
            metadata={"email": email},
        )


class ObjectOwnedBy(Refused):
    """An object in the cluster belongs to another application."""

    reason = "OBJECT_OWNED_BY"

    def __init__(self, object: str, owner: str) -> None:  # noqa: A002 - the word of the contract
        super().__init__(
            f"{object} belongs to {owner}: rename it in the manifest, or remove it there first",
            subject=object,
            metadata={"object": object, "owner": owner},
        )


class ClusterRefused(Refused):
    """The cluster refused a change.

    Units: `code` is the HTTP status of the cluster's answer, `cluster_reason` its own word (`Forbidden`, `Invalid`).
    """

    reason = "CLUSTER_REFUSED"

    def __init__(self, code: int, cluster_reason: str, detail: str, *, causes: Iterable[Cause] = ()) -> None:
        super().__init__(
            f"the cluster refused the change ({code} {cluster_reason}): {detail}; correct the manifest or the agent's "
            "permissions in the cluster",
            subject=cluster_reason,
            metadata={"code": str(code), "cluster_reason": cluster_reason, "detail": detail},
        )
        self.code = code
        self.cluster_reason = cluster_reason
        self.detail = detail
        self.causes = tuple(causes)


class RelayRefused(Refused):
    """The agent refused to relay the call, or could not reach its target.

    Shape: `dispatched` is False when the call surely did not arrive, True when it did, None when nobody knows.
    """

    reason = "RELAY_REFUSED"

    def __init__(self, agent: str, code: str, detail: str, *, dispatched: bool | None) -> None:
        super().__init__(
            f"agent {agent} did not relay the call ({code}): {detail}; check the agent's log and its allow-list",
            subject=agent,
            metadata={"agent": agent, "code": code, "detail": detail, "dispatched": _DISPATCHED[dispatched]},
        )
        self.agent = agent
        self.code = code
        self.detail = detail
        self.dispatched = dispatched


class SecretUnreadable(Refused):
    """The key that sealed a secret is missing, or its record was changed by somebody else than us."""

    reason = "SECRET_UNREADABLE"

    def __init__(self, name: object, key_id: str) -> None:
        super().__init__(
            f"the secret {name} cannot be read with the key {key_id}: restore the file of keys, or set the secret anew",
            subject=str(name),
            metadata={"secret": str(name), "key": key_id},
        )


class KeyRefused(Refused):
    """There is no newer key that could encrypt secrets."""

    reason = "KEY_REFUSED"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"the key for secrets was not changed: {detail}", subject="secret key", metadata={"detail": detail}
        )


class OwnAdministration(Refused):
    """The change would take from the caller what they administrate by."""

    reason = "OWN_ADMINISTRATION"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"this would delete {what}; nothing was changed: keep it in the file, or let somebody else delete it",
            subject=what,
            metadata={"what": what},
        )


class Stale(Conflict):
    """Somebody changed the resource since it was read."""

    reason = "STALE"

    def __init__(self, name: object) -> None:
        super().__init__(
            f"{name} was changed since it was read: read it again and repeat the whole change",
            metadata={"resource": str(name)},
        )


class Exhausted(LimitReached):
    """A limit of ours was reached."""

    reason = "EXHAUSTED"

    def __init__(self, what: str, limit: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(
            f"too many {what} (limit {limit}): wait {retry_after_s:g} s and repeat",
            subject=what,
            retry_after_s=retry_after_s,
            metadata={"what": what, "limit": limit},
        )


class AgentUnavailable(Unavailable):
    """The agent is not connected, or its tunnel was lost.

    Shape: `dispatched` is False when the call surely did not arrive, None when nobody knows.
    """

    reason = "AGENT_UNAVAILABLE"

    def __init__(self, agent: str, *, dispatched: bool | None, detail: str = "it is not connected") -> None:
        super().__init__(
            f"agent {agent} is unavailable: {detail}; check that it runs and can reach the server",
            retry_after_s=1.0,
            metadata={"agent": agent, "dispatched": _DISPATCHED[dispatched], "detail": detail},
        )
        self.agent = agent
        self.dispatched = dispatched
        self.detail = detail


class ClusterBusy(Unavailable):
    """The cluster could not answer now: throttled, starting, or a kind that it does not serve yet."""

    reason = "CLUSTER_BUSY"

    def __init__(self, detail: str, *, retry_after_s: float = 2.0) -> None:
        super().__init__(
            f"the cluster cannot do this now: {detail}; it is tried again by itself",
            retry_after_s=retry_after_s,
            metadata={"detail": detail},
        )
        self.detail = detail


class KindNotServed(ClusterBusy):
    """The cluster does not serve the kind; the CustomResourceDefinition may be on its way. No object of it exists."""


class ServerUnavailable(Unavailable):
    """The server is stopping, or its store cannot be reached."""

    reason = "UNAVAILABLE"

    def __init__(self, detail: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(
            f"the server cannot answer now: {detail}; repeat in a moment",
            retry_after_s=retry_after_s,
            metadata={"detail": detail},
        )


class Unauthenticated(NotAuthenticated):
    """No token, or one that is malformed, forged, expired or revoked."""

    reason = "UNAUTHENTICATED"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"{detail}: get a token from the token endpoint and send it as `authorization: Bearer TOKEN`",
            metadata={"detail": detail},
        )


class CredentialRevoked(Unauthenticated):
    """The token was good, and the credential behind it is gone. Unlike its times, that does not hang on a clock."""


class CredentialRefused(NotAuthenticated):
    """Client id or secret is wrong; which of the two is not said."""

    reason = "CREDENTIAL_REFUSED"

    def __init__(self) -> None:
        super().__init__("client id or secret is wrong: check both, or ask an administrator for a new credential")


class PermissionDenied(Denied):
    """The caller lacks the permission, in the tenant or for some of the targets."""

    reason = "PERMISSION_DENIED"

    def __init__(self, permission: str, *, tenant: str = "", targets: Iterable[str] = (), ask: str = "") -> None:
        names = ", ".join(targets)
        where = f" for {names}" if names else ""
        where += f" in tenant {tenant}" if tenant else ""
        whom = ask or "an administrator"
        metadata = {"permission": permission, "tenant": tenant, "targets": names, "ask": ask}
        super().__init__(
            f"you lack the permission {permission}{where}: ask {whom} for a role that has it",
            metadata={key: value for key, value in metadata.items() if value},
        )


class TenantDenied(Denied):
    """The caller has no role in that tenant, or it does not exist; which of the two is not said."""

    reason = "TENANT_DENIED"

    def __init__(self, tenant: str) -> None:
        super().__init__(
            f"you hold no role in a tenant {tenant}: list the tenants to see those that you may use, or ask an "
            "administrator of that one",
            metadata={"tenant": tenant},
        )


class EscalationRefused(Denied):
    """Nobody gives away, or takes from others, more than they hold."""

    reason = "ESCALATION_REFUSED"

    def __init__(self, role: str, grants: Iterable[object]) -> None:
        names = ", ".join(map(str, grants))
        super().__init__(
            f"the role {role} has more than you hold yourself ({names}): ask an administrator who holds it",
            metadata={"role": role, "grants": names},
        )


class RoleRequired(Denied):
    """The approval takes a role that the caller lacks."""

    reason = "ROLE_REQUIRED"

    def __init__(self, place: str, roles: Iterable[str]) -> None:
        names = sorted(set(roles))
        wanted = " or ".join(f"`{name}`" for name in names)
        super().__init__(
            f"{place} takes the role {wanted} to approve: ask somebody who has it, or an administrator",
            metadata={"roles": ", ".join(names), "place": place},
        )
