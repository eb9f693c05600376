"""A web door, a hub, an agent and a target; nothing of them may be left behind."""

from __future__ import annotations

import pytest

from kit.kube_door import open_kube_web
from kit.leaks import no_leaks
from kit.target_api import open_target_api
from kit.tunnel import open_agent, open_hub

__all__ = ["no_leaks"]


@pytest.fixture
async def api(tmp_path):
    async with open_target_api(tmp_path / "api") as api:
        yield api


@pytest.fixture
async def door(api, tmp_path):
    async with (
        open_hub(tmp_path / "hub") as hub,
        open_agent(hub, api.kubeconfig),
        open_kube_web(hub, tmp_path / "web") as door,
    ):
        yield door


@pytest.fixture
async def client(door):
    async with door.client() as client:
        yield client
