"""Following deployments: the whole story arrives once and in order, whatever the connection does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import pytest

import borealis_client
from borealis_client import DeploymentState, TargetRunState
from kit.client_messages import NAME, a_deployment, a_target, an_event, the_end
from kit.scripted_server import CLIENT_ID, CLIENT_SECRET, Failure, ScriptedServer, Silence

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from borealis_client import Borealis, BorealisError, DeploymentUpdate

DROPPED = Failure(code=grpc.StatusCode.UNAVAILABLE, reason="UNAVAILABLE")


async def follow(borealis: Borealis) -> list[DeploymentUpdate]:
    return [update async for update in borealis.deployments.watch(NAME)]


async def test_the_state_changes_with_each_event_and_the_watch_ends_by_itself(
    server: ScriptedServer, borealis: Borealis
):
    server.deployments[NAME] = a_deployment(state=DeploymentState.SUCCEEDED, sequence=3, message="all is well")
    done = an_event(2, target_run=a_target(state=TargetRunState.SUCCEEDED))
    server.watches.append([a_deployment(), done, the_end(3, DeploymentState.SUCCEEDED)])

    updates = await follow(borealis)

    assert [update.sequence for update in updates] == [1, 2, 3]
    assert [update.deployment.targets[0].state for update in updates[:2]] == [
        TargetRunState.RUNNING,
        TargetRunState.SUCCEEDED,
    ]
    assert updates[0].event is None
    assert updates[2].deployment == server.deployments[NAME]


async def test_a_dropped_watch_resumes_after_the_last_event(server: ScriptedServer, borealis: Borealis):
    server.watches.append([a_deployment(), an_event(2), DROPPED])
    server.watches.append([an_event(3), the_end(4, DeploymentState.FAILED)])

    updates = await follow(borealis)

    assert [update.sequence for update in updates] == [1, 2, 3, 4]
    assert [request.after_sequence for request in server.called("WatchDeployment")] == [0, 2]


async def test_a_stream_that_ends_early_is_resumed(server: ScriptedServer, borealis: Borealis):
    server.watches.append([a_deployment(), an_event(2)])
    server.watches.append([the_end(3, DeploymentState.SUCCEEDED)])

    updates = await follow(borealis)

    assert [update.sequence for update in updates] == [1, 2, 3]


async def test_a_snapshot_after_a_gap_replaces_what_was_known(server: ScriptedServer, borealis: Borealis):
    server.watches.append([a_deployment(), DROPPED])
    server.watches.append([a_deployment(sequence=9, state=DeploymentState.CANCELLED)])

    updates = await follow(borealis)

    assert [update.sequence for update in updates] == [1, 9]
    assert updates[-1].deployment.state is DeploymentState.CANCELLED


async def test_a_state_that_is_final_before_the_last_event_does_not_end_the_watch(
    server: ScriptedServer, borealis: Borealis
):
    early = an_event(2, deployment_state=DeploymentState.FAILED)
    server.watches.append([a_deployment(), early, the_end(3, DeploymentState.FAILED)])

    updates = await follow(borealis)

    assert [update.sequence for update in updates] == [1, 2, 3]


async def test_a_deployment_that_has_ended_gives_one_update(server: ScriptedServer, borealis: Borealis):
    server.deployments[NAME] = a_deployment(state=DeploymentState.SUCCEEDED)

    updates = await follow(borealis)

    assert len(updates) == 1


async def test_a_watch_survives_a_restart_of_the_server(server: ScriptedServer, borealis: Borealis):
    server.watches.append([a_deployment(), Silence(seconds=5)])
    server.watches.append([an_event(2), the_end(3, DeploymentState.SUCCEEDED)])
    told: list[BorealisError] = []
    updates: list[DeploymentUpdate] = []

    async with asyncio.TaskGroup() as group:
        async for update in borealis.deployments.watch(NAME, on_interruption=lambda error, _: told.append(error)):
            updates.append(update)
            if len(updates) == 1:
                group.create_task(asyncio.to_thread(restart, server))

    assert [update.sequence for update in updates] == [1, 2, 3]
    assert told


def restart(server: ScriptedServer) -> None:
    server.stop()
    server.start()


async def test_an_expired_token_is_replaced_in_the_middle_of_a_watch(server: ScriptedServer, borealis: Borealis):
    expired = Failure(code=grpc.StatusCode.UNAUTHENTICATED, reason="UNAUTHENTICATED")
    server.watches.append([a_deployment(), expired])
    server.watches.append([the_end(2, DeploymentState.SUCCEEDED)])

    updates = await follow(borealis)

    assert [update.sequence for update in updates] == [1, 2]
    assert [call.token for call in server.calls if call.method == "WatchDeployment"] == ["token-1", "token-2"]


async def test_a_credential_revoked_in_the_middle_ends_the_watch(server: ScriptedServer, borealis: Borealis):
    refused = Failure(code=grpc.StatusCode.UNAUTHENTICATED, reason="UNAUTHENTICATED")
    server.watches.extend([[a_deployment(), refused], [refused], [refused]])

    with pytest.raises(borealis_client.TokenRefusedError):
        await follow(borealis)


async def test_a_server_that_stays_away_ends_the_watch(server: ScriptedServer, borealis: Borealis):
    server.watches.append([a_deployment(), Silence(seconds=5)])

    async def follow_until_it_stops() -> None:
        async for _ in borealis.deployments.watch(NAME):
            await asyncio.to_thread(server.stop)

    with pytest.raises(borealis_client.ServerUnreachableError, match=server.address):
        await follow_until_it_stops()


async def test_a_watch_of_nothing_fails_at_once(borealis: Borealis):
    with pytest.raises(borealis_client.DeploymentNotFoundError):
        [update async for update in borealis.deployments.watch("tenants/main/deployments/nothing")]


async def test_leaving_the_iteration_leaves_the_stream(server: ScriptedServer, borealis: Borealis):
    server.watches.append([a_deployment(), Silence(seconds=20)])

    watch = borealis.deployments.watch(NAME)
    async for _ in watch:
        break
    await watch.aclose()

    assert await borealis.deployments.get(NAME)


async def test_agents_come_first_as_they_are(server: ScriptedServer, borealis: Borealis):
    server.agents = [borealis_client.Agent(name=f"tenants/main/agents/{name}") for name in ("a", "b")]

    seen = []
    watch = borealis.agents.watch()
    async for agent in watch:
        seen.append(agent.name)
        if len(seen) == 4:
            break
    await watch.aclose()

    assert seen == ["tenants/main/agents/a", "tenants/main/agents/b"] * 2


async def connected(server: ScriptedServer, *, timeout_s: float = 5.0) -> AsyncGenerator[Borealis, None]:
    """A client that gets suspicious soon."""
    retry = borealis_client.RetryPolicy(base_s=0.001, idle_limit_s=0.2)
    async with borealis_client.connect(
        server.address,
        ca_file=server.ca_file,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        retry=retry,
        timeout_s=timeout_s,
    ) as borealis:
        yield borealis


async def test_a_quiet_deployment_is_watched_on(server: ScriptedServer):
    server.watches.append([a_deployment(), Silence(seconds=5)])
    server.watches.append([the_end(2, DeploymentState.SUCCEEDED)])

    async with asynccontextmanager(connected)(server) as borealis:
        updates = await follow(borealis)

    assert [update.sequence for update in updates] == [1, 2]
    assert len(server.called("GetDeployment")) == 2


async def test_a_connection_that_died_in_silence_is_made_anew(server: ScriptedServer):
    server.watches.append([a_deployment(), Silence(seconds=5)])
    server.watches.append([the_end(2, DeploymentState.SUCCEEDED)])
    server.fail("GetDeployment", Silence(seconds=5))

    async with asynccontextmanager(connected)(server, timeout_s=0.3) as borealis:
        updates = await follow(borealis)

    assert [update.sequence for update in updates] == [1, 2]
