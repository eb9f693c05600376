"""The targets that the agent offers, by name. Asks the allow-list before anything is connected to; default is no.

Owns which target serves a request; a name that is not in the targets file leads nowhere.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from borealis.tunnel.v1 import tunnel_pb2 as pb
from borealis_agent.targets.dialer import Dialer
from borealis_agent.targets.endpoints import EndpointsDialer
from borealis_agent.targets.http1.client import HttpClient
from borealis_agent.targets.pipe import Pipe
from borealis_agent.targets.policy import address_of, fault_of_http, is_below, matches, parse_address
from borealis_agent.targets.target import TargetFailure
from borealis_agent.targets.web import WebServer, proxy_for, web_server

if TYPE_CHECKING:
    from borealis_agent.targets.dialer import AnyDialer
    from borealis_agent.targets.policy import Policy, ServiceRange, TcpAddress
    from borealis_agent.targets.target import HttpTarget

_SERVICE: Final = re.compile(r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?):(\d{1,5})")
"""Namespace, name and port of a Service behind the name of a range: `preview:shop/web:8080`."""
_SERVICE_HOST: Final = re.compile(r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)")
"""Name and namespace of a Service as the host of a plain connection: `web.shop`."""
_SERVICE_NAME: Final = re.compile(
    r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(\.svc|\.svc\.cluster\.local)?"
)
"""Name and namespace of a Service in an address: `web.shop.svc`."""
_MAX_SERVICES: Final = 64
"""Services whose connections are kept at once."""


class Catalog:
    """All targets. `close` closes their connections, `kube` excepted, which its owner closes."""

    def __init__(
        self,
        policy: Policy,
        *,
        kube: HttpTarget | None = None,
        https_proxy: str = "",
        no_proxy: str = "",
    ) -> None:
        self._policy = policy
        self._kube = kube if policy.kube is not None else None
        self._api = kube
        self._kube_rule = policy.kube if policy.kube is not None and not policy.kube.is_open else None
        self._web = {
            name: web_server(target, https_proxy=https_proxy, no_proxy=no_proxy) for name, target in policy.http.items()
        }
        self._tcp = {
            name: _tcp_dialer(target, https_proxy=https_proxy, no_proxy=no_proxy) for name, target in policy.tcp.items()
        }
        self._services: OrderedDict[tuple[str, str, str, int], WebServer] = OrderedDict()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all targets."""
        return self._policy.names

    def http(self, name: str, method: str, path: str) -> HttpTarget:
        """The target that answers a request.

        Errors: TargetFailure if the allow-list does not have it.
        """
        if name == "kube" and self._kube is not None:
            if self._kube_rule is not None:
                _refuse_if(self._kube_rule.fault_of(method, path))
            return self._kube
        if name in self._policy.http:
            _refuse_if(fault_of_http(self._policy.http[name], method, path))
            return self._web[name]
        if "://" in name:
            return self._by_address(name, method, path)
        range_name, _, rest = name.partition(":")
        if range_name in self._policy.services:
            services = self._policy.services[range_name]
            found = _SERVICE.fullmatch(rest)
            if found is None:
                raise _denied(f"give a Service of {range_name} as {range_name}:namespace/name:port")
            namespace, service, port = found[1], found[2], int(found[3])
            _refuse_if(_fault_of_service(services, namespace, port))
            _refuse_if(fault_of_http(services, method, path))
            return self._service(range_name, namespace, service, port)
        raise self._unknown(name, "HTTP requests")

    def _by_address(self, address: str, method: str, path: str) -> HttpTarget:
        """The target behind an address, which callers know who do not know the targets file."""
        found = parse_address(address)
        faults: list[str] = []
        for name, target in self._policy.http.items():
            base = urlsplit(target.url).path.rstrip("/")
            if found is None or address_of(target) != found or not is_below(path.partition("?")[0], base or "/"):
                continue
            fault = fault_of_http(target, method, path.removeprefix(base) or "/")
            if fault is None:
                return self._web[name].at_root()
            faults.append(fault)
        service = _service_at(found)
        if service is not None:
            namespace, _, port = service
            for name, services in self._policy.services.items():
                fault = _fault_of_service(services, namespace, port) or fault_of_http(services, method, path)
                if fault is None:
                    return self._service(name, *service)
                faults.append(fault)
        raise _denied(faults[0] if faults else f"the agent's targets file has no target at {address!a} for this path")

    async def connect(self, name: str, host: str, port: int) -> Pipe:
        """A plain connection to a target.

        Errors: TargetFailure if the allow-list does not have it, or it cannot be reached.
        """
        if name in self._policy.tcp:
            return await self._dialer_of(name, self._policy.tcp[name], host, port).dial(Pipe)
        range_name, _, rest = name.partition(":")
        if range_name not in self._policy.services:
            raise self._unknown(name, "plain connections")
        services = self._policy.services[range_name]
        if rest:
            found = _SERVICE.fullmatch(rest)
            namespace, service, port = (found[1], found[2], int(found[3])) if found else ("", "", 0)
        else:
            found = _SERVICE_HOST.fullmatch(host)
            namespace, service = (found[2], found[1]) if found else ("", "")
        if not service:
            raise _denied(f"give a Service of {range_name} as the host name.namespace, and its port")
        _refuse_if(_fault_of_service(services, namespace, port))
        return await self._service_dialer(services, namespace, service, port).dial(Pipe)

    def close(self) -> None:
        """Close all connections."""
        for server in (*self._web.values(), *self._services.values()):
            server.close()

    def _dialer_of(self, name: str, target: TcpAddress, host: str, port: int) -> Dialer:
        if host not in {"", target.host} or port not in {0, target.port}:
            raise _denied(f"the target is {target.host}:{target.port} and nothing else")
        return self._tcp[name]

    def _service_dialer(self, services: ServiceRange, namespace: str, service: str, port: int) -> AnyDialer:
        name = f"{service}.{namespace}.{services.domain}"
        if services.lookup == "dns":
            return Dialer(name, port, allow_local=services.allow_local)
        if self._api is None:
            raise _denied("the agent knows no Kubernetes API to look Services up in (`lookup` of its targets file)")
        return EndpointsDialer(self._api, namespace, service, port, name=name, allow_local=services.allow_local)

    def _service(self, range_name: str, namespace: str, service: str, port: int) -> WebServer:
        key = (range_name, namespace, service, port)
        server = self._services.get(key)
        if server is None:
            services = self._policy.services[range_name]
            server = WebServer(
                HttpClient(self._service_dialer(services, namespace, service, port)),
                passes_authorization=services.pass_authorization,
                passes_cookies=services.pass_cookies,
                asks_for_credentials=services.pass_authorization,
            )
            self._services[key] = server
            while len(self._services) > _MAX_SERVICES:
                self._services.popitem(last=False)[1].retire()
        self._services.move_to_end(key)
        return server

    def _unknown(self, name: str, what: str) -> TargetFailure:
        if not name:
            return _denied("the request names no target")
        offered = ", ".join(self.names) or "none at all"
        return _denied(f"the agent has no target {name!a} that takes {what}; its targets: {offered}")


def _tcp_dialer(target: TcpAddress, *, https_proxy: str, no_proxy: str) -> Dialer:
    proxy = proxy_for(target.proxy, target.host, target.port, https_proxy=https_proxy, no_proxy=no_proxy)
    return Dialer(target.host, target.port, proxy=proxy, allow_local=target.allow_local)


def _service_at(address: tuple[str, str, int] | None) -> tuple[str, str, int] | None:
    """Namespace, name and port of the Service that an address means; None if it means none."""
    if address is None or address[0] != "http":
        return None
    found = _SERVICE_NAME.fullmatch(address[1])
    return (found[2], found[1], address[2]) if found else None


def _fault_of_service(services: ServiceRange, namespace: str, port: int) -> str | None:
    if not matches(namespace, services.namespaces):
        return f"the agent's targets file allows Services of {', '.join(services.namespaces)}, not of {namespace}"
    if port not in services.ports:
        return f"the agent's targets file allows ports {', '.join(map(str, services.ports))}, not {port}"
    return None


def _refuse_if(fault: str | None) -> None:
    if fault is not None:
        raise _denied(fault)


def _denied(detail: str) -> TargetFailure:
    return TargetFailure(pb.Reset.CODE_DENIED, detail, dispatched=False)
