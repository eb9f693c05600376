"""A server that dies right after any of its writes, to its store or to a cluster, and is started again."""

from __future__ import annotations

import os

import pytest

from kit.crash import DELIVERIES, ON_A_SANDBOX, crash_at
from kit.crash_routes import ROUTED
from kit.power import open_sandbox_world

SAMPLE_EVERY = 1 if os.environ.get("CRASH_POINTS") == "all" else 9


async def on_sandbox(point, delivery, folder):
    folder.mkdir()
    async with open_sandbox_world(folder) as world:
        return await crash_at(point, delivery, folder, world)


@pytest.mark.looptime
@pytest.mark.timeout(300)
@pytest.mark.parametrize("delivery", [*DELIVERIES, *ROUTED], ids=lambda delivery: delivery.name)
async def test_a_crash_after_any_write_changes_nothing_about_the_end(delivery, tmp_path):
    """Hard case 16."""
    undisturbed = await crash_at(0, delivery, tmp_path)
    assert undisturbed is not None
    assert undisturbed.deployment.state is delivery.ends, undisturbed.deployment.message

    for point, what in enumerate(undisturbed.points, start=1):
        end = await crash_at(point, delivery, tmp_path)
        assert end is not None, f"there is no write {point}"
        differences = end.differences(undisturbed, is_race=delivery.is_race)
        assert differences == [], f"after write {point} ({what}) of {undisturbed.points}"
    assert len(undisturbed.points) >= 15


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ON_A_SANDBOX)
async def test_a_crash_changes_nothing_about_the_end_on_an_api_server(name, tmp_path):
    """The same over HTTPS in real time: at a sample of the writes, or at all of them by `make crash-test`."""
    delivery = next(each for each in DELIVERIES if each.name == name)
    undisturbed = await on_sandbox(0, delivery, tmp_path / "undisturbed")
    assert undisturbed is not None
    assert undisturbed.deployment.state is delivery.ends, undisturbed.deployment.message

    for point in range(1, len(undisturbed.points) + 1, SAMPLE_EVERY):
        end = await on_sandbox(point, delivery, tmp_path / str(point))
        if end is not None:  # real time: a run may have fewer writes than another
            assert end.differences(undisturbed) == [], f"after write {point} of {undisturbed.points}"
