"""The target `kube`: our credentials, its allow-list, and how they are read again."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.kube import KubeCredentials, KubeTarget, KubeUnconfigured, open_kube_target
from borealis_agent.targets.target import TargetFailure, TargetRequest


class FakeAnswer:
    def __init__(self, status, body):
        self.status = status
        self.headers = ()
        self.length = len(body)
        self._body = body

    async def read(self):
        return self._body

    async def chunks(self):
        yield self._body


class FakeClient:
    def __init__(self, status=200, body=b"{}", failure=None):
        self.requests = []
        self._answer = FakeAnswer(status, body)
        self._failure = failure

    @asynccontextmanager
    async def request(self, request):
        self.requests.append(request)
        if self._failure:
            raise self._failure
        yield self._answer


def write_kubeconfig(path, **user):
    cluster = {"server": "https://127.0.0.1:6443"}
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "one",
                "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": user}],
            },
        ),
    )
    return path


async def target_with(tmp_path, client, prefixes=("/",), **user):
    credentials = KubeCredentials(write_kubeconfig(tmp_path / "config", **user), "")
    await credentials.load()
    return KubeTarget(client, credentials, prefixes)


GET = TargetRequest(method="GET", path="/api", headers=(("Accept", "x"),), body=None)


async def test_a_token_is_added_behind_the_callers_headers(tmp_path):
    client = FakeClient()
    kube = await target_with(tmp_path, client, token="abc")

    async with kube.request(GET) as answer:
        assert answer.status == 200

    assert client.requests[0].headers == (("Accept", "x"), ("Authorization", "Bearer abc"))


async def test_a_password_is_added_as_basic_credentials(tmp_path):
    client = FakeClient()
    kube = await target_with(tmp_path, client, username="me", password="pw")

    async with kube.request(GET):
        pass

    expected = "Basic " + base64.b64encode(b"me:pw").decode()
    assert client.requests[0].headers[-1] == ("Authorization", expected)


async def test_without_secrets_nothing_is_added(tmp_path):
    client = FakeClient()
    kube = await target_with(tmp_path, client)

    async with kube.request(GET):
        pass

    assert client.requests[0].headers == (("Accept", "x"),)


async def test_credentials_are_read_again_when_the_api_no_longer_knows_us(tmp_path):
    client = FakeClient(status=401)
    kube = await target_with(tmp_path, client, token="old")
    write_kubeconfig(tmp_path / "config", token="new")
    kube._credentials._loaded_at -= 60

    for _ in range(2):
        async with kube.request(GET):
            pass

    assert [request.headers[-1][1] for request in client.requests] == ["Bearer old", "Bearer new"]


async def test_credentials_are_not_read_again_at_every_refusal(tmp_path):
    client = FakeClient(status=401)
    kube = await target_with(tmp_path, client, token="old")
    write_kubeconfig(tmp_path / "config", token="new")

    for _ in range(2):
        async with kube.request(GET):
            pass

    assert client.requests[-1].headers[-1][1] == "Bearer old"


async def test_a_configuration_that_broke_meanwhile_leaves_the_old_one(tmp_path):
    client = FakeClient(status=401)
    kube = await target_with(tmp_path, client, token="old")
    (tmp_path / "config").unlink()
    kube._credentials._loaded_at -= 60

    for _ in range(2):
        async with kube.request(GET):
            pass

    assert client.requests[-1].headers[-1][1] == "Bearer old"


@pytest.mark.parametrize(
    ("prefixes", "path", "allowed"),
    [
        (("/",), "/anything", True),
        (("/api",), "/api", True),
        (("/api",), "/api/v1?watch=1", True),
        (("/api",), "/apis", False),
        (("/api/", "/version"), "/version", True),
        (("/api",), "/version", False),
        ((), "/", False),
    ],
)
async def test_only_allowed_paths_are_relayed(tmp_path, prefixes, path, allowed):
    kube = await target_with(tmp_path, FakeClient(), prefixes)

    assert (kube.fault_of("GET", path) is None) is allowed


@pytest.mark.parametrize(
    ("client", "version"),
    [
        pytest.param(FakeClient(body=b'{"gitVersion": "v1.30.0"}'), "v1.30.0", id="known"),
        pytest.param(FakeClient(body=b"<html>"), "", id="not-json"),
        pytest.param(FakeClient(body=b"{}"), "", id="without-version"),
        pytest.param(
            FakeClient(failure=TargetFailure(pb.Reset.CODE_DIAL_FAILED, "away", dispatched=False)),
            "",
            id="away",
        ),
    ],
)
async def test_the_version_is_empty_if_it_cannot_be_had(tmp_path, client, version):
    kube = await target_with(tmp_path, client)

    assert await kube.version() == version


@pytest.mark.parametrize("context", ["", "missing"])
async def test_no_usable_configuration_says_what_to_set(tmp_path, context, monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    config = tmp_path / "nowhere" if not context else write_kubeconfig(tmp_path / "config")

    with pytest.raises(KubeUnconfigured, match="BOREALIS_AGENT_KUBECONFIG"):
        async with open_kube_target(kubeconfig=config, context=context, path_prefixes=("/",)):
            pass


async def test_in_a_cluster_the_service_account_is_used(monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    with pytest.raises(KubeUnconfigured, match="token file does not exist"):
        await KubeCredentials(None, "").load()
