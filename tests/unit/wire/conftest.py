"""Two tunnels and the pipe between them, without any I/O."""

from __future__ import annotations

import pytest

from kit.wire import Pair


@pytest.fixture
def pair() -> Pair:
    return Pair.greeted()
