"""Records to messages: every field arrives, and absence stays absence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from borealis.agent.v1 import agent_pb2
from borealis.deployment.v1 import deployment_pb2
from borealis.identity.v1 import identity_pb2
from borealis_server.domain.identity import ClientCredential
from borealis_server.domain.names import AgentName
from borealis_server.domain.roles import AGENT, DEPLOYER, VIEWER
from borealis_server.domain.states import ServiceRole
from borealis_server.ports.relay import AgentRef, AgentSession
from borealis_server.services.agents import AgentView
from borealis_server.services.explanations import Caller
from borealis_server.transport.mapping.agent import agent_to_proto
from borealis_server.transport.mapping.deployment import target_to_proto
from borealis_server.transport.mapping.identity import caller_to_proto, credential_to_proto
from kit.blue_green import blue_green_drive
from kit.callers import a_caller
from kit.delivery import approval, set_weight
from kit.routed import routed_drive

NOON = datetime(2026, 1, 1, 12, 0, 0, 250000, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


def test_a_connected_agent_shows_its_sessions():
    session = AgentSession(
        agent=AgentRef(tenant="main", name="west"),
        session_id="s",
        instance_id="i",
        version="0.1.0",
        connected_at=NOON,
        last_seen_at=LATER,
        open_streams=3,
        kubernetes_version="v1.30.0",
    )

    message = agent_to_proto(
        AgentView(name=AgentName("main", "west"), since=NOON, last_seen_at=LATER, sessions=(session,))
    )

    assert message.name == "tenants/main/agents/west"
    assert message.state == agent_pb2.Agent.STATE_CONNECTED
    assert message.state_time.ToDatetime(UTC) == NOON
    assert message.last_seen_time.ToDatetime(UTC) == LATER
    (shown,) = message.sessions
    assert (shown.session_id, shown.instance_id, shown.version, shown.kubernetes_version, shown.open_streams) == (
        "s",
        "i",
        "0.1.0",
        "v1.30.0",
        3,
    )
    assert shown.connect_time.ToDatetime(UTC) == NOON
    assert shown.last_seen_time.ToDatetime(UTC) == LATER


def test_an_agent_that_never_came_has_no_times():
    message = agent_to_proto(AgentView(name=AgentName("main", "west"), since=None, last_seen_at=None, sessions=()))

    assert message.state == agent_pb2.Agent.STATE_DISCONNECTED
    assert not message.HasField("state_time")
    assert not message.HasField("last_seen_time")


def test_a_credential_arrives_whole_and_without_its_secret():
    credential = ClientCredential(
        tenant="main",
        client_id="abc",
        display_name="ci",
        roles=("agent",),
        agent="west",
        secret_hash="5ec4e7",
        created_at=NOON,
    )

    message = credential_to_proto(credential, [AGENT])

    assert (message.name, message.client_id) == ("tenants/main/clientCredentials/abc", "abc")
    assert (message.display_name, message.role, message.agent) == ("ci", "agent", "west")
    assert list(message.roles) == ["Remote Network Agent"]
    assert message.create_time.ToDatetime(UTC) == NOON
    assert "5ec4e7" not in str(message)


def test_a_principal_arrives_whole_with_its_roles_sorted():
    principal = a_caller(VIEWER, DEPLOYER, subject="clients/abc", name="ci", agent="west", expires_at=NOON)

    message = caller_to_proto(Caller(principal=principal, organization="Home", administrators=("ada@example.org",)))

    assert (message.subject, message.display_name, message.tenant, message.agent) == (
        "clients/abc",
        "ci",
        "main",
        "west",
    )
    assert list(message.roles) == ["Deployments Full Access", "Deployments Read Only"]
    assert list(message.grants) == ["api/deployment/full", "api/deployment/read"]
    assert (message.kind, message.email) == (identity_pb2.Principal.KIND_MACHINE, "")
    assert (message.organization, list(message.administrators)) == ("Home", ["ada@example.org"])
    assert message.expire_time.ToDatetime(UTC) == NOON


def test_a_blue_green_target_shows_its_steps_its_services_and_where_traffic_goes():
    run = blue_green_drive(2, shut_down=(approval(),)).until_rest().run
    shared = replace(run.services[0], role=ServiceRole.SHARED)

    message = target_to_proto(replace(run, services=(*run.services, shared)))

    assert [step.WhichOneof("kind") for step in message.steps] == [
        "deploy_new_version",
        "redirect_traffic",
        "pause",
        "shut_down_old_version",
    ]
    assert [(one.name, one.namespace, one.role, one.workload) for one in message.services] == [
        ("shop", "shop", deployment_pb2.RoutedService.ROLE_ACTIVE, "shop"),
        ("shop-next", "shop", deployment_pb2.RoutedService.ROLE_PREVIEW, "shop"),
    ]
    (load,) = message.workloads
    assert (load.new_available, load.old_available) == (2, 2)
    assert (load.asked_weight_percent, load.actual_weight_percent) == (100, 100)


def test_a_routed_target_shows_what_is_asked_of_each_route_and_what_it_really_gives():
    run = routed_drive("istio", set_weight(25), approval()).rest().run
    unseen = replace(run.routes[0], real_percent=None)

    message = target_to_proto(replace(run, routes=(run.routes[0], unseen)))

    shown, other = message.routes
    assert (shown.provider, shown.kind, shown.name) == (
        deployment_pb2.TrafficRoute.PROVIDER_ISTIO,
        "VirtualService",
        "shop",
    )
    assert (shown.namespace, shown.workload) == ("shop", "shop")
    assert (shown.asked_weight_percent, shown.actual_weight_percent) == (25, 25)
    assert shown.HasField("actual_weight_percent")
    assert not other.HasField("actual_weight_percent")
    assert message.workloads[0].actual_weight_percent == 25
