"""What a request for a credential must look like."""

import pytest

from borealis_server.domain.access import Role
from borealis_server.domain.errors import InvalidArgument
from borealis_server.domain.identity import NewCredential


@pytest.mark.parametrize(
    ("wanted", "role"),
    [
        (NewCredential(display_name="ci", role="deployer"), Role.DEPLOYER),
        (NewCredential(display_name="a" * 63, role="viewer"), Role.VIEWER),
        (NewCredential(display_name="west", role="agent", agent="West_1"), Role.AGENT),
    ],
    ids=["deployer", "longest-name", "agent"],
)
def test_a_request_without_faults_gives_its_role(wanted, role):
    assert wanted.checked_role() is role


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        (NewCredential(display_name="", role="admin"), ["display_name"]),
        (NewCredential(display_name="a" * 64, role="admin"), ["display_name"]),
        (NewCredential(display_name="Ci", role="admin"), ["display_name"]),
        (NewCredential(display_name="ci\n", role="admin"), ["display_name"]),
        (NewCredential(display_name="ci", role="root"), ["role"]),
        (NewCredential(display_name="ci", role=""), ["role"]),
        (NewCredential(display_name="ci", role="agent"), ["agent"]),
        (NewCredential(display_name="ci", role="agent", agent="a b"), ["agent"]),
        (NewCredential(display_name="ci", role="viewer", agent="west"), ["agent"]),
        (NewCredential(display_name="C I", role="root", agent="west"), ["display_name", "role", "agent"]),
    ],
)
def test_every_fault_of_a_request_is_named_at_once(wanted, fields):
    with pytest.raises(InvalidArgument) as refused:
        wanted.checked_role()

    assert [violation.field for violation in refused.value.violations] == fields
