"""Runs with webhooks over a model engine: start them, wait for their calls, and call back."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from borealis_server.domain.callback_tokens import CallbackAddress
from kit.jobs import callbacks_for
from kit.outside import WEB
from kit.shop import manifests
from kit.webhook_files import CALL, webhook_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from borealis_server.domain.deployment import Deployment, DeploymentKey
    from borealis_server.services.callbacks import Callbacks
    from kit.control_plane import ControlPlane
    from kit.model_engine import ModelEngine
    from kit.outside import Asked


async def start(
    plane: ControlPlane, *steps: str, version: str = "2", context: Mapping[str, str] | None = None, **options: Any
) -> DeploymentKey:
    """Start `version` of the example application; `options` are those of `webhook_file`."""
    text = webhook_file(*(steps or (CALL,)), **options)
    return (await plane.start(text, given=context, shop_yaml=manifests(version))).key


def callbacks_of(engine: ModelEngine, plane: ControlPlane) -> Callbacks:
    """Takes callbacks by the tokens of calls."""
    return callbacks_for(plane.journal, engine.clock, engine.secrets)


async def call_back(
    engine: ModelEngine, plane: ControlPlane, asked: Asked, *, success: bool = True, message: str = ""
) -> None:
    """What the receiver of a call does with the address and the token in its body."""
    sent = json.loads(asked.request.body)
    address = CallbackAddress.parse(sent["uri"].removeprefix(WEB).removesuffix("/callback"))
    assert address is not None
    body = json.dumps({"success": success, "mdMessage": message}).encode()
    await callbacks_of(engine, plane).take(address, sent["token"], body)


async def until_asked(engine: ModelEngine, count: int = 1) -> Asked:
    """The call of that number, once it was made."""
    while len(engine.outside.asked) < count:
        await asyncio.sleep(0.1)
    return engine.outside.asked[count - 1]


async def until_callback_is_awaited(plane: ControlPlane, key: DeploymentKey, ref: str = "step-1") -> Deployment:
    """The deployment, once its call was accepted."""
    return await plane.until(key, lambda now: now.targets[0].step(ref).limit_at is not None)
