"""Configuration as code: an organization as a file wants it, all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from borealis_server.domain.access import ORGANIZATION, Permission, api, is_administrator, is_allowed
from borealis_server.domain.config import ConfigOutcome, apply_config, is_managed
from borealis_server.domain.config_file import read_config_file
from borealis_server.domain.names import RANDOM_ID_BYTES, random_id

if TYPE_CHECKING:
    from borealis_server.domain.config import ConfigChange
    from borealis_server.domain.directory import Directory, Tenant
    from borealis_server.domain.identity import ClientCredential, Principal
    from borealis_server.domain.roles import Role, TargetGroup
    from borealis_server.ports.clock import Clock
    from borealis_server.ports.randomness import Randomness
    from borealis_server.services.directories import Directories


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a file can say of an organization, as far as somebody may see it. Everything by name."""

    directory: Directory
    """For the names behind ids."""
    tenants: tuple[Tenant, ...]
    roles: tuple[Role, ...]
    """Without those of the system."""
    target_groups: tuple[TargetGroup, ...]
    credentials: tuple[ClientCredential, ...]
    """Without those of agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What came of a file, or would come of it."""

    before: Configuration
    after: Configuration
    changes: tuple[ConfigChange, ...]
    warnings: tuple[str, ...]


class ConfigService:
    """Shows configurations and applies them."""

    def __init__(self, directories: Directories, clock: Clock, randomness: Randomness) -> None:
        self._directories = directories
        self._clock = clock
        self._randomness = randomness

    async def get(self, caller: Principal) -> Configuration:
        """What is configured, as far as the caller may see it."""
        directory = await self._directories.change(caller.organization, lambda newest: newest, with_credentials=True)
        return _seen(directory, caller)

    async def apply(self, caller: Principal, content: bytes, file_name: str, *, dry_run: bool) -> Applied:
        """Make everything as the file says, in one transaction; with `dry_run`, find out what that would be.

        Errors: ConfigInvalid with every fault; EscalationRefused, PermissionDenied, LastAdministrator,
        OwnAdministration. Nothing is changed then.
        """
        wanted = read_config_file(content, file_name)
        now = self._clock.now()
        seen: list[tuple[Directory, ConfigOutcome]] = []

        def decide(newest: Directory) -> Directory:
            outcome = apply_config(newest, wanted, caller=caller, new_id=self._new_id, now=now)
            seen.append((newest, outcome))
            return newest if dry_run else outcome.directory

        await self._directories.change(caller.organization, decide, with_credentials=True)
        before, outcome = seen[-1]
        return Applied(
            before=_seen(before, caller),
            after=_seen(outcome.directory, caller),
            changes=outcome.changes,
            warnings=outcome.warnings,
        )

    def _new_id(self) -> str:
        return random_id(self._randomness.token_bytes(RANDOM_ID_BYTES))


def _seen(directory: Directory, caller: Principal) -> Configuration:
    """What of it the caller may see: the parts of tenants whose roles they may read, and of the whole organization."""
    sees_all = any(not one.tenant and Permission.ROLES_READ in one.grant.gives() for one in caller.grants)

    def is_seen(tenant: str) -> bool:
        return is_allowed(caller.grants, Permission.ROLES_READ, tenant) if tenant else sees_all

    def administrates(tenant: str) -> bool:
        everything = any(not one.tenant and one.grant == api(ORGANIZATION) for one in caller.grants)
        return everything or is_administrator(caller.grants, tenant)

    credentials = sorted(directory.credentials.values(), key=lambda one: (one.tenant, one.display_name))
    groups = sorted(directory.target_groups.values(), key=lambda one: (one.tenant, one.name.casefold()))
    return Configuration(
        directory=directory,
        tenants=tuple(one for one in directory.live_tenants() if is_seen(one.id)),
        roles=tuple(one for one in directory.all_roles() if not one.is_system and is_seen(one.tenant)),
        target_groups=tuple(one for one in groups if is_seen(one.tenant)),
        credentials=tuple(one for one in credentials if is_managed(one) and administrates(one.tenant)),
    )
