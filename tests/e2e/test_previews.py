"""A preview as people use it: a deployment exposes a Service, somebody visits it, and it ends."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest

from kit.platform import Platform
from kit.previews import ToDoor, make_service, open_app, routable_address
from kit.rest import open_rest
from kit.shop import APPROVAL, SET_25, deploy_file, manifests

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kit.api_server import ApiServer

TARGETS = """
[kube]
[services.preview]
namespaces = ["test-*"]
ports = [80]
lookup = "endpoints"
"""


@pytest.fixture
async def platform(tmp_path_factory: pytest.TempPathFactory, real_api: ApiServer) -> AsyncIterator[Platform]:
    """A server, and an agent that lets previews through."""
    with Platform(tmp_path_factory.mktemp("platform")) as running:
        await running.add_agent("cluster-1", real_api.kubeconfig, targets=TARGETS)
        yield running


@pytest.mark.timeout(120)
async def test_st_25_a_service_is_exposed_visited_and_gone(platform, real_api, kube_namespace):
    (platform.folder / "deploy.yaml").write_text(
        deploy_file(kube_namespace, SET_25, "exposeServices: {services: [app]}", APPROVAL)
    )
    trust = ssl.create_default_context(cafile=str(platform.folder / "server" / "tls" / "ca.pem"))
    connector = aiohttp.TCPConnector(ssl=trust, resolver=ToDoor())
    async with (
        open_rest(real_api) as rest,
        open_app(routable_address()) as app,
        aiohttp.ClientSession(connector=connector) as visitor,
    ):
        await make_service(rest, kube_namespace, "app", app)
        (platform.folder / "shop.yaml").write_text(manifests("1"))
        first = await platform.cli("deploy", "-f", "deploy.yaml", "--watch")
        assert first.code == 0, first.out + first.err
        previews = (await platform.cli("preview", "list", "-o", "json")).json()["previews"]
        url, name = previews[0]["url"], previews[0]["name"]
        async with visitor.get(url) as answer:
            assert await answer.text() == "hello from the new version"
        async with visitor.ws_connect(f"{url}socket") as websocket:
            await websocket.send_str("echo")
            assert await websocket.receive_str() == "ECHO"
        status = await platform.cli("status", previews[0]["deployment"])
        opened = await platform.cli("preview", "open", name)
        rule = await platform.cli("preview", "rule", "login")
        async with visitor.get(url) as answer:
            assert answer.status == 401
        async with visitor.get(opened.out.strip()) as answer:
            assert (answer.status, str(answer.url)) == (200, url)
        revoked = await platform.cli("preview", "revoke", name.rpartition("/")[2])
        async with visitor.get(url) as answer:
            assert answer.status == 410
        listed = await platform.cli("preview", "list")
        everything = await platform.cli("preview", "list", "--all", "--deployment", previews[0]["deployment"])

    assert url in status.out
    assert rule.out == "login\n"
    assert "leads nowhere any more" in revoked.err
    assert len(listed.out.splitlines()) == 1
    assert "REVOKED" in everything.out
