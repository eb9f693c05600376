"""The commands about tenants, people, roles and credentials, against a whole server."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from borealis_cli.main import main
from kit.people import people_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def cli(server, monkeypatch):
    """Runs the command line beside the loop, as the administrator on the server's machine."""
    monkeypatch.setenv("BOREALIS_CONTEXT_FILE", str(server.running.client_file))

    async def run(*words: str, **env: str) -> Outcome:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in env.items():
                patch.setenv(name, value)
            code = await asyncio.to_thread(main, words)
        texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
        return Outcome(code, *texts)

    return run


def rows(outcome: Outcome) -> list[list[str]]:
    assert outcome.code == 0, outcome.err
    return [line.split() for line in outcome.out.splitlines()[1:]]


async def test_tenants_are_created_listed_entered_and_deleted(cli):
    made = await cli("tenant", "create", "Night Shift")
    assert (made.code, made.out) == (0, "Created tenant: Night Shift (night-shift)\n")
    assert ["*", "main", "main"] in [row[:3] for row in rows(await cli("tenant", "list"))]

    there = await cli("--tenant", "night shift", "auth", "whoami", "-o", "json")
    by_variable = await cli("whoami", "-o", "json", BOREALIS_TENANT="night-shift")
    assert there.json["tenant"] == by_variable.json["tenant"] == "night-shift"

    wrong = await cli("tenant", "delete", "night-shift", "--confirm", "night shift")
    assert (wrong.code != 0, "must be the tenant's name" in wrong.err) == (True, True)
    assert (await cli("tenant", "delete", "night-shift", "--confirm", "Night Shift")).code == 0
    names = [one["displayName"] for one in (await cli("tenant", "list", "-o", "json")).json["tenants"]]
    assert "Night Shift" not in names
    refused = await cli("whoami", BOREALIS_TENANT="night-shift")
    assert (refused.code, "you hold no role in a tenant night-shift" in refused.err) == (5, True)


async def test_roles_and_target_groups_are_made_changed_and_deleted(cli):
    made = await cli("role", "create", "Release Manager", "--in-tenant", "main", "--grant", "api/deployment/approve")
    assert made.out == "Created role: Release Manager\n"
    changed = await cli("role", "update", "release manager", "--grant", "api/deployment/full", "-o", "json")
    assert changed.json["grants"] == [{"type": "api", "resource": "deployment", "permission": "full"}]
    shown = await cli("role", "get", "Release Manager")
    assert "main" in shown.out
    assert "api/deployment/full" in shown.out
    listed = (await cli("role", "list", "-o", "json")).json["roles"]
    assert [one["displayName"] for one in listed if one["isSystem"]] != []

    group = await cli("target-group", "create", "night", "--target", "account=a,namespace=b", "--target", "name=c")
    assert group.out == "Created target group: night\n"
    assert "account=a,namespace=b; name=c" in (await cli("target-group", "list")).out
    assert (await cli("target-group", "update", "night", "--target", "name=d")).code == 0
    assert (await cli("target-group", "delete", "night")).code == 0
    assert (await cli("role", "delete", "Release Manager")).code == 0
    assert (await cli("role", "get", "Release Manager")).code == 6


@pytest.mark.parametrize(
    "words",
    [
        ("role", "create", "X", "--grant", "api/deployment"),
        ("target-group", "create", "x", "--target", "cluster=a"),
        ("target-group", "create", "x", "--target", "name="),
    ],
)
async def test_what_cannot_be_read_is_a_fault_of_the_command_line(cli, words):
    assert (await cli(*words)).code == 2


async def test_people_are_invited_seen_given_roles_and_locked_out(cli, server):
    sent = await cli("invitation", "create", "cleo@example.org", "viewer", "--name", "Cleo")
    assert (sent.code, sent.out.startswith("https://"), "cleo@example.org" in sent.err) == (0, True, True)
    again = await cli("invitation", "resend", "cleo@example.org", "-o", "json")
    assert (again.json["invitation"]["displayName"], again.json["link"] != sent.out.strip()) == ("Cleo", True)
    assert "cleo@example.org" in (await cli("invitation", "list")).out
    async with people_of(server) as people:
        await people.users.accept(again.json["secret"])

    async with asyncio.timeout(10):  # what another process has changed is known here after a second
        while "Deployments Read Only" not in (await cli("user", "list")).out:
            await asyncio.sleep(0.2)
    given = await cli("user", "grant", "cleo@example.org", "deployer", "-o", "json")
    assert [one["displayName"] for one in given.json["roles"]] == ["Deployments Full Access", "Deployments Read Only"]
    taken = await cli("user", "revoke", "cleo@example.org", "Deployments Full Access", "-o", "json")
    assert [one["displayName"] for one in taken.json["roles"]] == ["Deployments Read Only"]
    assert "DEACTIVATED" in (await cli("user", "deactivate", "cleo@example.org")).out
    assert "ACTIVE" in (await cli("user", "reactivate", "cleo@example.org")).out
    assert (await cli("user", "get", "nobody@example.org")).code == 6
    await cli("invitation", "create", "dan@example.org", "viewer")
    assert (await cli("invitation", "revoke", "dan@example.org")).code == 0
    twice = await cli("invitation", "create", "cleo@example.org", "viewer")
    assert "already exists" in twice.err


async def test_ia_11_a_credential_is_printed_once_and_its_roles_can_change(cli):
    made = await cli("credential", "create", "night-ci", "deployer", "viewer")
    env = dict(line.split("=", 1) for line in made.out.splitlines())
    assert set(env) == {"BOREALIS_CLIENT_ID", "BOREALIS_CLIENT_SECRET"}

    listed = await cli("credential", "list")
    assert env["BOREALIS_CLIENT_ID"] in listed.out
    assert env["BOREALIS_CLIENT_SECRET"] not in listed.out
    yes = await cli("auth", "can-i", "deployments.write", "--application", "shop", **env)
    assert (yes.code, yes.out) == (0, "yes, by the role Deployments Full Access (api/deployment/full)\n")
    changed = await cli("credential", "set-roles", "night-ci", "viewer", "-o", "json")
    assert changed.json["roles"] == ["Deployments Read Only"]
    no = await cli("auth", "can-i", "deployments.write", **env)
    assert no.code == 5
    answer, missing, *_ = no.out.splitlines()
    grants = ("api/deployment/deploy", "api/deployment/full", "api/tenant/full", "api/organization/full")
    assert (answer, missing) == ("no", f"  missing  {' or '.join(grants)}")
    assert (await cli("auth", "can-i", "fly")).code != 0
    assert (await cli("credential", "delete", "night-ci")).code == 0
    assert (await cli("credential", "delete", "night-ci")).code == 6
    assert (await cli("whoami", **env)).code == 4
