"""What a configuration file changes in an organization: everything that it says, or nothing.

Pure. Who may do what is judged by the rules of the parts (`role_changes.py`, `tenants.py`, `credentials.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from borealis_server.domain.access import ORGANIZATION, TENANT, Permission, api, is_administrator
from borealis_server.domain.config_file import ConfigFile, fault_of, refuse
from borealis_server.domain.credentials import with_credential_roles, without_credential
from borealis_server.domain.errors import InvalidArgument, OwnAdministration, RoleNotFound
from borealis_server.domain.giving import check_everywhere, roles_meant
from borealis_server.domain.names import CredentialName
from borealis_server.domain.role_changes import with_role, with_target_group, without_role, without_target_group
from borealis_server.domain.roles import SYSTEM_ROLES, Role, TargetGroup, name_key
from borealis_server.domain.tenants import with_new_tenant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from borealis_deployfile.faults import Fault
    from borealis_deployfile.model import Origin
    from borealis_server.domain.access import HeldGrant
    from borealis_server.domain.config_file import WantedCredential, WantedGroup, WantedRole
    from borealis_server.domain.directory import Directory
    from borealis_server.domain.identity import ClientCredential, Principal

_ADMINISTRATION = (api(ORGANIZATION), api(TENANT))

NamedT = TypeVar("NamedT", Role, TargetGroup)
KeptT_contra = TypeVar("KeptT_contra", Role, TargetGroup, contravariant=True)


class Keep(Protocol[KeptT_contra]):
    """Puts a thing into an organization, if the giver may."""

    def __call__(self, directory: Directory, thing: KeptT_contra, /, *, giver: Sequence[HeldGrant]) -> Directory:
        """The organization with the thing."""
        ...


class ConfigAction(StrEnum):
    """What happens to a thing."""

    CREATED = "Created"
    UPDATED = "Updated"
    DELETED = "Deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigChange:
    """Something that the file changes."""

    action: ConfigAction
    kind: str
    """`tenant`, `role`, `target group` or `credential`."""
    name: str
    tenant: str = ""
    """Name of its tenant; empty for a tenant, and for a role of the whole organization."""

    @property
    def message(self) -> str:
        """For people, in the words of the reference product."""
        return f"{self.action} {self.kind}: {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigOutcome:
    """What comes of a file."""

    directory: Directory
    """The organization afterwards."""
    changes: tuple[ConfigChange, ...]
    """In the order in which they are made; empty when everything is as the file says."""
    warnings: tuple[str, ...]
    """What the file does not get, and what it does not name."""


def apply_config(
    directory: Directory, file: ConfigFile, *, caller: Principal, new_id: Callable[[], str], now: datetime
) -> ConfigOutcome:
    """The organization, which comes with credentials, as the file wants it.

    Errors: ConfigInvalid with every unknown tenant, role and credential, before anything is done; EscalationRefused,
    PermissionDenied, LastAdministrator as for single changes; OwnAdministration.
    """
    _check_names(directory, file)
    work = _Work(directory, caller, new_id, now)
    for tenant in file.tenants:
        work.create_tenant(tenant.name, tenant.origin)
    for role in file.roles:
        work.keep_role(role)
    for group in file.target_groups or ():
        work.keep_group(group)
    for credential in file.credentials or ():
        work.keep_credential(credential)
    work.drop(file)
    _check_own_administration(caller, work.directory)
    return ConfigOutcome(directory=work.directory, changes=tuple(work.changes), warnings=tuple(work.warnings))


def is_managed(credential: ClientCredential) -> bool:
    """Whether files say something about a credential: not about those of agents, which are made for one place."""
    return not credential.agent


class _Work:
    """An organization on its way."""

    def __init__(self, directory: Directory, caller: Principal, new_id: Callable[[], str], now: datetime) -> None:
        self.directory = directory
        self.changes: list[ConfigChange] = []
        self.warnings: list[str] = []
        self._caller = caller
        self._new_id = new_id
        self._now = now

    def create_tenant(self, name: str, origin: Origin) -> None:
        if any(name_key(one.name) == name_key(name) for one in self.directory.live_tenants()):
            return
        check_everywhere(self._caller.grants, Permission.TENANTS_WRITE)
        self._change(
            ConfigChange(action=ConfigAction.CREATED, kind="tenant", name=name),
            _placed(origin, lambda: with_new_tenant(self.directory, name, random=self._new_id(), now=self._now)),
        )

    def keep_role(self, wanted: WantedRole) -> None:
        if name_key(wanted.name) in {name_key(role.name) for role in SYSTEM_ROLES.values()}:
            self.warnings.append(f"System role cannot be changed: {wanted.name}")
            return
        tenant = self._tenant_id(wanted.tenant)
        before = _named(self.directory.roles.values(), wanted.name, tenant)
        role = Role(
            id=before.id if before else self._new_id(),
            name=wanted.name,
            grants=wanted.grants,
            tenant=tenant,
            created_at=before.created_at if before else self._now,
        )
        self._keep("role", wanted.tenant, before, role, wanted.origin, with_role)

    def keep_group(self, wanted: WantedGroup) -> None:
        tenant = self._tenant_id(wanted.tenant)
        before = _named(self.directory.target_groups.values(), wanted.name, tenant)
        group = TargetGroup(
            id=before.id if before else self._new_id(), name=wanted.name, tenant=tenant, places=wanted.places
        )
        self._keep("target group", wanted.tenant, before, group, wanted.origin, with_target_group)

    def keep_credential(self, wanted: WantedCredential) -> None:
        tenant = self._tenant_id(wanted.tenant)
        before = _credential_of(self.directory, wanted.name, tenant)
        if before is None:
            refuse([_missing_credential(wanted)])
        try:
            roles = roles_meant(self.directory, wanted.roles, tenant=tenant)
        except RoleNotFound as error:
            refuse([fault_of(wanted.origin, f"the credential {wanted.name}: {error.message}")])
        if set(before.roles) == {role.id for role in roles}:
            return
        name = CredentialName(tenant, before.client_id)
        self._change(
            ConfigChange(action=ConfigAction.UPDATED, kind="credential", name=wanted.name, tenant=wanted.tenant),
            _placed(
                wanted.origin,
                lambda: with_credential_roles(self.directory, name, roles, tenant=tenant, giver=self._caller.grants),
            ),
        )

    def drop(self, file: ConfigFile) -> None:
        """Delete what the file does not name, or say what that would be."""
        giver = self._caller.grants
        for role in self._unnamed(self.directory.roles.values(), file.roles):
            self._drop(file, "role", role.name, role.tenant, partial(without_role, role_id=role.id, giver=giver))
        for group in self._unnamed(self.directory.target_groups.values(), file.target_groups):
            gone = partial(without_target_group, group_id=group.id, giver=giver)
            self._drop(file, "target group", group.name, group.tenant, gone)
        for one in self._unnamed_credentials(file):
            if file.allows_deleting and self._caller.subject == f"clients/{one.client_id}":
                raise OwnAdministration(f"the credential {one.display_name}, with which you call")
            name = CredentialName(one.tenant, one.client_id)
            revoked = partial(without_credential, name=name, tenant=one.tenant, giver=giver)
            self._drop(file, "credential", one.display_name, one.tenant, revoked)

    def _drop(
        self, file: ConfigFile, kind: str, name: str, tenant: str, without: Callable[[Directory], Directory]
    ) -> None:
        if not file.allows_deleting:
            self.warnings.append(f"Not in the file: {kind} {name} (allowAutoDelete: true deletes it)")
            return
        shown = self.directory.tenants[tenant].name if tenant else ""
        change = ConfigChange(action=ConfigAction.DELETED, kind=kind, name=name, tenant=shown)
        self._change(change, without(self.directory))

    def _unnamed(self, kept: Iterable[NamedT], wanted: Iterable[WantedRole | WantedGroup] | None) -> Sequence[NamedT]:
        """What the caller administrates and the file does not name; nothing where it does not speak of such things."""
        if wanted is None:
            return ()
        named = {(name_key(one.name), self._tenant_id(one.tenant)) for one in wanted}
        missing = (one for one in kept if (name_key(one.name), one.tenant) not in named and self._is_mine(one.tenant))
        return sorted(missing, key=lambda one: (name_key(one.name), one.tenant))

    def _unnamed_credentials(self, file: ConfigFile) -> Iterator[ClientCredential]:
        if file.credentials is None:
            return
        named = {(one.name, self._tenant_id(one.tenant)) for one in file.credentials}
        for one in sorted(self.directory.credentials.values(), key=lambda one: (one.display_name, one.tenant)):
            if is_managed(one) and (one.display_name, one.tenant) not in named and self._is_mine(one.tenant):
                yield one

    def _is_mine(self, tenant: str) -> bool:
        """Whether the caller administrates the tenant; for an empty one, the organization."""
        if tenant:
            return is_administrator(self._caller.grants, tenant)
        return any(not one.tenant and one.grant == api(ORGANIZATION) for one in self._caller.grants)

    def _keep(
        self, kind: str, tenant: str, before: NamedT | None, after: NamedT, origin: Origin, keep: Keep[NamedT]
    ) -> None:
        if before == after:
            return
        action = ConfigAction.UPDATED if before else ConfigAction.CREATED
        self._change(
            ConfigChange(action=action, kind=kind, name=after.name, tenant=tenant),
            _placed(origin, lambda: keep(self.directory, after, giver=self._caller.grants)),
        )

    def _change(self, change: ConfigChange, directory: Directory) -> None:
        self.directory = directory
        self.changes.append(change)

    def _tenant_id(self, name: str) -> str:
        """The id of a tenant that exists by then; empty for the whole organization."""
        found = self.directory.tenant(name) if name else None
        return found.id if found else ""


def _check_names(directory: Directory, file: ConfigFile) -> None:
    """Everything that the file names must exist or be made by it, once. Errors: ConfigInvalid."""
    coming = {name_key(one.name) for one in file.tenants}
    faults: list[Fault] = []
    named: list[WantedRole | WantedGroup | WantedCredential] = [*file.roles]
    named += [*(file.target_groups or ()), *(file.credentials or ())]
    for wanted in named:
        if wanted.tenant and name_key(wanted.tenant) not in coming and directory.tenant(wanted.tenant) is None:
            known = ", ".join(one.name for one in directory.live_tenants())
            message = f'the tenant "{wanted.tenant}" of {wanted.name} does not exist'
            faults.append(fault_of(wanted.origin, message, f"known tenants: {known}; add it to `tenants` to create it"))
    for credential in file.credentials or ():
        tenant = directory.tenant(credential.tenant)
        if tenant is None or _credential_of(directory, credential.name, tenant.id) is None:
            faults.append(_missing_credential(credential))
    faults += _twice((one.name, "", one.origin) for one in file.tenants)
    faults += _twice((one.name, one.tenant, one.origin) for one in file.roles)
    faults += _twice((one.name, one.tenant, one.origin) for one in file.target_groups or ())
    faults += _twice((one.name, one.tenant, one.origin) for one in file.credentials or ())
    if faults:
        refuse(faults)


def _twice(wanted: Iterable[tuple[str, str, Origin]]) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for name, tenant, origin in wanted:
        key = (name_key(name), name_key(tenant))
        if key in seen:
            yield fault_of(origin, f'"{name}" is in the file twice; upper and lower case are alike', "keep one")
        seen.add(key)


def _missing_credential(wanted: WantedCredential) -> Fault:
    message = f'the tenant "{wanted.tenant}" has no credential "{wanted.name}"'
    return fault_of(
        wanted.origin, message, "a file creates none, as somebody has to be shown its secret: create it first"
    )


def _check_own_administration(caller: Principal, after: Directory) -> None:
    """Errors: OwnAdministration when nothing is left of what the caller administrates by."""
    mine = [one for one in caller.grants if one.grant in _ADMINISTRATION]
    if mine and not any(
        role.name == one.role and one.grant in role.grants and role.tenant in ("", one.tenant)
        for one in mine
        for role in after.all_roles()
    ):
        raise OwnAdministration(f"the role {mine[0].role}, by which you administrate")


def _credential_of(directory: Directory, name: str, tenant: str) -> ClientCredential | None:
    wanted = (name, tenant)
    return next((one for one in directory.credentials.values() if (one.display_name, one.tenant) == wanted), None)


def _named(kept: Iterable[NamedT], name: str, tenant: str) -> NamedT | None:
    key = name_key(name)
    return next((one for one in kept if name_key(one.name) == key and one.tenant == tenant), None)


def _placed(origin: Origin, change: Callable[[], Directory]) -> Directory:
    """What comes of a change. Errors: ConfigInvalid where the entry of the file is not as it has to be."""
    try:
        return change()
    except InvalidArgument as error:
        refuse([fault_of(origin, f"{violation.field}: {violation.description}") for violation in error.violations])
