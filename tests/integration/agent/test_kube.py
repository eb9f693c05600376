"""The target `kube`: whose credentials a request carries, how they rotate, and in whose name it is made."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import sys

import pytest

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.kube import impersonation, open_kube_target
from borealis_agent.targets.kube_credentials import KubeCredentials, KubeUnconfigured
from borealis_agent.targets.target import TargetFailure
from borealis_sandbox.pki import Authority
from kit.connect_proxy import open_connect_proxy
from kit.raw_server import HOSTS, open_raw_server, server_tls, trust

UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"


def answer(body=b"{}", status=b"200 OK"):
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


class Api:
    """A Kubernetes API that knows the tokens in `known`, or everybody if that is None, and keeps what it received."""

    def __init__(self):
        self.url = ""
        self.known = None
        self.received = []
        self.body = b'{"gitVersion": "v1.30.0"}'

    async def __call__(self, peer):
        while True:
            request = await peer.request()
            self.received.append(request)
            tokens = [line.partition(b" ")[2] for line in request.split(b"\r\n") if line.startswith(b"Authorization:")]
            knows = self.known is None or any(token in self.known for token in tokens)
            await peer.send(answer(self.body) if knows else UNAUTHORIZED)


def write_kubeconfig(path, url, *, cluster=None, **user):
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "one",
                "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": url, **(cluster or {})}}],
                "users": [{"name": "u", "user": user}],
            },
        ),
    )
    return path


@pytest.fixture
async def api():
    api = Api()
    async with open_raw_server(api) as server:
        api.url = f"http://127.0.0.1:{server.port}"
        yield api


@pytest.fixture
def config(tmp_path):
    return tmp_path / "config"


async def ask(kube, request):
    connection = await kube.send(request)
    try:
        return connection.status
    finally:
        connection.release()


def opened(config, **more):
    return open_kube_target(kubeconfig=config, context="", **more)


@pytest.mark.parametrize(
    ("user", "line"),
    [
        pytest.param({"token": "abc"}, b"Authorization: Bearer abc\r\n", id="token"),
        pytest.param(
            {"username": "me", "password": "pw"},
            b"Authorization: Basic " + base64.b64encode(b"me:pw") + b"\r\n",
            id="password",
        ),
        pytest.param({}, b"", id="nothing"),
    ],
)
async def test_a_request_carries_our_credentials(api, config, get, user, line):
    async with opened(write_kubeconfig(config, api.url, **user)) as kube:
        assert await ask(kube, get("/api")) == 200

    assert (line in api.received[0]) if line else (b"Authorization" not in api.received[0])
    assert b"\r\nAccept: */*\r\n" in api.received[0]


async def test_a_token_file_is_read(api, config, get, tmp_path):
    (tmp_path / "token").write_text("from-file\n")
    async with opened(write_kubeconfig(config, api.url, tokenFile=str(tmp_path / "token"))) as kube:
        await ask(kube, get("/api"))

    assert b"Bearer from-file\r\n" in api.received[0]


async def test_an_exec_plugin_is_asked(api, config, get, tmp_path):
    credential = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential"}
    plugin = tmp_path / "plugin.py"
    plugin.write_text(f"print({json.dumps(json.dumps(credential | {'status': {'token': 'from-plugin'}}))})")
    exec_ = {"apiVersion": credential["apiVersion"], "command": sys.executable, "args": [str(plugin)]}
    async with opened(write_kubeconfig(config, api.url, exec=exec_)) as kube:
        await ask(kube, get("/api"))

    assert b"Bearer from-plugin\r\n" in api.received[0]


async def test_a_token_that_rotated_is_read_again_and_the_request_sent_once_more(api, config, get):
    api.known = [b"Bearer new"]
    async with opened(write_kubeconfig(config, api.url, token="old")) as kube:
        write_kubeconfig(config, api.url, token="new")
        kube._credentials._loaded_at -= 60
        assert await ask(kube, get("/api", method="POST", body=b"data")) == 200
        assert await ask(kube, get("/api")) == 200

    tokens = [request.partition(b"Bearer ")[2].partition(b"\r\n")[0] for request in api.received]
    assert tokens == [b"old", b"new", b"new"]


async def test_the_configuration_is_not_read_again_at_every_refusal(api, config, get):
    api.known = []
    async with opened(write_kubeconfig(config, api.url, token="old")) as kube:
        write_kubeconfig(config, api.url, token="new")
        assert [await ask(kube, get("/api")) for _ in range(2)] == [401, 401]

    assert len(api.received) == 2
    assert b"Bearer new" not in b"".join(api.received)


async def test_a_refusal_that_nothing_can_change_comes_back(api, config, get):
    api.known = []
    async with opened(write_kubeconfig(config, api.url, token="old")) as kube:
        kube._credentials._loaded_at -= 60
        assert await ask(kube, get("/api")) == 401

    assert len(api.received) == 1


async def test_a_configuration_that_broke_meanwhile_leaves_the_old_one(api, config, get):
    api.known = []
    async with opened(write_kubeconfig(config, api.url, token="old")) as kube:
        config.unlink()
        kube._credentials._loaded_at -= 60
        assert await ask(kube, get("/api")) == 401
        api.known = None
        assert await ask(kube, get("/api")) == 200

    assert b"Bearer old" in api.received[-1]


async def test_a_service_accounts_token_is_read_again_while_it_is_in_use(monkeypatch):
    """As in a pod: the library reads the token file of the ServiceAccount once a minute, and we ask it."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    tokens = iter(["one", "two", "three"])

    def in_cluster(configuration):
        def hook(configuration):
            configuration.api_key["BearerToken"] = f"Bearer {next(tokens)}"

        configuration.refresh_api_key_hook = hook

    credentials = KubeCredentials(None, "", in_cluster=in_cluster)
    await credentials.load()
    first = [await credentials.field() for _ in range(2)]
    credentials._checked_at -= 60

    assert first == [b"Authorization: Bearer one\r\n"] * 2
    assert await credentials.field() == b"Authorization: Bearer two\r\n"


async def test_in_a_cluster_the_service_account_is_used(monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    with pytest.raises(KubeUnconfigured, match="token file does not exist"):
        await KubeCredentials(None, "").load()


@pytest.mark.parametrize("context", ["", "missing"])
async def test_no_usable_configuration_says_what_to_set(config, context, monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    if context:
        write_kubeconfig(config, "https://127.0.0.1:6443")

    with pytest.raises(KubeUnconfigured, match="BOREALIS_AGENT_KUBECONFIG"):
        async with open_kube_target(kubeconfig=config, context=context):
            pass


async def test_an_api_below_a_path_is_refused_at_the_start(config):
    with pytest.raises(KubeUnconfigured, match="without a path"):
        async with opened(write_kubeconfig(config, "https://rancher/k8s/clusters/c")):
            pass


@pytest.mark.parametrize(
    ("body", "version"),
    [(b'{"gitVersion": "v1.30.0"}', "v1.30.0"), (b"<html>", ""), (b"{}", ""), (b"[]", "")],
)
async def test_the_version_is_empty_if_it_cannot_be_had(api, config, body, version):
    api.body = body
    async with opened(write_kubeconfig(config, api.url)) as kube:
        assert await kube.version() == version


async def test_the_version_of_nobody_is_empty(config):
    async with opened(write_kubeconfig(config, "http://127.0.0.1:1")) as kube:
        assert await kube.version() == ""


async def test_a_client_certificate_proves_who_we_are(tmp_path, config, authority, get):
    ours = authority.issue(["agent.example"])
    files = {"client-certificate": ours.certificate_pem, "client-key": ours.key_pem}
    for name, pem in files.items():
        (tmp_path / name).write_bytes(pem)
    tls = server_tls(tmp_path / "server", authority.issue(HOSTS))
    tls.load_verify_locations(trust(tmp_path, authority))
    cluster = {"certificate-authority": str(tmp_path / "ca.crt")}
    async with open_raw_server(Api(), tls=tls) as server:
        url = f"https://127.0.0.1:{server.port}"
        paths = {name: str(tmp_path / name) for name in files}
        async with opened(write_kubeconfig(config, url, cluster=cluster, **paths)) as kube:
            assert await ask(kube, get("/api")) == 200
            assert kube._tls.context().cert_store_stats()["x509_ca"] == 1


async def test_f13_the_clusters_authority_rotates_without_a_restart(tmp_path, config, authority, get):
    newer = Authority("newer")
    tls = server_tls(tmp_path / "server", newer.issue(HOSTS))
    cluster = {"certificate-authority": str(trust(tmp_path, authority))}
    async with open_raw_server(Api(), tls=tls) as server:
        url = f"https://127.0.0.1:{server.port}"
        async with opened(write_kubeconfig(config, url, cluster=cluster, token="x")) as kube:
            with pytest.raises(TargetFailure, match="not trusted"):
                await ask(kube, get("/api"))
            trust(tmp_path, authority, newer)
            assert await ask(kube, get("/api")) == 200


async def test_an_unverified_api_is_reached_if_the_kubeconfig_says_so(tmp_path, config, get):
    tls = server_tls(tmp_path / "server", Authority("stranger").issue(HOSTS))
    async with open_raw_server(Api(), tls=tls) as server:
        url = f"https://127.0.0.1:{server.port}"
        cluster = {"insecure-skip-tls-verify": True}
        async with opened(write_kubeconfig(config, url, cluster=cluster)) as kube:
            assert await ask(kube, get("/api")) == 200
            assert kube._tls.context().verify_mode is ssl.CERT_NONE


async def test_the_proxy_of_the_kubeconfig_is_used(api, config, get):
    async with open_connect_proxy() as proxy:
        cluster = {"proxy-url": f"http://127.0.0.1:{proxy.port}"}
        async with opened(write_kubeconfig(config, api.url, cluster=cluster)) as kube:
            assert await ask(kube, get("/api")) == 200

    assert len(proxy.asked) == 1


# ---- impersonation


async def test_requests_are_made_in_the_name_of_the_person_behind_them(api, config, get):
    request = get("/api", actor="ann@example.com", actor_groups=("dev", "ops"))
    async with opened(write_kubeconfig(config, api.url, token="abc"), impersonates=True) as kube:
        await ask(kube, request)

    lines = b"Impersonate-User: ann@example.com\r\nImpersonate-Group: dev\r\nImpersonate-Group: ops\r\n"
    assert lines in api.received[0]
    assert b"Bearer abc" in api.received[0]


async def test_without_the_setting_nobody_is_impersonated(api, config, get):
    async with opened(write_kubeconfig(config, api.url)) as kube:
        await ask(kube, get("/api", actor="ann"))

    assert b"Impersonate" not in api.received[0]


@pytest.mark.parametrize(
    ("actor", "groups"),
    [
        pytest.param("", (), id="nobody"),
        pytest.param("   ", (), id="blank"),
        pytest.param("system:admin", (), id="system-user"),
        pytest.param("ann", ("system:masters",), id="system-group"),
        pytest.param("ann\r\nImpersonate-Group: system:masters", (), id="line-break"),
        pytest.param("ann", ("a\nb",), id="line-break-in-group"),
        pytest.param("ann", ("",), id="empty-group"),
    ],
)
def test_who_cannot_be_impersonated_is_refused(actor, groups):
    with pytest.raises(TargetFailure) as caught:
        impersonation(actor, groups)

    assert (caught.value.code, caught.value.dispatched) == (pb.Reset.CODE_DENIED, False)


async def test_a_hundred_refusals_at_once_read_the_configuration_once(api, config, get):
    api.known = [b"Bearer new"]
    async with opened(write_kubeconfig(config, api.url, token="old")) as kube:
        write_kubeconfig(config, api.url, token="new")
        kube._credentials._loaded_at -= 60
        async with asyncio.TaskGroup() as tasks:
            calls = [tasks.create_task(ask(kube, get("/api"))) for _ in range(100)]

    assert {call.result() for call in calls} == {200}
