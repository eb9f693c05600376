"""A server that dies right after any of its writes, to its store or to a cluster, and is started again."""

from __future__ import annotations

import pytest

from kit.crash import DELIVERIES, crash_at


@pytest.mark.looptime
@pytest.mark.timeout(300)
@pytest.mark.parametrize("delivery", DELIVERIES, ids=lambda delivery: delivery.name)
async def test_a_crash_after_any_write_changes_nothing_about_the_end(delivery, tmp_path):
    undisturbed = await crash_at(0, delivery, tmp_path)
    assert undisturbed is not None
    assert undisturbed.deployment.state is delivery.ends, undisturbed.deployment.message

    for point, what in enumerate(undisturbed.points, start=1):
        end = await crash_at(point, delivery, tmp_path)
        assert end is not None, f"there is no write {point}"
        differences = end.differences(undisturbed, is_race=delivery.is_race)
        assert differences == [], f"after write {point} ({what}) of {undisturbed.points}"
    assert len(undisturbed.points) >= 15
