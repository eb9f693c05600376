"""A world of its own for each test of a service, and what was logged in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from kit.model_engine import ModelEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from typing import Any


@pytest.fixture
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, instead of its output."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def engine() -> ModelEngine:
    """A model cluster, its agent and an empty store."""
    return ModelEngine()
