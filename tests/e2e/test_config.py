"""Configuration as code as its owners use it: diff, apply, get, and what is refused."""

from __future__ import annotations

import json

import pytest

from kit.platform import Platform

FILE = """\
tenants: [main, payments]
roles:
  - name: Payments Deployer
    tenant: payments
    grants: [{type: api, resource: deployment, permission: full}]
targetGroups:
  - name: lab
    targets: [{account: cluster-1, kubernetes: {namespace: lab}}]
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with Platform(tmp_path_factory.mktemp("config")) as platform:
        yield platform


async def test_ia_13_and_15_a_file_is_compared_applied_and_got_back(own):
    """IA-13: created, updated, listed, deleted. IA-15: what `get` gives changes nothing when it is applied."""
    file = own.write("config.yaml", FILE)
    only = own.write("only.yaml", f"allowAutoDelete: true\n{FILE}".replace("Deployer", "Reader"))
    compared = await own.cli("config", "diff", "-f", file)
    created = await own.cli("config", "apply", "-f", file)
    again = await own.cli("config", "apply", "-f", file)
    got = await own.cli("config", "get")
    strict = got.out.replace("allowAutoDelete: false", "allowAutoDelete: true")
    round_trip = await own.cli("config", "apply", "-f", own.write("got.yaml", strict))
    smaller = own.write("smaller.yaml", FILE.replace("Payments Deployer", "Payments Reader"))
    warned = await own.cli("config", "apply", "-f", smaller, "--dry-run")
    replaced = await own.cli("config", "apply", "-f", only)
    roles = (await own.cli("config", "get", "-o", "json")).json()["roles"]

    assert "+- payments" in compared.out
    assert "+  tenant: payments" in compared.out
    assert created.out.splitlines() == [
        "Created tenant: payments",
        "Created role: Payments Deployer",
        "Created target group: lab",
    ]
    for unchanged in (again, round_trip):
        assert (unchanged.code, unchanged.out) == (0, ""), unchanged.err
        assert "everything is as the file says" in unchanged.err
    assert "Not in the file: role Payments Deployer" in warned.err
    assert "Payments Reader" in warned.out
    assert replaced.out.splitlines() == ["Created role: Payments Reader", "Deleted role: Payments Deployer"]
    assert [role["name"] for role in roles] == ["Payments Reader"]


async def test_ia_14_a_bad_role_leaves_everything_as_it_was(own):
    """IA-14: nothing of a file with a fault is applied, and every fault has its line."""
    before = await own.cli("config", "get")
    role = "{name: A, tenant: nowhere, grants: [{type: api, resource: x, permission: full}]}"
    text = f"tenants: [wanted]\nroles:\n- {role}\n"
    refused = await own.cli("config", "apply", "-f", own.write("bad.yaml", text), "-o", "json")
    after = await own.cli("config", "get")

    assert refused.code == 7
    error = json.loads(refused.err)["error"]
    assert error["reason"] == "CONFIG_INVALID"
    assert "bad.yaml:3:" in refused.err
    assert after.out == before.out
    assert "wanted" not in after.out


async def test_who_applied_what_is_in_the_audit(own):
    await own.cli("config", "apply", "-f", own.write("audited.yaml", "tenants: [audited]"))

    (action,) = (await own.cli("audit", "actions", "--limit", "1", "-o", "json")).json()["actions"]

    assert action["method"].endswith("ConfigService/ApplyConfig")
    (change,) = action["end"]["changes"]
    assert change["what"] == "tenants/audited"
    assert json.loads(change["after"])["name"] == "audited"
