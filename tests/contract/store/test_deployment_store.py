"""What every deployment store does."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from borealis_server.domain.deployment import Deployment, DeploymentKey
from borealis_server.domain.errors import DeploymentInProgress, DeploymentNotFound, RequestIdReused
from borealis_server.domain.states import DeploymentState
from borealis_server.ports.store import Admission, Change, DeploymentCursor

KEY = DeploymentKey(tenant="main", id="one")


@pytest.fixture
def store(stores):
    return stores.deployments


@pytest.fixture
def insert(store, records):
    async def insert(name: str = "one", **fields):
        return await store.insert(records.deployment(name, **fields), records.inputs(), [records.event(1)])

    return insert


@pytest.fixture
def appended(records):
    """A change that appends one event and leaves the rest as it is."""

    def change(deployment: Deployment) -> Change:
        sequence = deployment.sequence + 1
        return Change(deployment=replace(deployment, sequence=sequence), events=(records.event(sequence),))

    return change


def ended(state: DeploymentState = DeploymentState.SUCCEEDED):
    return lambda deployment: Change(deployment=replace(deployment, state=state), events=())


async def test_everything_inserted_comes_back_as_it_was(store, insert, records):
    inserted = await insert()

    assert inserted == records.deployment()
    assert await store.get(KEY) == inserted
    assert await store.inputs(KEY) == records.inputs()
    assert await store.events(KEY, after_sequence=0, limit=10) == (records.event(1),)


async def test_unknown_deployments_are_named_in_the_error(store):
    for call in (store.get(KEY), store.inputs(KEY), store.update(KEY, lambda _: None)):
        with pytest.raises(DeploymentNotFound) as error:
            await call
        assert error.value.metadata == {"deployment": "tenants/main/deployments/one"}
    assert await store.events(KEY, after_sequence=0, limit=10) == ()


async def test_an_id_of_another_tenant_is_another_deployment(store, insert):
    await insert()

    with pytest.raises(DeploymentNotFound):
        await store.get(DeploymentKey(tenant="other", id="one"))
    await insert(tenant="other")
    assert len(await store.list("other", limit=10)) == 1


async def test_a_second_deployment_of_an_application_in_progress_is_refused_by_name(store, insert):
    await insert()

    with pytest.raises(DeploymentInProgress) as error:
        await insert("two")
    assert error.value.metadata == {"application": "shop", "deployment": "tenants/main/deployments/one"}
    with pytest.raises(DeploymentNotFound):
        await store.get(DeploymentKey(tenant="main", id="two"))


async def test_other_applications_and_tenants_are_not_in_the_way(insert):
    await insert()

    await insert("two", application="stock")
    await insert("three", tenant="other")


async def test_an_application_is_free_again_when_its_deployment_ended(store, insert):
    await insert()
    await store.update(KEY, ended(DeploymentState.FAILED))

    await insert("two")


async def test_a_repeated_request_answers_with_the_first_deployment_as_it_is_now(store, insert, appended):
    await insert(request_id="r1", digest="d1")
    await store.update(KEY, appended)

    repeated = await insert("two", request_id="r1", digest="d1")

    assert repeated == await store.get(KEY)
    assert len(await store.list("main", limit=10)) == 1


async def test_the_deployment_of_a_request_is_found_as_it_is_now(store, insert, appended):
    await insert(request_id="r1", digest="d1")
    await store.update(KEY, appended)

    assert await store.of_request("main", "r1") == await store.get(KEY)
    assert await store.of_request("main", "r2") is None
    assert await store.of_request("other", "r1") is None


async def test_a_repeat_is_recognised_after_the_end_too(store, insert):
    await insert(request_id="r1", digest="d1")
    await store.update(KEY, ended())

    repeated = await insert("two", request_id="r1", digest="d1")

    assert repeated.key == KEY
    assert repeated.state is DeploymentState.SUCCEEDED


async def test_a_request_id_with_other_content_is_refused(insert):
    await insert(request_id="r1", digest="d1")

    with pytest.raises(RequestIdReused):
        await insert("two", application="stock", request_id="r1", digest="d2")


async def test_request_ids_belong_to_their_tenant_and_empty_ones_to_nobody(insert):
    await insert(request_id="r1", digest="d1")

    await insert("two", tenant="other", request_id="r1", digest="d2")
    await insert("three", application="a", digest="d1")
    await insert("four", application="b", digest="d1")


async def test_an_update_keeps_the_new_state_its_events_and_the_next_revision(store, insert, appended, records):
    before = await insert()

    committed = await store.update(KEY, appended)

    assert committed.before == before
    assert committed.after == replace(before, sequence=2, revision=before.revision + 1)
    assert await store.get(KEY) == committed.after
    assert await store.events(KEY, after_sequence=1, limit=10) == (records.event(2),)


async def test_an_update_that_wants_nothing_changes_nothing(store, insert):
    before = await insert()

    committed = await store.update(KEY, lambda _: None)

    assert committed.before == committed.after == before == await store.get(KEY)


async def test_what_a_change_raises_comes_out_and_nothing_is_written(store, insert):
    before = await insert()

    def fail(_deployment: Deployment) -> Change:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await store.update(KEY, fail)
    assert await store.get(KEY) == before


async def test_events_that_leave_a_gap_are_refused_and_nothing_is_written(store, insert, records):
    before = await insert()

    def leap(deployment: Deployment) -> Change:
        return Change(deployment=replace(deployment, sequence=3), events=(records.event(3),))

    with pytest.raises(ValueError, match="do not continue"):
        await store.update(KEY, leap)
    assert await store.get(KEY) == before
    assert len(await store.events(KEY, after_sequence=0, limit=10)) == 1


async def test_concurrent_updates_all_happen_one_after_the_other(store, insert, appended):
    await insert()

    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(store.update(KEY, appended))

    final = await store.get(KEY)
    events = await store.events(KEY, after_sequence=0, limit=1000)
    assert (final.sequence, final.revision) == (101, 100)
    assert [event.sequence for event in events] == list(range(1, 102))


async def test_of_concurrent_starts_of_an_application_one_wins(insert):
    async def start(number: int):
        try:
            return (await insert(f"d{number}")).key.id
        except DeploymentInProgress as error:
            return error.metadata["deployment"].rpartition("/")[2]

    async with asyncio.TaskGroup() as group:
        started = [group.create_task(start(number)) for number in range(20)]

    assert len({task.result() for task in started}) == 1


async def test_of_concurrent_repeats_of_a_request_one_starts_and_all_hear_of_it(store, insert):
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(insert(f"d{number}", request_id="r1", digest="d1"))

    assert len(await store.list("main", limit=100)) == 1


async def test_events_come_in_order_after_the_one_named_and_at_most_as_many_as_wanted(store, insert, appended):
    await insert()
    for _ in range(5):
        await store.update(KEY, appended)

    page = await store.events(KEY, after_sequence=2, limit=3)

    assert [event.sequence for event in page] == [3, 4, 5]


async def test_lists_are_newest_first_and_pages_join_without_gap_or_repeat(store, insert):
    for number in range(7):  # three of them start at the same instant
        await insert(f"d{number}", application=f"app-{number}", minutes=min(number, 4))

    seen: list[str] = []
    after = None
    while page := await store.list("main", limit=2, after=after):
        seen += [deployment.key.id for deployment in page]
        after = DeploymentCursor(started_at=page[-1].started_at, id=page[-1].key.id)

    assert seen == ["d6", "d5", "d4", "d3", "d2", "d1", "d0"]


async def test_lists_filter_by_application_and_by_progress(store, insert):
    await insert()
    await store.update(KEY, ended())
    await insert("two", minutes=1)
    await insert("three", application="stock", minutes=2)

    async def ids(**wanted) -> list[str]:
        return [deployment.key.id for deployment in await store.list("main", limit=10, **wanted)]

    assert await ids() == ["three", "two", "one"]
    assert await ids(application="shop") == ["two", "one"]
    assert await ids(in_progress_only=True) == ["three", "two"]
    assert await ids(application="shop", in_progress_only=True) == ["two"]
    assert await ids(application="none") == []


async def test_unfinished_deployments_of_all_tenants_are_oldest_first(store, insert):
    await insert("new", minutes=5)
    await insert("old", tenant="other", minutes=1)
    await insert("done", application="stock", minutes=3)
    await store.update(DeploymentKey(tenant="main", id="done"), ended())

    assert [deployment.key.id for deployment in await store.unfinished()] == ["old", "new"]


class TestQueue:
    """What is kept beside a deployment in progress."""

    @pytest.fixture
    def admit(self, store, records):
        """Keeps `name` as queued, in the place of whatever waits."""

        async def admit(name, **fields):
            asked = []

            def beside(others):
                asked.append([(other.key.id, other.state) for other in others])
                waiting = [other for other in others if other.state is DeploymentState.QUEUED]
                replaced = [replace(one, state=DeploymentState.REPLACED, sequence=one.sequence + 1) for one in waiting]
                return Admission(
                    new=Change(deployment=queued, events=(records.event(1),)),
                    replaced=Change(deployment=replaced[0], events=(records.event(replaced[0].sequence),))
                    if replaced
                    else None,
                )

            queued = records.deployment(name, state=DeploymentState.QUEUED, **fields)
            wanted = records.deployment(name, **fields)
            kept = await store.insert(wanted, records.inputs(), [records.event(1)], beside=beside)
            return kept, asked

        return admit

    async def test_nobody_is_asked_where_nothing_is_in_progress(self, store, admit):
        kept, asked = await admit("one")

        assert (kept.state, asked) == (DeploymentState.RUNNING, [])
        assert await store.get(KEY) == kept

    async def test_what_is_admitted_is_kept_beside_the_one_in_progress(self, store, insert, admit):
        await insert()

        kept, asked = await admit("two")

        assert asked == [[("one", DeploymentState.RUNNING)]]
        assert await store.get(kept.key) == kept
        assert kept.state is DeploymentState.QUEUED
        assert {one.key.id for one in await store.unfinished()} == {"one", "two"}

    async def test_the_one_that_waited_is_replaced_in_the_same_commit(self, store, insert, admit, records):
        await insert()
        second, _ = await admit("two")

        _, asked = await admit("three")

        assert sorted(asked[0]) == [("one", DeploymentState.RUNNING), ("two", DeploymentState.QUEUED)]
        replaced = await store.get(second.key)
        assert (replaced.state, replaced.revision) == (DeploymentState.REPLACED, 1)
        assert await store.events(second.key, after_sequence=1, limit=9) == (records.event(2),)

    async def test_one_that_does_not_queue_is_refused_and_names_the_one_in_progress(self, insert, admit):
        await insert()
        await admit("two")

        with pytest.raises(DeploymentInProgress) as error:
            await insert("three")

        assert error.value.metadata["deployment"].endswith("/one")

    async def test_a_repeated_request_is_recognised_before_anybody_is_asked(self, insert, admit):
        await insert()
        first, _ = await admit("two", request_id="r1", digest="d1")

        again, asked = await admit("three", request_id="r1", digest="d1")

        assert (again, asked) == (first, [])

    async def test_what_admission_raises_comes_out_and_nothing_is_written(self, store, insert, records):
        await insert()

        def beside(_others):
            raise ValueError("no")

        with pytest.raises(ValueError, match="no"):
            await store.insert(records.deployment("two"), records.inputs(), [records.event(1)], beside=beside)

        assert [one.key.id for one in await store.list("main", limit=9)] == ["one"]

    async def test_a_queued_one_takes_its_turn(self, store, insert, admit):
        await insert()
        kept, _ = await admit("two")
        await store.update(KEY, ended())

        await store.update(kept.key, ended(DeploymentState.RUNNING))

        with pytest.raises(DeploymentInProgress):
            await insert("three")
