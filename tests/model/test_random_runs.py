"""Random deploy files among random events: a few hundred, the same ones every time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.checker.random_files import random_files
from kit.checker.walk import walk

pytestmark = pytest.mark.timeout(300)


@settings(max_examples=200, derandomize=True, suppress_health_check=list(HealthCheck))
@given(random_files(), st.lists(st.integers(0, 99), min_size=40, max_size=150))
def test_nothing_that_may_happen_breaks_a_random_delivery(file, choices):
    found = walk(file.scenario, choices)

    assert found is None, f"\n{file.text}\n{file.manifests}\n{found}"
