"""The link to the server: through proxies, over wrong TLS, with tokens that cannot be renewed, to the next server."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from pydantic import SecretStr

from borealis_agent.backoff import Backoff
from borealis_agent.failures import Cause, LinkFailure
from borealis_agent.identity import Token, TokenSource
from borealis_agent.link import Link, Offer
from borealis_agent.proxies import Proxy
from borealis_agent.streams import StreamServer
from borealis_agent.targets.catalog import Catalog
from borealis_agent.targets.policy import Policy, WebTarget
from borealis_agent.telemetry import AgentMetrics
from borealis_sandbox.pki import Authority
from borealis_server.adapters.relay.connection import RelaySettings
from borealis_server.ports.relay import AgentRef, RelayRequest
from kit.connect_proxy import open_connect_proxy
from kit.raw_server import HOSTS, expired, open_raw_server, server_tls, trust
from kit.target_api import open_target_api
from kit.tunnel import TENANT, open_agent, open_hub, wait_until

PROD = AgentRef(tenant=TENANT, name="prod")


async def no_version():
    return ""


def a_link(settings, targets=None, **more):
    metrics = AgentMetrics()
    offer = Offer(targets=("web",), policy_digest="", kubernetes_version=no_version)
    return Link(
        settings,
        StreamServer(targets or Catalog(Policy()), metrics),
        metrics,
        max_streams=100,
        offer=offer,
        chance=lambda: 0.1,
        backoff=Backoff(longest_s=0.5, refused_s=0.2),
        **more,
    )


@asynccontextmanager
async def keeping(link):
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(link.keep(stop))
        try:
            yield
        finally:
            stop.set()


async def failure_of(link):
    with pytest.raises(LinkFailure) as caught:
        await link.hold(asyncio.Event())
    return caught.value


@pytest.fixture
async def hub(tmp_path):
    async with open_hub(tmp_path / "hub") as hub:
        yield hub


@pytest.fixture
async def api(tmp_path):
    async with open_target_api(tmp_path / "api") as api:
        yield api


# ---- F12: a proxy on the way to the server


def way(proxy, user="", password=""):
    return Proxy(host="127.0.0.1", port=proxy.port, username=user, password=password)


@pytest.mark.parametrize(("user", "password"), [("", ""), ("me", "p@ss:word/ %")])
async def test_f12_a_tunnel_through_a_proxy(hub, user, password):
    async with open_connect_proxy() as proxy:
        proxy.credentials = f"{user}:{password}" if user else ""
        link = a_link(await hub.link_settings("prod", proxy=way(proxy, user, password)))
        async with keeping(link):
            await wait_until(lambda: link.is_up)

    assert proxy.asked == [f"localhost:{hub.port}"]


async def test_f12_a_proxy_that_wants_other_credentials(hub):
    async with open_connect_proxy() as proxy:
        proxy.credentials = "me:right"
        failure = await failure_of(a_link(await hub.link_settings("prod", proxy=way(proxy, "me", "wrong"))))

    assert failure.cause is Cause.UNREACHABLE
    assert "proxy" in str(failure).lower()
    assert "wrong" not in str(failure)


async def test_f12_a_proxy_that_dies_costs_one_tunnel(hub):
    async with open_connect_proxy() as proxy:
        link = a_link(await hub.link_settings("prod", proxy=way(proxy)))
        async with keeping(link):
            await wait_until(lambda: link.is_up)
            proxy.cut()
            await wait_until(lambda: not link.is_up)
            await wait_until(lambda: link.is_up)

    assert len(proxy.asked) >= 2


async def test_f12_without_a_proxy_the_environment_of_grpc_is_not_asked(hub, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    link = a_link(await hub.link_settings("prod"))
    async with keeping(link):
        await wait_until(lambda: link.is_up)


# ---- F13: TLS of the server


async def nothing(peer):
    await peer.read()


@pytest.mark.parametrize("fault", ["expired", "wrong-san", "stranger", "tls-1.1"])
async def test_f13_a_server_that_cannot_be_trusted(hub, tmp_path, authority, fault):
    pair = {
        "expired": lambda: expired(authority),
        "wrong-san": lambda: authority.issue(["elsewhere.example"]),
        "stranger": lambda: Authority("stranger").issue(HOSTS),
        "tls-1.1": lambda: authority.issue(HOSTS),
    }[fault]()
    tls = server_tls(tmp_path / "bad", pair, highest=ssl.TLSVersion.TLSv1_1 if fault == "tls-1.1" else None)
    tls.set_alpn_protocols(["h2"])
    async with open_raw_server(nothing, tls=tls) as server:
        settings = await hub.link_settings("prod", server=f"localhost:{server.port}", ca_pem=authority.certificate_pem)
        failure = await failure_of(a_link(settings))

    assert failure.cause is Cause.UNTRUSTED
    assert "BOREALIS_AGENT_CA_FILE" in str(failure)


async def test_f13_an_authority_that_rotates_is_read_again_without_a_restart(hub, tmp_path, authority):
    ca_file = trust(tmp_path, authority)
    link = a_link(await hub.link_settings("prod", ca_file=ca_file, ca_pem=authority.certificate_pem))
    async with keeping(link):
        await wait_until(lambda: link._metrics.attempts.labels("untrusted")._value.get() >= 1)
        ca_file.write_bytes(authority.certificate_pem + hub.ca_pem)
        await wait_until(lambda: link.is_up)


# ---- F14: tokens


class UnwillingTokens(TokenSource):
    """Renews tokens in real calls, but the first `failures` of them fail as the network does."""

    def __init__(self, settings, failures):
        super().__init__(settings)
        self.left = failures
        self.renewed = 0

    async def renew(self, channel):
        if self._token is not None and self.left:
            self.left -= 1
            raise LinkFailure(Cause.UNREACHABLE, "the network is away")
        token = await super().renew(channel)
        self.renewed += 1
        return token


async def test_f14_a_renewal_that_fails_once_is_tried_again_and_the_tunnel_stays(tmp_path):
    async with open_hub(tmp_path / "hub", token_lifetime_s=4) as hub:
        settings = await hub.link_settings("prod")
        link = a_link(settings, renew_retry_s=0.2)
        link._tokens = UnwillingTokens(settings, 3)
        async with keeping(link):
            await wait_until(lambda: link.is_up)
            (first,) = hub.hub.sessions(PROD)
            await wait_until(lambda: link._tokens.renewed >= 2)
            await asyncio.sleep(2.0)
            (later,) = hub.hub.sessions(PROD)

    assert first.session_id == later.session_id


async def test_f14_a_renewal_that_never_works_ends_in_a_new_tunnel(tmp_path):
    relay = RelaySettings(authority_grace_s=0.2)
    async with open_hub(tmp_path / "hub", token_lifetime_s=2, settings=relay) as hub:
        settings = await hub.link_settings("prod")
        link = a_link(settings, renew_retry_s=60.0)
        link._tokens = UnwillingTokens(settings, 1)
        async with keeping(link):
            await wait_until(lambda: link.is_up)
            (first,) = hub.hub.sessions(PROD)
            await wait_until(lambda: [one.session_id for one in hub.hub.sessions(PROD)] not in ([], [first.session_id]))


def test_a_token_is_renewed_at_sixty_percent_of_its_life():
    assert Token(value="x", issued_at=100.0, lifetime_s=900.0).renew_in_s(100.0) == pytest.approx(540.0)


# ---- make before break


async def test_the_next_tunnel_is_made_while_the_old_one_still_carries_a_call(tmp_path, api):
    """A server drains: its agent goes to the next server at once, and the call that is open ends as if nothing was."""
    relay = RelaySettings(reconnect_spread_s=0.05)
    headers = (("Authorization", "ignored"),)
    target = WebTarget(url=api.url, ca_file=api.ca_file, allow_local=True)
    async with (
        open_connect_proxy() as proxy,
        open_hub(tmp_path / "hub", settings=relay) as old,
        open_hub(tmp_path / "hub", settings=relay, before=replace(old, port=0)) as new,
    ):
        secret = tmp_path / "token"
        secret.write_text("Bearer token-of-the-cluster\n")
        catalog = Catalog(Policy(http={"web": replace(target, authorization_file=secret)}))
        link = a_link(await old.link_settings("prod", proxy=way(proxy)), catalog)
        async with keeping(link), asyncio.TaskGroup() as tasks:
            await wait_until(lambda: old.hub.is_connected(PROD))
            late = RelayRequest(method="GET", path="/api/late?seconds=1.5", headers=headers, target="web")
            call = tasks.create_task(_body_of(old, late))
            await wait_until(lambda: api.open_requests == 1)
            proxy.detours[f"localhost:{old.port}"] = f"localhost:{new.port}"
            drain = tasks.create_task(old.hub.drain(5.0))
            await wait_until(lambda: new.hub.is_connected(PROD))
            was_open = not call.done()
            small = await _body_of(new, RelayRequest(method="GET", path="/api/small", target="web"))
            body = await call
            await drain
        catalog.close()

    assert was_open
    assert (body, small) == (b"late", api.small_body)


# ---- F19, F20: replicas


async def test_f19_replacing_two_replicas_one_after_the_other_fails_no_call(hub, api):
    """A rolling restart: a new replica comes up, an old one is told to stop, twice; calls go on all the time."""
    done = asyncio.Event()
    answered = 0

    async def call_again_and_again():
        nonlocal answered
        while not done.is_set():
            assert await _body_of(hub, RelayRequest(method="GET", path="/api/small")) == api.small_body
            answered += 1

    async with open_agent(hub, api.kubeconfig) as a, open_agent(hub, api.kubeconfig) as b, asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(call_again_and_again())
        async with open_agent(hub, api.kubeconfig) as c, open_agent(hub, api.kubeconfig) as d:
            for old in (a, b):
                before = answered
                old.stop.set()
                await wait_until(old.task.done)
                while answered < before + 20:
                    await asyncio.sleep(0.005)
            sessions = {session.instance_id for session in hub.hub.sessions(PROD)}
            done.set()
            await asyncio.sleep(0.1)

    assert sessions == {c.link._instance_id, d.link._instance_id}


async def _body_of(hub, request):
    async with hub.hub.call(PROD, request) as response:
        return await response.read()


# ---- the loop never gives up


async def test_the_link_is_tried_again_whatever_goes_wrong(hub):
    """Even a fault of ours in an attempt, here an unusable name of a version, costs that attempt only."""
    faults = 3

    async def version():
        nonlocal faults
        faults -= 1
        if faults >= 0:
            raise ZeroDivisionError
        return "v1"

    link = a_link(await hub.link_settings("prod"))
    link._offer = Offer(targets=(), policy_digest="", kubernetes_version=version)
    async with keeping(link):
        await wait_until(lambda: link.is_up)

    assert faults < 0


async def test_a_wrong_secret_does_not_stop_the_link_from_trying(hub):
    link = a_link(await hub.link_settings("prod", client_secret=SecretStr("wrong")))
    async with keeping(link):
        await wait_until(lambda: link._metrics.attempts.labels("credential")._value.get() >= 2)


async def test_the_secret_never_shows(hub):
    settings = await hub.link_settings("prod", proxy=Proxy(host="p", port=1, username="u", password="hush"))

    assert "hush" not in repr(settings)
    assert settings.client_secret.get_secret_value() not in repr(settings)
