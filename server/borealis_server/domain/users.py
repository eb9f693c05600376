"""How people come into an organization, what they may get there, and how they leave. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from borealis_server.domain.access import Permission
from borealis_server.domain.directory import Invitation, User, normal_email
from borealis_server.domain.errors import (
    InvalidArgument,
    InvitationExists,
    InvitationExpired,
    InvitationNotFound,
    UserExists,
    UserNotFound,
    Violation,
)
from borealis_server.domain.giving import check_administrators, check_everywhere, check_giving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from borealis_server.domain.access import HeldGrant
    from borealis_server.domain.directory import Directory
    from borealis_server.domain.roles import Role

_EMAIL: Final = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{1,63})"
)
"""The addresses that browsers accept too, in lower case."""
_EMAIL_LIMIT: Final = 254
_NAME_LIMIT: Final = 100


def check_person(email: str, display_name: str, *, email_domain: str = "") -> None:
    """Errors: InvalidArgument with everything that is wrong with a person's address, in its normal form, and name."""
    violations = [*_violations(email, display_name, email_domain)]
    if violations:
        raise InvalidArgument(violations)


def _violations(email: str, display_name: str, email_domain: str) -> Iterator[Violation]:
    match = _EMAIL.fullmatch(email)
    if match is None or len(email) > _EMAIL_LIMIT:
        yield Violation(field="email", description="must be an e-mail address, such as ada@example.org")
    elif email_domain and match[1] != email_domain:
        yield Violation(field="email", description=f"must be an address at {email_domain}, as all of the organization")
    if not 0 < len(display_name.strip()) <= _NAME_LIMIT or not display_name.isprintable():
        yield Violation(field="display_name", description=f"must have 1 to {_NAME_LIMIT} printable characters")


def with_invitation(directory: Directory, invitation: Invitation, *, giver: Sequence[HeldGrant]) -> Directory:
    """The directory after `giver` has invited somebody.

    Errors: InvalidArgument, UserExists, InvitationExists, EscalationRefused.
    """
    check_person(invitation.email, invitation.display_name, email_domain=directory.organization.email_domain)
    if not invitation.roles:
        raise InvalidArgument.of("roles", "must name at least one role: without one they could do nothing")
    if directory.user_of(invitation.email) is not None:
        raise UserExists(invitation.email)
    if any(one.email == invitation.email for one in directory.invitations.values()):
        raise InvitationExists(invitation.email)
    check_giving(giver, directory.roles_of(invitation.roles))
    return replace(directory, invitations={**directory.invitations, invitation.id: invitation})


def renewed(
    directory: Directory, invitation_id: str, *, token_hash: str, expires_at: datetime, giver: Sequence[HeldGrant]
) -> Directory:
    """The directory after `giver` has sent an invitation once more: the link of before no longer works.

    Errors: InvitationNotFound, EscalationRefused.
    """
    before = invitation_named(directory, invitation_id)
    check_giving(giver, directory.roles_of(before.roles))
    after = replace(before, token_hash=token_hash, expires_at=expires_at)
    return replace(directory, invitations={**directory.invitations, before.id: after})


def without_invitation(directory: Directory, invitation_id: str, *, giver: Sequence[HeldGrant]) -> Directory:
    """The directory after `giver` has taken an invitation back. Errors: InvitationNotFound, EscalationRefused."""
    gone = invitation_named(directory, invitation_id)
    check_giving(giver, directory.roles_of(gone.roles))
    return _without_invitation(directory, gone)


def accepted(directory: Directory, token_hash: str, *, user_id: str, now: datetime) -> Directory:
    """The directory after somebody with the link has come in.

    Errors: InvitationNotFound, InvitationExpired, UserExists.
    """
    found = next((one for one in directory.invitations.values() if one.token_hash == token_hash), None)
    if found is None:
        raise InvitationNotFound("of that link")
    if now >= found.expires_at:
        raise InvitationExpired(found.email)
    if directory.user_of(found.email) is not None:
        raise UserExists(found.email)
    roles = tuple(role.id for role in directory.roles_of(found.roles))
    user = User(id=user_id, email=found.email, display_name=found.display_name, roles=roles, created_at=now)
    return _without_invitation(directory, found).with_user(user)


def with_user_roles(
    directory: Directory, user_id: str, *, add: Sequence[Role], remove: Sequence[Role], giver: Sequence[HeldGrant]
) -> Directory:
    """The directory, which comes with credentials, after `giver` has given a person roles and taken others.

    Errors: UserNotFound, LastAdministrator; EscalationRefused, also for what is taken away.
    """
    before = user_named(directory, user_id)
    removed = {role.id for role in remove}
    kept = [one for one in before.roles if one not in removed]
    roles = tuple(dict.fromkeys([*kept, *(role.id for role in add if role.id not in removed)]))
    changed = set(roles) ^ set(before.roles)
    check_giving(giver, directory.roles_of(changed))
    after = directory.with_user(replace(before, roles=roles))
    check_administrators(directory, after, before.email)
    return after


def with_user_active(
    directory: Directory, user_id: str, *, is_active: bool, giver: Sequence[HeldGrant], now: datetime
) -> Directory:
    """The directory, which comes with credentials, after `giver` has let a person in or locked them out.

    Errors: UserNotFound, LastAdministrator, EscalationRefused; PermissionDenied, as people belong to all tenants.
    """
    before = user_named(directory, user_id)
    check_everywhere(giver, Permission.USERS_WRITE)
    check_giving(giver, directory.roles_of(before.roles))
    if before.is_active == is_active:
        return directory
    after = directory.with_user(replace(before, deactivated_at=None if is_active else now))
    check_administrators(directory, after, before.email)
    return after


def user_named(directory: Directory, name: str) -> User:
    """The person of that id or address. Errors: UserNotFound."""
    found = directory.users.get(name) or directory.user_of(normal_email(name))
    if found is None:
        raise UserNotFound(name)
    return found


def invitation_named(directory: Directory, name: str) -> Invitation:
    """The invitation of that id or address. Errors: InvitationNotFound."""
    found = directory.invitations.get(name)
    if found is None:
        email = normal_email(name)
        found = next((one for one in directory.invitations.values() if one.email == email), None)
    if found is None:
        raise InvitationNotFound(name)
    return found


def _without_invitation(directory: Directory, gone: Invitation) -> Directory:
    return replace(directory, invitations={key: one for key, one in directory.invitations.items() if one != gone})
