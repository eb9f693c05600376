"""What is asked of the server is written down before it is done; what nobody asked for by a call, once it is."""

from __future__ import annotations

import hashlib
import json

import pytest

from borealis_server.adapters.clock import ManualClock
from borealis_server.adapters.randomness import CountingRandomness
from borealis_server.adapters.store.memory import MemoryCredentialStore
from borealis_server.adapters.store.memory_audit import MemoryAuditStore
from borealis_server.adapters.store.memory_directory import MemoryDirectoryStore
from borealis_server.domain.audit import AuditFilter
from borealis_server.domain.errors import ServerUnavailable
from borealis_server.domain.roles import ADMINISTRATOR, VIEWER
from borealis_server.ports.audit_notes import note_change, noting_changes
from borealis_server.services.audit_actions import ActionAudit, Asked
from borealis_server.services.directories import Directories
from borealis_server.services.organizations import Organizations
from borealis_server.services.users import UserService
from kit.callers import a_caller

ASKED = Asked(method="a.v1.A/Do", request="{}", source="ipv4:127.0.0.1:1", request_id="r-1")


class Full(MemoryAuditStore):
    """Has no room."""

    async def append(self, *_, **__):
        raise ServerUnavailable("its store cannot be written (disk full)")


class Desk:
    """An audit, and organizations that tell it."""

    def __init__(self) -> None:
        self.store, self.clock, chance = MemoryAuditStore(), ManualClock(), CountingRandomness()
        self.audit = ActionAudit(self.store, self.clock, chance)
        store = MemoryDirectoryStore(MemoryCredentialStore())
        directories = Directories(store, self.clock, on_own_change=self.audit.happened)
        self.organizations = Organizations(directories, self.clock, chance)
        self.users = UserService(directories, self.clock, chance)

    async def actions(self, tenant="main"):
        found = await self.store.list_actions(AuditFilter(tenant=tenant), limit=100)
        return [entry.action for entry in found]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_what_cannot_be_written_down_is_not_done():
    lost: list[int] = []
    audit = ActionAudit(Full(), ManualClock(), CountingRandomness(), on_lost=lost.append)

    with pytest.raises(ServerUnavailable):
        await audit.begun(a_caller(VIEWER), ASKED)
    await audit.refused(a_caller(VIEWER), ASKED, "no")

    assert lost == [1]


async def test_an_end_that_cannot_be_written_down_changes_nothing_that_was_done(desk, logs):
    action = await desk.audit.begun(a_caller(VIEWER), ASKED)
    full = ActionAudit(Full(), desk.clock, CountingRandomness())

    await full.ended(action, reason="")

    assert [entry["event"] for entry in logs] == ["audit.end_lost"]
    assert [one.end for one in await desk.actions()] == [None]


async def test_a_long_request_is_cut(desk):
    asked = Asked(method="a.v1.A/Do", request="x" * 5000, source="", request_id="")

    action = await desk.audit.begun(a_caller(VIEWER), asked)

    assert (len(action.request), action.request[-1]) == (4096, "…")


async def test_who_comes_in_by_a_page_is_in_the_audit_without_a_secret(desk):
    await desk.organizations.open_home()
    with noting_changes() as noted:
        sent = await desk.users.invite(a_caller(ADMINISTRATOR, name="boss"), "new@example.org", "New", ("viewer",))
    user = await desk.users.accept(sent.secret)

    accepted, opened = await desk.actions()
    assert [change.what for change in opened.end.changes] == ["tenants/main"]
    assert {change.what.partition("/")[0] for change in noted} == {"invitations"}, "with the call that asked for it"
    assert {change.what for change in accepted.end.changes} >= {f"users/{user.id}"}
    assert (accepted.actor, accepted.end.reason) == ("", "")
    (person,) = [json.loads(one.after) for one in accepted.end.changes if one.what == f"users/{user.id}"]
    assert person["email"] == "new@example.org"
    everything = str([opened, accepted, noted])
    assert sent.secret not in everything
    assert hashlib.sha256(sent.secret.encode()).hexdigest() not in everything


def test_a_change_outside_of_everything_is_nobodys():
    note_change("tenants/main/secrets/a", after={"key": "k"})

    with noting_changes() as noted:
        pass
    assert noted == []
