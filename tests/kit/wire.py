"""Two tunnels joined by an in-memory pipe: frames cross it as bytes, in order, when a test says so."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis.tunnel.v1.tunnel_service_pb2 import LaneRequest
from borealis_wire.tunnel import Role, Tunnel

if TYPE_CHECKING:
    from borealis_wire.events import Event
    from borealis_wire.limits import Limits
    from borealis_wire.window import ReceiveBudget


FEATURES = ("http", "tcp", "upgrade")
"""What both sides of a pair can do."""


def http(path: str = "/", **fields: Any) -> pb.Open:  # Any: fields of Open, by name
    """A request to open a stream."""
    return pb.Open(target="kube", http=pb.HttpRequest(method="GET", path=path), **fields)


def ok(**fields: Any) -> pb.Opened:  # Any: fields of Opened, by name
    """An answer."""
    return pb.Opened(http=pb.HttpResponse(status=200), **fields)


def taken(tunnel: Tunnel) -> list[pb.Frame]:
    """The frames of the next message of a tunnel."""
    return list(LaneRequest.FromString(tunnel.take_batch()).frames)


class Pair:
    """A server's and an agent's tunnel."""

    def __init__(self, limits: Limits | None = None, *, budget: ReceiveBudget | None = None) -> None:
        self.server = Tunnel(Role.SERVER, limits, budget=budget)
        self.agent = Tunnel(Role.AGENT, limits)
        self.to_agent: deque[bytes] = deque()
        self.to_server: deque[bytes] = deque()

    @classmethod
    def greeted(cls, limits: Limits | None = None, *, budget: ReceiveBudget | None = None) -> Pair:
        """A pair with an open session; the budget is the server's."""
        pair = cls(limits, budget=budget)
        pair.agent.hello(pb.Hello(agent="prod", instance_id="i", features=FEATURES))
        pair.move_to_server()
        pair.server.welcome(pb.Welcome(session_id="s", features=FEATURES))
        pair.move_to_agent()
        return pair

    def write_to_agent(self) -> None:
        """Let the server put its batches into the pipe."""
        _write(self.server, self.to_agent)

    def write_to_server(self) -> None:
        """Let the agent put its batches into the pipe."""
        _write(self.agent, self.to_server)

    def move_to_agent(self) -> list[Event]:
        """Bring everything from the server to the agent."""
        self.write_to_agent()
        return _read(self.agent, self.to_agent)

    def move_to_server(self) -> list[Event]:
        """Bring everything from the agent to the server."""
        self.write_to_server()
        return _read(self.server, self.to_server)

    def settle(self) -> tuple[list[Event], list[Event]]:
        """Move frames both ways until nothing moves: the agent's events, the server's events."""
        at_agent: list[Event] = []
        at_server: list[Event] = []
        while self.server.has_output or self.agent.has_output or self.to_agent or self.to_server:
            at_agent += self.move_to_agent()
            at_server += self.move_to_server()
        return at_agent, at_server


def _write(tunnel: Tunnel, pipe: deque[bytes]) -> None:
    while batch := tunnel.take_batch():
        pipe.append(batch)


def _read(tunnel: Tunnel, pipe: deque[bytes]) -> list[Event]:
    events: list[Event] = []
    while pipe:
        events += tunnel.receive_batch(pipe.popleft(), 0.0)
    return events
