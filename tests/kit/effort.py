"""How much work something is, as a ratio to work of a known kind in the same run: clocks differ, ratios hardly do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDS = 3


def effort_beside_yaml(work: Callable[[], object], text: str) -> float:
    """CPU time of `work`, as a multiple of what the YAML library alone takes to compose `text`; the best of three."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return min(_cpu_s(work) / _cpu_s(lambda: yaml.compose(text, Loader=loader)) for _ in range(_ROUNDS))


def _cpu_s(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
