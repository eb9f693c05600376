"""What a credential must look like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from borealis_server.domain.access import Permission
from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.identity import NewCredential, PrincipalKind, check_credential
from borealis_server.domain.roles import ADMINISTRATOR, AGENT, DEPLOYER, VIEWER
from kit.callers import a_caller


@pytest.mark.parametrize(
    ("name", "roles", "agent"),
    [("ci", [DEPLOYER], ""), ("a" * 63, [VIEWER, DEPLOYER], ""), ("west", [AGENT], "West_1")],
)
def test_a_wish_without_faults_is_none(name, roles, agent):
    wanted = NewCredential(display_name=name, roles=tuple(role.id for role in roles), agent=agent)

    check_credential(wanted, roles)  # raises nothing


@pytest.mark.parametrize(
    ("name", "roles", "agent", "fields"),
    [
        ("", [ADMINISTRATOR], "", ["display_name"]),
        ("a" * 64, [ADMINISTRATOR], "", ["display_name"]),
        ("Ci", [ADMINISTRATOR], "", ["display_name"]),
        ("ci\n", [ADMINISTRATOR], "", ["display_name"]),
        ("ci", [], "", ["roles"]),
        ("ci", [AGENT], "", ["agent"]),
        ("ci", [AGENT], "a b", ["agent"]),
        ("ci", [VIEWER], "west", ["agent"]),
        ("C I", [], "west", ["display_name", "roles", "agent"]),
    ],
)
def test_every_fault_of_a_wish_is_named(name, roles, agent, fields):
    wanted = NewCredential(display_name=name, roles=tuple(role.id for role in roles), agent=agent)

    with pytest.raises(InvalidArgument) as error:
        check_credential(wanted, roles)

    assert [violation.field for violation in error.value.violations] == fields


def test_people_are_called_by_their_address_and_machines_by_their_name():
    assert a_caller(VIEWER, kind=PrincipalKind.USER, name="ana").actor == "ana@example.org"
    assert a_caller(VIEWER, name="ci").actor == "ci"


def test_what_concerns_the_whole_installation_is_for_its_own_organization():
    ours = a_caller(ADMINISTRATOR)
    theirs = replace(ours, organization="another")

    assert ours.may(Permission.KEYS_ROTATE)
    assert not theirs.may(Permission.KEYS_ROTATE)
    assert theirs.may(Permission.TENANTS_WRITE)


def test_names_of_roles_are_sorted_and_each_is_there_once():
    assert a_caller(VIEWER, DEPLOYER, VIEWER).role_names == ("Deployments Full Access", "Deployments Read Only")
