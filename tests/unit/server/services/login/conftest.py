from __future__ import annotations

import pytest

from kit.issuer import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
