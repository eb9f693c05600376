"""A web door, a hub, an agent, and a Service of a real cluster that leads to an application of the test."""

from __future__ import annotations

import json

import pytest

from kit.leaks import no_leaks
from kit.previews import make_service, open_app, open_preview_web, preview_policy, routable_address
from kit.rest import open_rest
from kit.tunnel import open_agent, open_hub

__all__ = ["no_leaks"]


@pytest.fixture
async def app():
    async with open_app(routable_address()) as app:
        yield app


@pytest.fixture
async def rest(real_api):
    async with open_rest(real_api) as rest:
        yield rest


@pytest.fixture
async def hub(tmp_path):
    async with open_hub(tmp_path / "hub") as hub:
        yield hub


@pytest.fixture
def kubeconfig(real_api, tmp_path):
    """With its authority in a file of its own, so that nobody has to make one."""
    text = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "c", "cluster": {"server": real_api.url, "certificate-authority": str(real_api.ca_file)}}
            ],
            "users": [{"name": "u", "user": {"token": real_api.token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    return file


@pytest.fixture
def policy_changes():
    """What the agent's list says otherwise."""
    return {}


@pytest.fixture
async def door(app, rest, kubeconfig, policy_changes, kube_namespace, hub, tmp_path):
    await make_service(rest, kube_namespace, "shop", app)
    async with (
        open_agent(hub, kubeconfig, policy=preview_policy(kube_namespace, **policy_changes)),
        open_preview_web(hub, tmp_path / "web", kube_namespace) as door,
    ):
        yield door


@pytest.fixture
async def visitor(door):
    async with door.visitor() as visitor:
        yield visitor
