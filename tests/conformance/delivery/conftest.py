"""The whole engine and an empty store over a model cluster in virtual time."""

from __future__ import annotations

import pytest

from kit.model_engine import ModelEngine


@pytest.fixture
def engine() -> ModelEngine:
    """A model cluster, its agent and an empty store."""
    return ModelEngine()
