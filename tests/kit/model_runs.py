"""Runs over a model engine, as tests of services begin them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from borealis_server.domain.states import DeploymentState
from kit.shop import deploy_file, manifests

if TYPE_CHECKING:
    from borealis_server.domain.deployment import DeploymentKey, Event
    from kit.control_plane import ControlPlane
    from kit.model_engine import ModelEngine

_ALL_EVENTS = 10_000


async def start(
    plane: ControlPlane, *steps: str, version: str = "1", application: str = "shop", **options: Any
) -> DeploymentKey:
    """Start `version` of the example application in namespace `ns`; `options` are those of its manifests."""
    text = deploy_file("ns", *steps, application=application)
    return (await plane.start(text, shop_yaml=manifests(version, name=application, **options))).key


async def deploy_first(plane: ControlPlane, **options: Any) -> str:
    """Version 1 runs; the name of its ReplicaSet."""
    done = await plane.until_end(await start(plane, **options))
    assert done.state is DeploymentState.SUCCEEDED, done.message
    return done.targets[0].workloads[0].new_name


async def settle_down() -> None:
    """Let everything that can happen now happen."""
    await asyncio.sleep(0.001)


async def events_of(engine: ModelEngine, key: DeploymentKey) -> tuple[Event, ...]:
    """Everything that happened to a deployment."""
    return await engine.store.events(key, after_sequence=0, limit=_ALL_EVENTS)
