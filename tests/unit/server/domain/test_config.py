"""A configuration file is applied whole or not at all, and says first what it cannot be."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from borealis_server.domain.access import TENANT, Grant, GrantType, TargetPlace, api
from borealis_server.domain.config import apply_config
from borealis_server.domain.config_file import read_config_file
from borealis_server.domain.errors import ConfigInvalid, EscalationRefused, OwnAdministration, PermissionDenied
from borealis_server.domain.identity import ClientCredential
from borealis_server.domain.roles import ADMINISTRATOR, DEPLOYER, VIEWER, Role, TargetGroup
from kit.callers import NOON, a_caller, an_organization

DEPLOYERS = Role(id="r1", name="Payments Deployer", tenant="other", grants=(api("deployment"),), created_at=NOON)
EVERYWHERE = Role(id="r2", name="Everywhere", grants=(api("deployment", "read"),), created_at=NOON)
INTERNS = TargetGroup(id="g1", name="interns", tenant="main", places=(TargetPlace(account="c1", namespace="lab"),))
CI = ClientCredential(
    tenant="main",
    client_id="id-ci",
    display_name="ci",
    roles=(DEPLOYER.id,),
    agent="",
    secret_hash="ab" * 32,
    created_at=NOON,
)
AGENT = replace(CI, client_id="id-agent", display_name="agent-west", roles=("agent",), agent="west")
ADMIN = replace(CI, client_id="id-admin", display_name="local-admin", roles=(ADMINISTRATOR.id,))
ORGANIZATION = replace(
    an_organization(),
    roles={role.id: role for role in (DEPLOYERS, EVERYWHERE)},
    target_groups={INTERNS.id: INTERNS},
    credentials={one.client_id: one for one in (CI, AGENT, ADMIN)},
)
WHOLE = """
allowAutoDelete: true
tenants: [main, other]
roles:
  - name: Payments Deployer
    tenant: other
    grants: [{type: api, resource: deployment, permission: full}]
  - name: Everywhere
    grants: [{type: api, resource: deployment, permission: read}]
targetGroups:
  - name: interns
    targets: [{account: c1, kubernetes: {namespace: lab}}]
credentials:
  - {name: ci, roles: [Deployments Full Access]}
  - {name: local-admin, roles: [Organization Admin]}
"""


def applied(text, directory=ORGANIZATION, caller=None):
    numbers = count(1)
    return apply_config(
        directory,
        read_config_file(text.encode(), "config.yaml"),
        caller=caller or a_caller(ADMINISTRATOR, directory=directory, subject="clients/id-admin"),
        new_id=lambda: f"new{next(numbers)}",
        now=NOON,
    )


def messages(outcome):
    return [change.message for change in outcome.changes]


def faults(text, **more):
    with pytest.raises(ConfigInvalid) as caught:
        applied(text, **more)
    return [(violation.field, violation.description) for violation in caught.value.violations]


def test_what_is_there_already_changes_nothing():
    outcome = applied(WHOLE)

    assert outcome.directory == ORGANIZATION
    assert (outcome.changes, outcome.warnings) == ((), ())


def test_ia_13_roles_are_created_updated_listed_and_deleted_with_the_documented_messages():
    """IA-13: messages and effects of the reference's `config apply`."""
    text = """
tenants: [main, other, New One]
roles:
  - name: payments deployer
    tenant: OTHER
    grants: [{type: api, resource: deployment, permission: deploy}]
  - name: Fresh
    tenant: New One
    grants: [{type: account, resource: c1, permission: full}]
  - name: organization admin
    grants: [{type: api, resource: tenant, permission: full}]
"""
    kept = applied(text)
    deleted = applied(f"allowAutoDelete: true\n{text}")

    assert messages(kept) == ["Created tenant: New One", "Updated role: payments deployer", "Created role: Fresh"]
    assert kept.warnings == (
        "System role cannot be changed: organization admin",
        "Not in the file: role Everywhere (allowAutoDelete: true deletes it)",
    )
    assert messages(deleted) == [*messages(kept), "Deleted role: Everywhere"]
    updated = deleted.directory.roles["r1"]
    assert (updated.name, updated.grants) == ("payments deployer", (api("deployment", "deploy"),))
    fresh = next(role for role in deleted.directory.roles.values() if role.name == "Fresh")
    assert fresh.grants == (Grant(type=GrantType.ACCOUNT, resource="c1", permission="full"),)
    assert deleted.directory.tenants[fresh.tenant].name == "New One"
    assert "r2" not in deleted.directory.roles
    assert deleted.directory.target_groups == ORGANIZATION.target_groups
    assert deleted.directory.credentials == ORGANIZATION.credentials


def test_a_file_of_allow_auto_delete_alone_deletes_all_custom_roles_and_nothing_else():
    outcome = applied("allowAutoDelete: true")

    assert messages(outcome) == ["Deleted role: Everywhere", "Deleted role: Payments Deployer"]
    assert (outcome.directory.roles, outcome.directory.target_groups) == ({}, ORGANIZATION.target_groups)
    assert outcome.directory.credentials == ORGANIZATION.credentials
    assert outcome.directory.tenants == ORGANIZATION.tenants


def test_an_entry_of_the_whole_organization_is_never_the_role_of_a_tenant():
    outcome = applied("roles: [{name: Payments Deployer, grants: [{type: api, resource: tenant, permission: full}]}]")

    assert messages(outcome) == ["Created role: Payments Deployer"]
    assert outcome.directory.roles["r1"] == DEPLOYERS


def test_whoever_held_a_deleted_role_holds_it_no_longer():
    directory = replace(ORGANIZATION, credentials={"id-ci": replace(CI, roles=("r2",)), "id-admin": ADMIN})
    outcome = applied("allowAutoDelete: true", directory=directory)

    assert outcome.directory.roles_of(outcome.directory.credentials["id-ci"].roles) == ()


def test_target_groups_and_credentials_follow_the_file_that_names_them():
    text = """
allowAutoDelete: true
roles: [{name: Everywhere, grants: [{type: api, resource: deployment, permission: read}]}]
targetGroups:
  - {name: staging, targets: [{name: staging}]}
credentials:
  - {name: ci, roles: [Everywhere, Deployments Read Only]}
  - {name: local-admin, roles: [Organization Admin]}
"""
    outcome = applied(text)

    assert messages(outcome) == [
        "Created target group: staging",
        "Updated credential: ci",
        "Deleted role: Payments Deployer",
        "Deleted target group: interns",
    ]
    assert set(outcome.directory.credentials["id-ci"].roles) == {"r2", VIEWER.id}
    assert outcome.directory.credentials["id-agent"] == AGENT
    (group,) = outcome.directory.target_groups.values()
    assert group.places == (TargetPlace(name="staging"),)


@pytest.mark.parametrize(
    ("text", "places", "words"),
    [
        pytest.param("", ["config.yaml:1:1"], "the file is empty", id="empty"),
        pytest.param("- a", ["config.yaml:1:1"], "must be a map", id="list"),
        pytest.param("roles: []\nrolls: []", ["config.yaml:2:1"], 'has no field "rolls"', id="unknown-field"),
        pytest.param("secrets: []", ["config.yaml:1:1"], "borealis secret set", id="secrets"),
        pytest.param("allowAutoDelete: maybe", ["config.yaml:1:18"], "true or false", id="no-boolean"),
        pytest.param("roles: [{name: a}]", ["config.yaml:1:9"], "needs the field `grants`", id="no-grants"),
        pytest.param(
            "roles: [{name: a, grants: [{type: api, resource: all, permission: full}]}]",
            ["config.yaml:1:50"],
            "must be one of organization, tenant, deployment, agentHub",
            id="unknown-resource",
        ),
        pytest.param(
            "roles: [{name: a, grants: []}]", ["config.yaml:1:16"], "grants: must be 1 to 100", id="empty-grants"
        ),
        pytest.param(
            "roles:\n- {name: a, tenant: nowhere, grants: [{type: api, resource: tenant, permission: full}]}\n"
            "targetGroups: [{name: b, tenant: neither, targets: [{name: x}]}]",
            ["config.yaml:2:10", "config.yaml:3:23"],
            'the tenant "nowhere" of a does not exist',
            id="unknown-tenants",
        ),
        pytest.param(
            "credentials: [{name: nobody, roles: [Everywhere]}, {name: ci, roles: [Everywhere], clientSecret: x}]",
            ["config.yaml:1:84"],
            "secrets are not in this file",
            id="secret-of-a-credential",
        ),
        pytest.param(
            "credentials: [{name: nobody, roles: [Everywhere]}]",
            ["config.yaml:1:22"],
            'has no credential "nobody"',
            id="unknown-credential",
        ),
        pytest.param(
            "credentials: [{name: ci, roles: [Nothing]}]", ["config.yaml:1:22"], "no role Nothing", id="unknown-role"
        ),
        pytest.param("tenants: [one, ONE]", ["config.yaml:1:16"], "is in the file twice", id="twice"),
        pytest.param("a: 1\n---\nb: 2", ["config.yaml:1:1", "config.yaml:3:1"], "", id="two-documents"),
    ],
)
def test_faults_have_their_place_and_nothing_is_changed(text, places, words):
    found = faults(text)

    assert [place for place, _ in found] == places
    assert any(words in description for _, description in found)


def test_ia_14_a_bad_role_leaves_everything_as_it_was():
    """IA-14: the faults come before any change; whatever is raised, the directory given is the one that stays."""
    text = """
tenants: [coming]
roles:
  - {name: Good, tenant: coming, grants: [{type: api, resource: tenant, permission: full}]}
  - {name: "-bad-", tenant: coming, grants: [{type: api, resource: tenant, permission: full}]}
"""
    assert [place for place, _ in faults(text)] == ["config.yaml:5:12"]


def test_nobody_gives_more_than_they_hold():
    tenant_admin = Role(id="ta", name="Main Admin", tenant="main", grants=(api(TENANT),))
    directory = replace(ORGANIZATION, roles={**ORGANIZATION.roles, "ta": tenant_admin})
    caller = a_caller(tenant_admin, directory=directory, subject="clients/other")
    grant = "grants: [{type: api, resource: deployment, permission: full}]"

    mine = applied(f"roles: [{{name: Mine, tenant: main, {grant}}}]", directory, caller)
    with pytest.raises(EscalationRefused):
        applied(f"roles: [{{name: Theirs, tenant: other, {grant}}}]", directory, caller)
    with pytest.raises(EscalationRefused):
        applied(f"roles: [{{name: All, {grant}}}]", directory, caller)
    with pytest.raises(PermissionDenied):
        applied("tenants: [more]", directory, caller)

    assert messages(mine) == ["Created role: Mine"]
    assert mine.warnings == ("Not in the file: role Main Admin (allowAutoDelete: true deletes it)",)


def test_nobody_deletes_the_last_role_by_which_they_administrate():
    tenant_admin = Role(id="ta", name="Main Admin", tenant="main", grants=(api(TENANT),))
    directory = replace(ORGANIZATION, roles={**ORGANIZATION.roles, "ta": tenant_admin})
    caller = a_caller(tenant_admin, directory=directory, subject="clients/other")
    weaker = "roles: [{name: Main Admin, tenant: main, grants: [{type: api, resource: tenant, permission: read}]}]"

    for text in ("allowAutoDelete: true", weaker):
        with pytest.raises(OwnAdministration, match="Main Admin"):
            applied(text, directory, caller)
    assert messages(applied("allowAutoDelete: true", directory))[1] == "Deleted role: Main Admin"


def test_nobody_deletes_the_credential_with_which_they_call():
    text = "allowAutoDelete: true\ncredentials: [{name: ci, roles: [Deployments Full Access]}]"

    with pytest.raises(OwnAdministration, match="local-admin"):
        applied(text)
