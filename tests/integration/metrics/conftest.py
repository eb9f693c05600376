"""A real Prometheus for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kit.prometheus import open_prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.prometheus import Prometheus


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It scrapes four times a second."""
    with open_prometheus(tmp_path_factory.mktemp("prometheus")) as running:
        yield running
