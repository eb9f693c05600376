"""A hub and an agent with fault proxies around the agent; nothing of them may be left behind."""

from __future__ import annotations

import pytest

from kit.fault_bed import open_bed
from kit.leaks import no_leaks

__all__ = ["no_leaks"]


@pytest.fixture
async def bed(tmp_path):
    async with open_bed(tmp_path) as bed:
        yield bed
