"""Services that a step makes reachable: what is asked, what came of it, and which Services can be. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LIMIT_S = 300.0
"""How long a step tries while the agent or the cluster cannot answer."""
_HTTP = frozenset({"", "http", "http/1.1", "kubernetes.io/ws", "ws"})
"""What a port may say of its protocol, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLink:
    """A temporary address of a Service."""

    service: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What a step exposes."""

    services: tuple[str, ...]
    ttl_s: float
    requires_login: bool = False
    links: tuple[PreviewLink, ...] = ()
    """One for each Service once the step has succeeded."""
    tried: int = 0
    """Tries that came to nothing."""
    failure: str = ""
    """Why the newest try came to nothing; empty where none did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """The addresses are there."""

    links: tuple[PreviewLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotExposed:
    """There are no addresses."""

    detail: str
    """Why, in the middle of a sentence."""
    is_final: bool
    """Whether another try is of no use."""


def port_to_expose(name: str, namespace: str, service: Mapping[str, Any] | None) -> int | str:  # Any: JSON
    """The one port of a Service, or why it cannot be exposed, in the middle of a sentence."""
    if service is None:
        return f"there is no Service {name} in namespace {namespace}"
    spec = service.get("spec") or {}
    ports: Sequence[Mapping[str, Any]] = spec.get("ports") or ()  # Any: JSON
    if spec.get("type") == "ExternalName":
        return f"the Service {name} leads out of the cluster (ExternalName)"
    if len(ports) != 1:
        listed = ", ".join(str(port.get("port")) for port in ports) or "none"
        return f"the Service {name} must have exactly one port, and it has {len(ports)}: {listed}"
    port = ports[0]
    protocol, application = port.get("protocol") or "TCP", str(port.get("appProtocol") or "")
    if protocol != "TCP" or application.lower() not in _HTTP:
        return f"port {port['port']} of the Service {name} speaks {application or protocol}, and a preview needs HTTP"
    return int(port["port"])
