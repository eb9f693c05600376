"""A task group's own cancel requests, which Python 3.11.2 mistakes for real ones."""

from __future__ import annotations

import asyncio


def pending_cancels() -> int:
    """How many want the current task to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def take_back_cancels(before: int) -> None:
    """Forget cancel requests since `before`, which were a task group's own.

    A group whose task fails while the group is being left cancels its parent and never takes that back. Until Python
    3.11.3, the parent's next time limit then ends it instead of raising TimeoutError.
    """
    task = asyncio.current_task()
    while task and task.cancelling() > before:
        task.uncancel()
