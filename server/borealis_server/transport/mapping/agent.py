"""Agents, to their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from borealis.agent.v1 import agent_pb2 as pb

if TYPE_CHECKING:
    from borealis_server.ports.relay import AgentSession
    from borealis_server.services.agents import AgentView


def agent_to_proto(view: AgentView) -> pb.Agent:
    """The message of an agent."""
    state = pb.Agent.STATE_CONNECTED if view.sessions else pb.Agent.STATE_DISCONNECTED
    message = pb.Agent(
        name=str(view.name), state=state, sessions=[_session_to_proto(session) for session in view.sessions]
    )
    if view.since is not None:
        message.state_time.FromDatetime(view.since)
    if view.last_seen_at is not None:
        message.last_seen_time.FromDatetime(view.last_seen_at)
    return message


def _session_to_proto(session: AgentSession) -> pb.AgentSession:
    message = pb.AgentSession(
        session_id=session.session_id,
        instance_id=session.instance_id,
        version=session.version,
        kubernetes_version=session.kubernetes_version,
        open_streams=session.open_streams,
    )
    message.connect_time.FromDatetime(session.connected_at)
    message.last_seen_time.FromDatetime(session.last_seen_at)
    return message
