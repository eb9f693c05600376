"""The grammar of resource names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.names import AgentName, CredentialName, DeploymentName, random_id

tenants = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\Z")
simple_ids = st.from_regex(r"\A[A-Za-z0-9_-]{1,63}\Z")


@given(tenants, simple_ids)
def test_a_name_survives_formatting_and_parsing(tenant, identifier):
    for kind in (AgentName, CredentialName):
        name = kind(tenant, identifier)
        assert kind.parse(str(name)) == name


BAD = [
    "",
    "tenants/main/agents/",
    "tenants//agents/a",
    "tenants/main/deployments/a",
    "agents/a",
    "tenants/main/agents/a/b",
    "tenants/main/agents/a b",
    "tenants/main/agents/a\n",
    "tenants/-main/agents/a",
    "tenants/Main/agents/a",
    "tenants/main/agents/" + "a" * 64,
    "tenants/main/agents/ä",
    "xtenants/main/agents/a",
]


@pytest.mark.parametrize("text", BAD, ids=repr)
def test_anything_else_is_refused_with_the_form_it_must_have(text):
    with pytest.raises(InvalidArgument) as error:
        AgentName.parse(text, field="agent")

    (violation,) = error.value.violations
    assert violation.field == "agent"
    assert "tenants/{tenant}/agents/{id}" in violation.description


def test_a_long_text_is_shortened_in_the_message():
    with pytest.raises(InvalidArgument) as error:
        AgentName.parse("x" * 10_000)

    assert len(error.value.message) < 300


def test_names_of_different_kinds_and_tenants_are_different():
    assert len({AgentName("main", "a"), CredentialName("main", "a")}) == 2
    assert AgentName("main", "a") != AgentName("other", "a")
    assert AgentName.is_id("my-cluster_1")
    assert not AgentName.is_id("")
    assert not DeploymentName.is_id("UPPER")


@given(st.binary(min_size=8, max_size=8))
def test_a_random_id_is_a_deployments_id_that_starts_with_a_letter(entropy):
    identifier = random_id(entropy)

    assert re.fullmatch(r"[a-z][a-z2-9]{11}", identifier)
    assert DeploymentName.is_id(identifier)


def test_each_of_59_bits_changes_the_id():
    ids = {random_id((1 << bit).to_bytes(8, "big")) for bit in range(59)}

    assert len(ids | {random_id(bytes(8))}) == 60


def test_the_wrong_amount_of_entropy_is_a_mistake():
    with pytest.raises(ValueError, match="8 random bytes"):
        random_id(b"x")
